"""Ids, links and venues: the cases between right and wrong."""

from __future__ import annotations

import pytest

from survey.checks.ids import arxiv_year
from tests.checks.examples import findings, one, two


def codes(taxonomy, **fields) -> list[str]:
    return sorted({f.code for f in findings(one(**fields), taxonomy)})


@pytest.mark.parametrize(("arxiv", "year"), [("2202.05262", 2022), ("hep-th/9901001", 1999), ("math.GT/0309136", 2003), ("cs/0112017", 2001), ("0704.0001", 2007)])
def test_the_year_of_an_arxiv_id(arxiv, year):
    assert arxiv_year(arxiv) == year


@pytest.mark.parametrize(
    ("ids", "fix"),
    [
        ({"arxiv": "arXiv:2202.05262"}, "2202.05262"), ({"arxiv": "2202.05262v2"}, "2202.05262"), ({"arxiv": "2202.5"}, None),
        ({"doi": "https://doi.org/10.1162/COLI_a_00001"}, "10.1162/COLI_a_00001"), ({"doi": "doi:10.1000/x"}, "10.1000/x"), ({"doi": "11.1000/x"}, None),
        ({"anthology": "https://aclanthology.org/2022.acl-long.1/"}, "2022.acl-long.1"), ({"anthology": "acl-long.1"}, None),
        ({"openreview": "https://openreview.net/forum?id=-h6WAS6eE4"}, "-h6WAS6eE4"), ({"openreview": "short"}, None),
        ({"doi": "10.1000/a{b"}, None),
    ],
)  # fmt: skip
def test_the_form_of_an_id(ids, fix, taxonomy):
    found = [f for f in findings(one(ids=ids), taxonomy) if f.code == "I201"]
    assert [f.fix for f in found] == [fix]


@pytest.mark.parametrize(
    ("arxiv", "venue", "code"),
    [
        ("2202.05262", "neurips", []), ("2102.05262", "neurips", []), ("2302.05262", "neurips", ["I206"]), ("2402.05262", "neurips", ["I202"]),
        ("2202.05262", "arxiv", []), ("2302.05262", "arxiv", ["I202"]), ("2102.05262", "arxiv", ["I202"]), ("2200.05262", "neurips", ["I203"]),
    ],
)  # fmt: skip
def test_an_id_and_the_year(arxiv, venue, code, taxonomy):
    assert codes(taxonomy, ids={"arxiv": arxiv}, venue=venue) == code


@pytest.mark.parametrize(
    "url",
    ["ftp://example.org/a", "javascript:alert(1)", "https://", "http://exa mple.org", "https://a.org/<b>", "//example.org", "www.example.org"],
)
def test_no_address(url, taxonomy):
    assert codes(taxonomy, links={"code": url}) == ["L801"]


@pytest.mark.parametrize(
    ("kind", "url", "code"),
    [
        ("code", "https://arxiv.org/abs/2202.05262", ["L802"]), ("code", "https://www.openreview.net/forum?id=x", ["L802"]),
        ("code", "https://export.arxiv.org/abs/2202.05262", ["L802"]), ("code", "https://example.org/paper.PDF", ["L802"]),
        ("code", "https://huggingface.co/papers/2202.05262", ["L802"]), ("data", "https://huggingface.co/datasets/a/b", []),
        ("project", "https://aclanthology.org/2022.acl-long.1", ["L802"]), ("paper", "https://github.com/a/b", ["L802"]),
        ("paper", "https://arxiv.org/abs/2202.05262", ["L802"]), ("paper", "https://example.org/paper.pdf", []),
        ("code", "https://github.com/a/b", []), ("code", "https://notarxiv.org/a", []), ("code", "https://github.com/a/b/tree/main/x", []),
    ],
)  # fmt: skip
def test_the_kind_of_a_link(kind, url, code, taxonomy):
    assert codes(taxonomy, links={kind: url}) == code


@pytest.mark.parametrize(
    ("url", "fix"),
    [
        ("https://github.com/a/b.git", "https://github.com/a/b"), ("https://github.com/a/b.", "https://github.com/a/b"), ("https://example.org/a),", "https://example.org/a"),
        ("https://github.com/a/b.git/", "https://github.com/a/b"), ("https://en.wikipedia.org/wiki/A_(b)", None), ("https://a.github.io/b/", None),
    ],
)  # fmt: skip
def test_tails(url, fix, taxonomy):
    assert [f.fix for f in findings(one(links={"code": url}), taxonomy)] == ([fix] if fix else [])


@pytest.mark.parametrize(
    "url",
    ["http://localhost:8000/a", "http://127.0.0.1/a", "http://192.168.1.2/a", "http://[::1]/a", "https://intranet/a", "https://me:secret@github.com/a/b", "https://github.com/a",
     # Numbers in every form that some program takes for an address, and names of local networks
     "http://2130706433/a", "http://0x7f.1/a", "http://0177.0.0.1/a", "http://127.1/a", "http://127.0.0.1./a", "http://0/a", "http://[::ffff:127.0.0.1]/a",
     "http://[fe80::1%25eth0]/a", "http://8.8.8.8/a", "http://%31%32%37.0.0.1/a", "http://①②⑦.0.0.1/a", "http://printer.local/a", "http://git.corp/a",
     "http://metadata.google.internal/a", "http://a.onion/a", "http://gіthub.com/a/b", "http://[x]/a", "http://[::1/a", "http://a..org/a", "http://-a.org/a", "http:///a",
     "https://github.com\uff0fa.org/b", "https://user@a.org/b"],
)  # fmt: skip
def test_no_public_address(url, taxonomy):
    assert codes(taxonomy, links={"code": url}) == ["L804"]


@pytest.mark.parametrize("url", ["https://a.github.io", "http://xn--gthub-n2a.com/a", "https://a_b.readthedocs.io/", "https://sub.example.org:8443/x", "https://EXAMPLE.org/a", "https://local.org/a", "https://rome.baulab.info/é"])
def test_a_public_address(url, taxonomy):
    assert codes(taxonomy, links={"code": url}) == []


def test_what_three_papers_share_is_a_toolkit(taxonomy):
    link = {"code": "https://github.com/a/toolkit"}
    files = {**two(links=link), **one(links=link)}
    assert [f.code for f in findings(files, taxonomy)] == ["L805"]
    third = two(links=link, title="Measuring Sleep", authors=["Dee Eff"], ids={"arxiv": "2204.00001"})["papers/2022/bau2022editing.yaml"]
    assert findings({**files, "papers/2022/eff2022measuring.yaml": third}, taxonomy) == []


@pytest.mark.parametrize(
    ("venue", "ids", "code"),
    [
        ("emnlp", {"anthology": "2022.emnlp-main.1"}, []), ("emnlp", {"anthology": "2023.emnlp-main.1"}, ["V703"]),
        ("findings-emnlp", {"anthology": "2022.emnlp-main.1"}, ["V703"]), ("emnlp", {"doi": "10.18653/v1/2022.findings-emnlp.1"}, ["V703"]),
        ("emnlp", {"anthology": "2022.emnlp-main.1", "doi": "10.18653/v1/2022.emnlp-main.2"}, ["V703"]), ("arxiv", {"anthology": "2022.emnlp-main.1"}, ["V703", "V704"]),
        ("arxiv", {"doi": "10.1000/x"}, ["V704"]), ("nowhere", {"arxiv": "2202.05262"}, ["V701"]), ("emnlp", {"anthology": "P19-1001"}, []),
    ],
)  # fmt: skip
def test_venue_year_and_anthology(venue, ids, code, taxonomy):
    assert codes(taxonomy, venue=venue, ids=ids) == code
