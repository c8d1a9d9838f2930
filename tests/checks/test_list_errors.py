"""Errors that public lists of these papers really had: which rule catches each, or why none can.

The entries are made up after the pattern of the error. Where the reason names the services, only
a comparison with what arXiv, Crossref, the Anthology or OpenReview answer can tell.
"""

from __future__ import annotations

import pytest

from tests.checks.examples import OTHER, PREPRINT, findings, one, text, two
from tests.entries import PATH, make_entry

WISE, MEMLA = "2405.14768", "2406.11566"


def at(key: str, title: str, author: str, **fields) -> dict:
    """An entry at its place; ids are made from the key where none are given."""
    year = fields.pop("year", 2024)
    fields.setdefault("ids", {"openreview": f"{key[:10]:_<10}"})
    entry = make_entry(title=title, authors=[author], year=year, venue=fields.pop("venue", "arxiv"), **fields)
    return {f"papers/{year}/{key}.yaml": entry}


# number -> (what happened, the code that tells of it, entries | the reason why no rule can)
ERRORS = {
    1: ("the arXiv id of a neighbour", "D401",
        at("wang2024wise", "WISE: Rethinking the Memory", "Peng Wang", ids={"arxiv": WISE})
        | at("xie2024memla", "MEMLA: Editing Across Languages", "Jia Xie", ids={"arxiv": WISE})),
    2: ("the arXiv id of another listed paper", "D401",
        at("orgad2023editing", "Editing Implicit Assumptions", "Hadas Orgad", year=2023, ids={"arxiv": "2303.08084"})
        | at("arad2023refact", "ReFACT: Updating Pictures", "Dana Arad", year=2023, ids={"arxiv": "2303.08084"})),
    3: ("the id of a paper some lines above", "D401",
        at("lee2022plugandplay", "Plug-and-Play Adaptation", "Kyungjae Lee", year=2022, ids={"arxiv": "2204.12785"})
        | at("akyurek2022towards", "Towards Tracing Knowledge", "Ekin Akyurek", year=2022, ids={"arxiv": "2204.12785"})),
    4: ("authors and ids of two neighbours swapped", "K903",
        at("venditti2024enhancing", "Pre-training Facts More", "Davide Venditti", ids={"arxiv": "2406.18221"})),
    5: ("the repository of another paper", "L805",
        at("onoe2023can", "Can They Learn New Entities?", "Yasu Onoe", year=2023, links={"code": "https://github.com/o/propagation"})
        | at("zhong2023mquake", "MQuAKE: Many Hops", "Zexuan Zhong", year=2023, links={"code": "https://github.com/o/propagation"})),
    6: ("one paper twice", "D402",
        at("chen2025position", "Position: Editing Is a Risk", "Canyu Chen", year=2025)
        | at("chen2025editing", "Position: Editing is a risk!", "Canyu Chen", year=2025)),
    7: ("one paper twice, the other time with a venue that does not exist", "V701",
        at("arad2024refact", "ReFACT: Updating Pictures", "Dana Arad", venue="naac")),
    8: ("authors missing, since a first version was copied", None,
        "a short author list is as good as a long one; only the services can tell"),
    9: ("other authors in the preprint than in the proceedings", "D403",
        {PATH: make_entry(authors=["Kevin Meng", "David Bau"]), PREPRINT: make_entry(title="Locating Factual Associations in GPT", venue="arxiv", ids={})}),
    10: ("another order of authors", None,
         "an order is not wrong in itself (and where the first author changes, K903 tells); only the services can tell"),
    11: ("one person under two names", "N508", two(authors=["Ann Bau", "Alex J Andonian"])),
    12: ("a footnote mark in a name", "N502", one(authors=["Kevin Meng1"])),
    13: ("two words glued in the PDF", "P602", one(title="Locating inLanguage Models")),
    14: ("another title on publication", "D403",
         at("gu2024model", "Model Editing Harms General Abilities: To the Rescue", "Jia-Chen Gu", venue="emnlp", ids={"anthology": "2024.emnlp-main.1"})
         | at("gu2024can", "Model Editing Can Hurt General Abilities", "Jia-Chen Gu", ids={"arxiv": "2401.04700"})),
    15: ("Findings listed as the main conference", "V703",
         at("dong2022calibrating", "Calibrating Factual Knowledge", "Qingxiu Dong", year=2022, venue="emnlp", ids={"anthology": "2022.findings-emnlp.438"})),
    16: ("a rejected submission listed as published", None,
         "the entry is consistent in itself; only OpenReview knows the decision"),
    17: ("the title of one paper on the links of another", "D401",
         at("mitchell2022fast", "Fast Editing at Scale", "Eric Mitchell", year=2022, venue="neurips", ids={"arxiv": "2202.05262"}) | one()),
    18: ("titles joined with the ids of their neighbours", "V703",
         at("li2025lyaplock", "LyapLock: Bounded Editing", "Li Bo", year=2025, venue="emnlp", ids={"anthology": "2025.emnlp-main.327", "doi": "10.18653/v1/2025.emnlp-main.326"})),
    19: ("invented authors", None, "names that somebody made up look like names; only the services can tell"),
    20: ("the arXiv id of another method in a reference list", "D401",
         at("gupta2024unified", "A Unified Framework: EMMET", "Akshat Gupta", ids={"arxiv": "2403.14236"})
         | at("meng2023massediting", "Mass-Editing Memory", "Kevin Meng", year=2023, venue="iclr", ids={"arxiv": "2403.14236"})),
    21: ("a wrong year of a well-known paper", "I202",
         at("mitchell2019fast", "Fast Editing at Scale", "Eric Mitchell", year=2019, venue="iclr", ids={"arxiv": "2110.11309"})),
    22: ("two methods of one name are two papers", None,
         "no error of the list but a trap for the checker: test_an_acronym_is_no_duplicate"),
    23: ("a renamed method under one id", "D401",
         at("dai2025namet", "NAMET: Noise-Aware Editing", "Yan Dai", year=2025, ids={"arxiv": "2505.11876"})
         | at("dai2025eamet", "EAMET: Embedding-Aligned Editing", "Yan Dai", year=2025, ids={"arxiv": "2505.11876"})),
    24: ("the tail of a clone command in a link", "L803", one(links={"code": "https://github.com/a/PMET.git"})),
    25: ("two OpenReview ids for one paper", "D402",
         at("sinitsin2020editable", "Editable Neural Networks", "Anton Sinitsin", year=2020, venue="iclr", ids={"openreview": "HJedXaEtvS"})
         | at("sinitsin2020neural", "Editable neural networks", "Anton Sinitsin", year=2020, venue="iclr", ids={"openreview": "T0Qhi_wOAwk1"})),
    26: ("an impossible date", "V706", at("wang2024news", "News of an Acceptance", "Peng Wang", published="2023-12")),
    27: ("no venue at all", "S102", one(venue=None)),
    28: ("a misspelled word", "P603", one(title="Locating Knowledgge")),
    29: ("two years for one paper", "V706", at("wang2024survey", "Survey of Editing", "Song Wang", published="2025-01")),
    30: ("what is no paper, or of another field", None,
         "what belongs to the subject is a judgement of the person who reviews; a tool or tutorial is told by `kinds`"),
    31: ("a wrong id that resolves", None, "only the title that the service answers shows it"),
    32: ("preprint and publication with other titles under one id", "D401",
         at("xu2025rethinking", "Rethinking Residuals", "Xu Li", year=2025, ids={"arxiv": "2502.03748"})
         | at("xu2025residual", "Residual Distribution Revisited", "Xu Li", year=2025, ids={"arxiv": "2502.03748"})),
    33: ("an author list cut short", "N503", one(authors=["Kevin Meng", "et al."])),
    34: ("the ids of two neighbours swapped, both alive", None,
         "both entries stay consistent; only the services can tell (a swap on one side only is D401)"),
    35: ("an event that did not take place", "V702",
         {"papers/2021/meng2021locating.yaml": make_entry(year=2021, venue="findings-eacl", ids={"openreview": "-h6WAS6eE4"})}),
    36: ("a suffix taken for the family name", "N505", one(authors=["Robert Iv"])),
}  # fmt: skip


