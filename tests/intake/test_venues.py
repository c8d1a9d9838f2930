"""Venues are known by whatever name services print."""

from __future__ import annotations

import pytest

from survey.intake.mentions import links_in, venue_in
from survey.intake.venues import locate, of_anthology, phrases

PRINTED = {
    "Findings of the Association for Computational Linguistics: EMNLP 2024": ("findings-emnlp", 2024),
    "Findings of the Association for Computational Linguistics: ACL 2025": ("findings-acl", 2025),
    "EMNLP 2025 Findings": ("findings-emnlp", 2025), "Accepted to Findings of ACL 2026": ("findings-acl", 2026),
    "Proceedings of the 62nd Annual Meeting of the Association for Computational Linguistics (Volume 1: Long Papers)": ("acl", None),
    "Proceedings of the 62nd Annual Meeting of the Association for Computational Linguistics (Volume 3: System Demonstrations)": ("acl-demos", None),
    "Proceedings of the 62nd Annual Meeting of the Association for Computational Linguistics (Volume 4: Student Research Workshop)": ("acl-srw", None),
    "Proceedings of the 2024 Conference on Empirical Methods in Natural Language Processing": ("emnlp", 2024),
    "Proceedings of the 2024 Conference of the North American Chapter of the Association for Computational Linguistics: Human Language Technologies (Volume 1: Long Papers)": ("naacl", 2024),
    "Proceedings of the 17th Conference of the European Chapter of the Association for Computational Linguistics": ("eacl", None),
    "Proceedings of the 2024 Joint International Conference on Computational Linguistics, Language Resources and Evaluation (LREC-COLING 2024)": ("lrec-coling", 2024),
    "Transactions of the Association for Computational Linguistics": ("tacl", None), "TACL 2024": ("tacl", 2024),
    "Advances in Neural Information Processing Systems 37": ("neurips", None), "NIPS": ("neurips", None), "NeurIPS 2023 poster": ("neurips", 2023),
    "ICLR 2024 oral": ("iclr", 2024), "International Conference on Learning Representations": ("iclr", None), "AAAI2025": ("aaai", 2025),
    "ICLR 2023 Workshop ME-FoMo": ("iclr-workshop", 2023), "Accepted by TMLR": ("tmlr", None), "ICML 2024": ("icml", 2024), "COLM": ("colm", None),
    "Proceedings of the 33rd ACM International Conference on Information and Knowledge Management": ("cikm", None), "CIKM '24": ("cikm", 2024),
    "Proceedings of the ACM on Web Conference 2025": ("www", 2025), "Lecture Notes in Computer Science, Natural Language Processing and Chinese Computing": ("nlpcc", None),
    "ACM Computing Surveys": ("csur", None), "Proceedings of the AAAI Conference on Artificial Intelligence": ("aaai", None),
    "ICASSP 2026 - 2026 IEEE International Conference on Acoustics, Speech and Signal Processing (ICASSP)": ("icassp", 2026),
    "2025 IEEE/CVF International Conference on Computer Vision (ICCV)": ("iccv", 2025), "IJCAI 2024": ("ijcai", 2024),
    "Accepted at the 24th International Semantic Web Conference 2025": ("iswc", 2025),
}  # fmt: skip
UNKNOWN = [
    "Physical Review B", "ACL ARR 2024 February Submission", "Submitted to ICLR 2025", "ICLR 2025 Conference Withdrawn Submission",
    "NeurIPS 2024 Workshop on Safe Generative AI", "ACL 2024 Tutorial Abstracts", "", "arXiv", "Under review", "The Workshop on ACLs",
    "Proceedings of the 2023 AAAI/ACM Conference on AI, Ethics, and Society", "AAAI Spring Symposium 2024", "International Conference on Machine Learning and Cybernetics",
    "Companion Proceedings of the ACM Web Conference 2024", "ACM International Conference on Multimedia Retrieval",
]  # fmt: skip


@pytest.mark.parametrize("printed", PRINTED)
def test_a_venue_is_known_by_its_printed_name(printed, taxonomy):
    place = locate(printed, taxonomy)
    assert (place.venue, place.year) == PRINTED[printed]


@pytest.mark.parametrize("printed", UNKNOWN)
def test_what_is_no_listed_venue_is_none(printed, taxonomy):
    assert locate(printed, taxonomy).venue is None


def test_every_venue_is_known_by_its_own_names(taxonomy):
    for venue in taxonomy.venues.values():
        if venue.id != "arxiv":
            for name in (venue.name, venue.full_name, *(venue.booktitle_of(year) for year in venue.years)):
                assert locate(name, taxonomy).venue == venue.id, name


def test_the_anthology_says_it_in_the_id(taxonomy):
    assert of_anthology("2024.findings-emnlp.550", taxonomy) == "findings-emnlp"
    assert of_anthology("2024.nowhere-1.550", taxonomy) is None and of_anthology("P19-1001", taxonomy) is None


def test_longer_names_come_first(taxonomy):
    lengths = [len(phrase.words) for phrase in phrases(taxonomy)]
    assert lengths == sorted(lengths, reverse=True)


@pytest.mark.parametrize(
    ("comment", "expected"),
    [
        ("18 pages, 5 figures. Accepted to Findings of EMNLP 2024", "Accepted to Findings of EMNLP 2024"), ("EMNLP 2025 Main", "EMNLP 2025 Main"),
        ("15 pages, accepted at CVPR 2026", "accepted at CVPR 2026"), ("Under review at ACL 2025", ""), ("Submitted to ICASSP 2026", ""),
        ("15 pages", ""), ("arXiv admin note: text overlap with arXiv:2503.05212", ""), ("preprint", ""), ("AAAI2025", "AAAI2025"),
        ("Submitted to ICLR, accepted at NeurIPS 2025", "Submitted to ICLR, accepted at NeurIPS 2025"),
    ],
)  # fmt: skip
def test_a_comment_says_where_it_was_accepted(comment, expected):
    assert venue_in(comment) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Code: https://github.com/a/b.", {"code": "https://github.com/a/b"}), ("at https://github.com/a/b.git).", {"code": "https://github.com/a/b"}),
        ("https://github.com/a/b and https://github.com/c/d", {}), ("https://a.github.io/b/", {"project": "https://a.github.io/b"}),
        ("https://github.com/a", {}), ("https://user:pass@github.com/a/b", {}), ("https://evil-github.com/a/b", {}), ("https://[::1", {}), ("", {}),
    ],
)  # fmt: skip
def test_code_is_taken_where_it_is_certain(text, expected):
    assert links_in(text) == expected
