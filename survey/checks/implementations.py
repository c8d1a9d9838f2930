"""M: the methods that run here, and what they say of themselves.

Sources are read, never imported: these rules hold where torch is not installed.
"""

from __future__ import annotations

from collections.abc import Iterator

from survey.checks.registry import Finding, similar_ids, taxonomy_rule
from survey.collection.taxonomy import Method, Taxonomy
from survey.files.implementations import METHODS, Implementation, Implementations

TAXONOMY = "survey/collection/taxonomy/methods.yaml"


def _named(taxonomy: Taxonomy, sources: Implementations) -> Iterator[tuple[Method, tuple, Implementation]]:
    """Every method that names its implementation: (term, place of the name, what was read)."""
    for i, term in enumerate(taxonomy.methods.values()):
        if term.implementation:
            yield term, (i, "implementation"), sources[term.implementation]


def _at(code: str, path: str, line: int, message: str, hint: str = ""):
    return path, Finding(code, message, (), hint, line=line, column=1)


@taxonomy_rule("M971", "implementation-unreadable")
def implementation_unreadable(taxonomy: Taxonomy, sources: Implementations):
    """A method names an implementation that is not there, or that cannot be read.

    `implementation: survey.editing.methods.rome` is the file survey/editing/methods/rome.py. It
    has one function with the decorator `@method("rome", ...)` and a class `Config`. Id, paper and
    presets are literals there, since they are read from the source, without running it.
    """
    for term, where, source in _named(taxonomy, sources):
        for problem in source.problems:
            if problem.path:
                yield _at("M971", problem.path, problem.line, problem.message)
            else:
                names = [module.removeprefix(f"{METHODS}.") for module in sources.modules]
                hint = similar_ids(source.module.removeprefix(f"{METHODS}."), names)
                yield TAXONOMY, Finding("M971", f"{term.id}: {problem.message}", where, hint)


@taxonomy_rule("M972", "implementation-of-another")
def implementation_of_another(taxonomy: Taxonomy, sources: Implementations):
    """The implementation that a method names is that of another: `@method("...")` has another id."""
    for term, where, source in _named(taxonomy, sources):
        if source.id and source.id != term.id:
            message = f"{term.id} names {source.path}, which says that it is '{source.id}'"
            yield TAXONOMY, Finding("M972", message, where)


@taxonomy_rule("M973", "implementation-unnamed")
def implementation_unnamed(taxonomy: Taxonomy, sources: Implementations):
    """A file in survey/editing/methods that no method of the taxonomy names.

    Each file there is one method. What several of them share lies in survey/editing.
    """
    named = {term.implementation for term in taxonomy.methods.values()}
    for module in sources.modules:
        if module not in named:
            source = sources[module]
            term = source.id if source.id in taxonomy.methods else "the method"
            hint = f"write implementation: {module} for {term} in methods.yaml"
            yield _at("M973", source.path, 1, "no method of the taxonomy names this file", hint)


@taxonomy_rule("M974", "implementation-paper")
def implementation_paper(taxonomy: Taxonomy, sources: Implementations):
    """`@method(..., paper="...")` is none of the founding papers of the method.

    It is the citation key of the paper whose algorithm the file follows, one of `papers` in
    methods.yaml (and so an entry, which R953 sees to).
    """
    for term, _, source in _named(taxonomy, sources):
        if source.id == term.id and source.paper not in term.papers and (source.paper or term.papers):
            told = f"'{source.paper}' is no founding paper of {term.id}" if source.paper else "no paper= is given"
            hint = f"methods.yaml has {', '.join(term.papers)}" if term.papers else "add it to methods.yaml"
            yield _at("M974", source.path, source.line, told, hint)


@taxonomy_rule("M975", "method-undocumented")
def implementation_undocumented(taxonomy: Taxonomy, sources: Implementations):
    """A method file without a docstring, or a field of its `Config` without one below it.

    The page of the method shows both; a field says what it is, with its unit.
    """
    told = set()
    for _, _, source in _named(taxonomy, sources):
        if source.parsed and not source.title:
            yield _at("M975", source.path, 1, "the file has no docstring")
        for setting in source.settings:
            # Several methods may inherit one field.
            if not setting.meaning and (setting.path, setting.line) not in told:
                told.add((setting.path, setting.line))
                yield _at("M975", setting.path, setting.line, f"the setting {setting.name} has no docstring below it")


@taxonomy_rule("M976", "fidelity-untold")
def fidelity_untold(taxonomy: Taxonomy, sources: Implementations):
    """The docstring of a method file does not say what is faithful to the paper, and what deviates.

    Both are lists, under `Faithful:` and `Deviates:`, each item after a dash.
    """
    for _, _, source in _named(taxonomy, sources):
        for heading, items in (("Faithful:", source.faithful), ("Deviates:", source.deviates)):
            if source.title and not items:
                yield _at("M976", source.path, 1, f"the docstring has no list {heading}")


@taxonomy_rule("M977", "survey-method-missing")
def survey_method_missing(taxonomy: Taxonomy, sources: Implementations):
    """A method of the survey (`survey: true`) names no implementation: each of them can be run here."""
    for i, term in enumerate(taxonomy.methods.values()):
        if term.survey and not term.implementation:
            hint = f"write survey/editing/methods/{term.id.replace('-', '_')}.py and name it here"
            yield TAXONOMY, Finding("M977", f"{term.id} is a method of the survey and has no implementation", (i, "survey"), hint)