def test_all_are_here():
    assert list(ERRORS) == list(range(1, 37))


@pytest.mark.parametrize("number", [n for n, (_, code, _) in ERRORS.items() if code])
def test_a_rule_catches_it(number, taxonomy):
    what, code, files = ERRORS[number]
    assert code in {f.code for f in findings(files, taxonomy)}, what


@pytest.mark.parametrize("number", [n for n, (_, code, _) in ERRORS.items() if not code])
def test_or_there_is_a_reason(number):
    assert len(ERRORS[number][2]) > 40


def test_most_are_caught():
    assert sum(code is not None for _, code, _ in ERRORS.values()) >= 27


def test_an_acronym_is_no_duplicate(taxonomy):
    files = at("cai2024evoedit", "EvoEdit: Lifelong Editing with Projections", "Zi Cai") | at("sun2024evoedit", "EvoEdit: Evolving Free Text", "Bo Sun")
    assert [f.code for f in findings(files, taxonomy) if f.code[0] == "D"] == []


def test_the_official_typo_is_left_alone(taxonomy):
    """The other half of number 13: a spell-fixer would break it."""
    title = "Decouple Knowledge from Paramters"
    assert "P603" in {f.code for f in findings(one(title=title), taxonomy)}
    assert [f.code for f in findings(one(title=title, official_typo=["Paramters"]), taxonomy) if f.code != "K903"] == []


def test_two_repositories_of_one_paper_cannot_be_written(taxonomy):
    """The other half of number 24: there is one code link."""
    files = text("kinds:", "links: {code: https://github.com/a/b, code: https://github.com/c/d}\nkinds:")
    assert [f.code for f in findings(files, taxonomy)] == ["Y102"]


def test_a_swap_whose_key_disagrees(taxonomy):
    """Number 4, the whole swap: both keys tell of it."""
    swapped = at("deng2024pfme", "Private Associations", "Jingcheng Deng") | at("venditti2024private", "PFME: Fine Edits", "Davide Venditti")
    assert [f.code for f in findings(swapped, taxonomy)] == ["K903", "K903"]
    assert OTHER not in swapped
