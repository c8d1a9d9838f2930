"""Made-up papers full of what citation formats get wrong."""

from __future__ import annotations

from survey.collection.paper import Paper
from tests.entries import make_paper

AUTHORS = [
    "Nguyễn Thị Hồng Nhung", "Trần Đặng Ưu Ngữ", "Phạm Ẩn Ỹ", "Łukasz Świątek-Żółć", "Wiśniewska Ębia", "Çağlar Gülçehre",
    "İlker Yıldız", "Řehoř Šťastný", "Zdeněk Žabokrtský", "Jörg Schlötterer", "Þórður Jónsson", "Ștefan Țurcanu",
    "Søren Ærø Åkesson", "Paul Erdős", "Seán O’Connor-Smith", "Laurens van der Maaten", "Juan de la Cruz III", "Robert Logan IV",
    {"given": "Nicola", "family": "De Cao"}, {"given": "Ana", "family": "de la Vega y Ruiz"}, {"literal": "The AT&T {Big} Group, Inc."},
    "Plato", "J.-P. Müller", "Mārtiņš Ķeguma", "Vytautė Džiugaitė", "Ħal Għaxaq", "Ðina Ŋuyen", "Straße Großmann",
]  # fmt: skip

TITLES = [
    "A³E: H₂O & CO₂ in GPT-4o, 50% of $5 for #1_x",
    'He Said "Edit" and Then \'No\': “Facts” ‘in’ Quotes',
    "Curly {Braces}, Lone } and {, a \\ Backslash, a ~ Tilde and a ^ Caret",
    "From α to ω: β-VAE, Δ-Tuning, λ → ∞ and 3 × 5 ± 2 ≤ 20°",
    "What Is <MASK> | and Why — an En–Dash… in mT5, iPhone and BERTs?",
    "Über ﬁne Naïveté: Étude d’Édition à l’Œuvre, ¿Qué? ¡No!",
    "Nguyễn’s Ứng Xử, Łódź and the Ďábel",
    "ROME++ and MEMIT^2: ΔW = 1",
]


def made_up() -> list[Paper]:
    """One paper for each title, of all kinds, with every author somewhere."""
    papers = []
    venues = [("neurips", {}), ("arxiv", {}), ("acl", {"pages": "1-12"}), ("tacl", {"volume": "7", "pages": "e5"})]
    for i, title in enumerate(TITLES):
        venue, more = venues[i % len(venues)]
        papers.append(make_paper(
            f"author2022word{i}", title=title, authors=AUTHORS[i::4] if i < 4 else [AUTHORS[i], AUTHORS[-i]], venue=venue,
            protect=["Étude", "Łódź"] if "Étude" in title or "Łódź" in title else [],
            ids={"arxiv": f"2202.0526{i}", "doi": "10.1000/a_b#c%d&e~f"} if i % 2 else {"arxiv": f"2202.0526{i}"},
            published="2022-12", status="withdrawn" if i == 4 else None, booktitle="Workshop on R&D, 100% {Safe}" if i == 2 else None, **more,
        ))  # fmt: skip
    return papers
