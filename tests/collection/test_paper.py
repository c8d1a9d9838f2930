from __future__ import annotations

import pytest
from pydantic import ValidationError

from survey.collection.names import split_name
from survey.collection.paper import ARXIV_PATTERN, make_key
from survey.collection.query import normal_id
from tests.entries import make_paper


@pytest.mark.parametrize(
    ("author", "title", "key"),
    [
        ("Kevin Meng", "Locating and Editing Factual Associations", "meng2022locating"),
        ("Laurens van der Maaten", "The t-SNE", "vandermaaten2022tsne"),
        ("Jörg Schlötterer", "“Forgetting” Facts", "schlotterer2022forgetting"),
        ("Seán O'Connor-Smith", "A Survey", "oconnorsmith2022survey"),
        ("Robert Logan IV", "FRUIT: Updating Text", "logan2022fruit"),
        ("OpenAI", "The", "openai2022the"),
        ("Đặng Nguyễn", "A³E", "nguyen2022a3e"),
        ("Ann Lee", "— GPT-3's Memory", "lee2022gpt3s"),
    ],
)
def test_the_key_of_the_house(author, title, key):
    assert make_key(split_name(author), 2022, title) == key


@pytest.mark.parametrize(
    ("ids", "url"),
    [
        ({"arxiv": "2202.05262"}, "https://arxiv.org/abs/2202.05262"),
        ({"arxiv": "2202.05262", "openreview": "-h6WAS6eE4"}, "https://openreview.net/forum?id=-h6WAS6eE4"),
        ({"openreview": "-h6WAS6eE4", "doi": "10.1/x".replace("10.1", "10.1000")}, "https://doi.org/10.1000/x"),
        ({"doi": "10.1000/x", "anthology": "2022.acl-long.1"}, "https://aclanthology.org/2022.acl-long.1/"),
        ({}, "https://example.org/paper"),
    ],
)
def test_the_address_is_that_of_the_published_version(ids, url):
    assert make_paper(ids=ids, links={"paper": "https://example.org/paper"}).url == url


def test_a_paper_cannot_be_changed():
    with pytest.raises(ValidationError):
        make_paper().title = "Another"


def test_a_paper_knows_its_key_and_names():
    paper = make_paper(authors=["Laurens van der Maaten", {"given": "Nicola", "family": "De Cao"}])
    assert (paper.key, repr(paper)) == ("meng2022locating", "<Paper meng2022locating>")
    assert [n.sorting for n in paper.names] == ["Maaten", "De Cao"]


@pytest.mark.parametrize(
    ("typed", "bare"),
    [
        ("https://arxiv.org/abs/2202.05262v3", "2202.05262"),
        ("http://www.arxiv.org/pdf/2202.05262v3.pdf", "2202.05262"),
        ("arXiv:2202.05262", "2202.05262"),
        ("hep-th/9901001v2", "hep-th/9901001"),
        ("https://doi.org/10.18653/V1/2022.Acl-Long.1", "10.18653/v1/2022.acl-long.1"),
        ("https://aclanthology.org/2022.acl-long.1/", "2022.acl-long.1"),
        ("https://openreview.net/forum?id=-h6WAS6eE4", "-h6was6ee4"),
        ("abcdefghv2", "abcdefghv2"),
    ],
)
def test_ids_as_people_paste_them(typed, bare):
    assert normal_id(typed) == bare
    assert normal_id(bare) == bare


def test_the_arxiv_pattern_is_anchored():
    import re

    assert not re.match(ARXIV_PATTERN, "2202.05262v1")
    assert re.match(ARXIV_PATTERN, "math.GT/0309136")
