from __future__ import annotations

import pytest
from pydantic import ValidationError

from survey.collection.taxonomy import Edition, Method, Pitfall, Terms, Venue


def test_a_child_implies_its_parents(taxonomy):
    assert taxonomy.with_parents("locality.neighbourhood") == ("locality.neighbourhood", "locality")
    assert taxonomy.with_parents("cost") == ("cost",)
    assert Pitfall(id="a.b.c", name="x").parent == "a.b" and Pitfall(id="a", name="x").parent is None


def test_spellings_mean_ids_and_ids_win():
    terms = Terms([
        Method(id="ke", name="KE", family="x", aliases=["KnowledgeEditor", "mend"]),
        Method(id="mend", name="MEND", family="x", aliases=["The Method"]),
    ])  # fmt: skip
    assert terms.spellings == {"ke": "ke", "knowledgeeditor": "ke", "mend": "mend", "the method": "mend"}


def test_the_title_of_the_proceedings():
    venue = Venue(
        id="v", name="V", type="conference", full_name="Conference V", booktitle="Proceedings of V {year}",
        years={2022: Edition(booktitle="Proceedings of the 3rd V", month=5)},
    )  # fmt: skip
    assert venue.booktitle_of(2022) == "Proceedings of the 3rd V"
    assert venue.booktitle_of(2023) == "Proceedings of V 2023"
    assert venue.model_copy(update={"booktitle": None}).booktitle_of(2023) == "Conference V"
    assert venue.edition(2022).month == 5 and venue.edition(2023) == Edition()


@pytest.mark.parametrize("field", [{"id": "No Id"}, {"nme": "x"}, {"id": ""}])
def test_a_term_is_checked(field):
    with pytest.raises(ValidationError):
        Pitfall(**{"id": "x", "name": "X", **field})


@pytest.mark.parametrize("name", ["survey.editing.rome", "survey.editing.methods.Rome", "survey.editing.methods.rome.x", "rome", ""])
def test_an_implementation_is_a_module_of_methods(name):
    assert Method(id="x", name="X", family="f", implementation="survey.editing.methods.r_rome2").implementation
    with pytest.raises(ValidationError):
        Method(id="x", name="X", family="f", implementation=name)


def test_the_tree_of_pitfalls_is_whole(taxonomy):
    assert {"generalization", "locality", "general-abilities", "robustness", "safety", "cost"} <= set(taxonomy.pitfalls)
    for pitfall in taxonomy.pitfalls.values():
        assert pitfall.parent is None or pitfall.parent in taxonomy.pitfalls
        assert pitfall.definition, pitfall.id
