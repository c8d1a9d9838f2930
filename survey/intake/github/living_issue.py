"""One issue that lives: it shows what the last audit found, is closed when all is well, and comes back."""

from __future__ import annotations

from survey.intake.audit import Report
from survey.intake.github.api import ROBOT, GitHub
from survey.intake.markdown import LIMIT, title

MARKER = "<!-- survey:audit -->"


def update(github: GitHub, heading: str, label: str, reports: list[Report]) -> str:
    """Show the reports in the issue of this title. Returns what was done, for the log of the job."""
    from survey.intake.audit import markdown

    heading = title(heading, 100)
    body = f"{MARKER}\n{markdown(reports, LIMIT - 1000)}"
    issue = _issue(github, heading, label)
    if any(report.findings for report in reports):
        if issue is None:
            number = int(github.post("/issues", title=heading, body=body, labels=[label])["number"])
            return f"issue {number} opened"
        number, again = int(issue["number"]), issue.get("state") != "open"
        github.patch(f"/issues/{number}", body=body, state="open")
        return f"issue {number} {'opened again' if again else 'brought up to date'}"
    if issue is None or issue.get("state") != "open":
        return "nothing was found, and no issue is open"
    number = int(issue["number"])
    github.patch(f"/issues/{number}", body=body)
    if not all(report.complete for report in reports):
        return f"issue {number} stays open: nothing was found, but not everything could be looked at"
    github.post(f"/issues/{number}/comments", body="All is well: the audit of today found nothing.")
    github.patch(f"/issues/{number}", state="closed", state_reason="completed")
    return f"issue {number} closed: all is well"


def _issue(github: GitHub, heading: str, label: str) -> dict | None:
    """The issue of ours with this title, an open one before a closed one."""
    found = [
        issue
        for issue in github.all("/issues", labels=label, state="all")
        if issue.get("title") == heading and "pull_request" not in issue and (issue.get("user") or {}).get("login") == ROBOT
    ]
    return max(found, key=lambda issue: (issue.get("state") == "open", int(issue["number"])), default=None)
