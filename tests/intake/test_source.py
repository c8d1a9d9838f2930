"""What people paste is understood, in any form, and nothing else is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from survey.intake import IntakeError
from survey.intake.source import Source, read_source

ARXIV, OLD = Source("arxiv", "2202.05262"), Source("arxiv", "quant-ph/0201082")
EMNLP, OPEN = Source("anthology", "2023.emnlp-main.296"), Source("openreview", "-h6WAS6eE4")

UNDERSTOOD = {
    "2202.05262": ARXIV, "2202.05262v3": ARXIV, " arXiv:2202.05262v12 ": ARXIV, "ARXIV: 2202.05262": ARXIV,
    "https://arxiv.org/abs/2202.05262v5": ARXIV, "http://www.arxiv.org/pdf/2202.05262.pdf": ARXIV,
    "https://arxiv.org/pdf/2202.05262v5.pdf": ARXIV, "arxiv.org/abs/2202.05262": ARXIV, "https://arxiv.org/html/2202.05262v5": ARXIV,
    "https://export.arxiv.org/abs/2202.05262?context=cs": ARXIV, "https://arxiv.org/abs/2202.05262#top": ARXIV,
    "https://huggingface.co/papers/2202.05262": ARXIV, "https://www.alphaxiv.org/abs/2202.05262v5": ARXIV,
    "https://ar5iv.labs.arxiv.org/html/2202.05262": ARXIV, "10.48550/arXiv.2202.05262": ARXIV,
    "https://doi.org/10.48550/ARXIV.2202.05262": ARXIV, "<https://arxiv.org/abs/2202.05262>": ARXIV,
    "quant-ph/0201082v1": OLD, "https://arxiv.org/abs/quant-ph/0201082": OLD, "math.GT/0309136": Source("arxiv", "math/0309136"),
    "10.1145/3698590": Source("doi", "10.1145/3698590"), "doi:10.1145/3698590": Source("doi", "10.1145/3698590"),
    "https://doi.org/10.1145/3698590": Source("doi", "10.1145/3698590"), "http://dx.doi.org/10.1162/TACL_a_00644": Source("doi", "10.1162/tacl_a_00644"),
    "https://dl.acm.org/doi/10.1145/3698590": Source("doi", "10.1145/3698590"), "https://dl.acm.org/doi/pdf/10.1145/3698590": Source("doi", "10.1145/3698590"),
    "https://link.springer.com/chapter/10.1007/978-981-97-9434-8_19": Source("doi", "10.1007/978-981-97-9434-8_19"),
    "10.18653/v1/2023.emnlp-main.296": EMNLP, "https://doi.org/10.18653/v1/2023.emnlp-main.296": EMNLP,
    "2023.emnlp-main.296": EMNLP, "acl:2023.emnlp-main.296": EMNLP, "https://aclanthology.org/2023.emnlp-main.296/": EMNLP,
    "https://aclanthology.org/2023.emnlp-main.296.pdf": EMNLP, "https://aclanthology.org/2023.emnlp-main.296.bib": EMNLP,
    "https://aclanthology.org/2023.emnlp-main.296v2.pdf": EMNLP, "https://www.aclweb.org/anthology/P19-1001/": Source("anthology", "P19-1001"),
    "10.18653/v1/p19-1001": Source("anthology", "P19-1001"), "P19-1001": Source("anthology", "P19-1001"),
    "-h6WAS6eE4": OPEN, "openreview:-h6WAS6eE4": OPEN, "https://openreview.net/forum?id=-h6WAS6eE4": OPEN,
    "https://openreview.net/pdf?id=-h6WAS6eE4": OPEN, "https://openreview.net/forum?id=-h6WAS6eE4&noteId=abc": OPEN,
    "https://openreview.net/forum?noteId=abc&id=-h6WAS6eE4#discussion": OPEN,
}  # fmt: skip
REFUSED = [
    "", " ", "nonsense", "Locating and Editing", "220.05262", "2202.052620", "220205262", "12345", "https://example.org/paper", "https://arxiv.org/",
    "https://arxiv.org/list/cs.CL/recent", "https://openreview.net/group?id=ICLR.cc/2024/Conference", "https://doi.org/", "10.1145", "ftp://arxiv.org/abs/",
    "arxiv:nonsense", "doi:nonsense", "https://github.com/kmeng01/rome", "javascript:alert(1)", "../../etc/passwd", "https://[::1", "meng2022locating.yaml",
    "https://arxiv.org.evil.example/abs/2202.05262", "https://evilarxiv.org/abs/2202.05262", "understanding", "10.1/x\n2202.05262",
]  # fmt: skip


@pytest.mark.parametrize("text", UNDERSTOOD)
def test_a_source_is_understood(text):
    assert read_source(text) == UNDERSTOOD[text]


@pytest.mark.parametrize("text", REFUSED)
def test_what_is_no_source_is_refused_in_one_line(text):
    with pytest.raises(IntakeError, match="is no arXiv id") as told:
        read_source(text)
    assert len(str(told.value)) < 250


@pytest.mark.parametrize("text", ["arXiv:2202.05262v1 [cs.CL] 10 Feb 2022", "https://arxiv.org/abs/2202.05262.", "https://arxiv.org/abs/arXiv:2202.05262", "arXiv 2202.05262"])
def test_what_stands_around_an_arxiv_id_is_left_out(text):
    assert read_source(text) == ARXIV


@given(st.text(max_size=80) | st.from_regex(r"https?://(arxiv|doi|openreview|aclanthology)\.[a-z]{2,4}/.{0,40}"))
def test_no_text_is_too_strange(text):
    try:
        source = read_source(text)
    except IntakeError:
        return
    assert read_source(source.id) == source or source.kind == "openreview"
