"""The rules that an entry and the whole collection must satisfy.

Every rule has a stable code, a severity, an explanation and, where it is safe, a fix. A rule is a
function that yields findings; `registry` collects them, `run` applies them.
"""

from survey.checks.registry import RULES, Entry, Finding, Rule, Severity
from survey.checks.run import Report, check, fix

__all__ = ["RULES", "Entry", "Finding", "Report", "Rule", "Severity", "check", "fix"]
