"""Made-up papers that look like real ones, for tests and benchmarks: the same seed, the same papers.

python -m tests.bench.synthetic 3500 made-up      # writes made-up/papers/<year>/<key>.yaml
"""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator
from pathlib import Path

from survey.collection import Collection, Taxonomy
from survey.collection.names import split_name
from survey.collection.paper import ID_SCHEMES, Kind, Stance, make_key, paper_from
from survey.files import load_taxonomy

KINDS, STANCES = Kind.__args__, Stance.__args__

_GIVEN = """Kevin David Alex Yonatan Eric Charles Antoine Christopher Chelsea Nicola Wilker Ivan Damai
Li Zhiyuan Peng Ningyu Yunzhi Shumin Huajun Jun Mor Roi Fazl Neil Jörg Zoë Sébastien José María Ana
Łukasz Søren Åsa Elif Çağla Nguyễn Minh Thảo Priya Arjun Fatima Omar Hana Yuki Satoshi Jiwoo Seung
Anna Olga Dmitri Giulia Marco Lena Jonas Maja Nora Ruth Samuel Grace Amara Chidi Lerato Tariq""".split()
_FAMILY = """Meng Bau Andonian Belinkov Mitchell Lin Bosselut Manning Finn Titov Aziz Dai Dong Hao
Sui Wei Zhang Yao Chen Deng Wang Tian Li Liu Wu Huang Zhao Zhou Xu Sun Ma Zhu Hu Guo He Geva Cohen
Schlötterer Müller Köhler Łukaszewicz Sørensen Åkesson Yılmaz Nguyễn Trần Phạm Gupta Sharma Khan
Tanaka Sato Suzuki Kim Park Choi Ivanova Petrov Rossi Bianchi Silva García Fernández O'Connor
D'Angelo Smith-Jones Dubois Lefèvre Novák Horváth Kowalski Okafor Mbeki Haddad""".split()
_ONSETS = "b ch d f g h j k l m n p q r s sh t v w x y z zh br kr st tr gr".split()
_VOWELS = "a e i o u ai ao ei ia ie iu ou ua uo ui".split()
_CODAS = ["", "", "", "n", "ng", "r", "l", "s", "m", "k"]
_ENDINGS = "mann son sen berg ski ova ez ini off er ard quist well ley stein dottir".split()
_PARTICLES = ["van der", "de", "von", "van", "dos"]

_COMMON = """editing knowledge language models large model for the of in and with via a an to is
towards factual memory updates learning neural locate""".split()
_STEMS = """edit update fact memor locat caus trac neuron layer weight gradient low-rank project
adapt retriev prompt context decod rout cluster codebook regular constrain evalu benchmark measur
forget collaps ripple general local specif robust revers reason hop chain logic alias consist
conflict distort distract priv bias safe detox attack detect unlearn merg compress distill align
probe attribut interpret mechan circuit transform attent embed subspace spectr norm optim sequent
lifelong batch mass scal effici stream tempor multi-modal cross-ling entit relat tripl graph
question answer dialog summar transl code math medic legal visual speech tool agent""".split()
_FORMS = "e ing ion ed er al able ity s ive".split()
_VERBS = """we show that propose measure find whether how when after before edits edited models keep
lose break spread related unrelated facts answers prompts wordings thousands single layers results
suggest a new method test set which compares several baselines on two three and does not without
training data from questions about people places dates over time their probability while cost stays
low high more less than earlier reports""".split()


def _vocabulary(rng: random.Random) -> tuple[list[str], list[str], list[str]]:
    """About 2,000 given names, 3,000 family names and 600 words of titles."""

    def syllables(n: int) -> str:
        parts = (rng.choice(_ONSETS) + rng.choice(_VOWELS) + rng.choice(_CODAS) for _ in range(n))
        return "".join(parts)

    given, family = dict.fromkeys(_GIVEN), dict.fromkeys(_FAMILY)
    while len(given) < 2000:
        given[syllables(rng.choice((1, 2, 2, 2, 3))).capitalize()] = None
    while len(family) < 3000:
        ending = rng.choice(_ENDINGS) if rng.random() < 0.5 else ""
        family[(syllables(rng.choice((1, 1, 2))) + ending).capitalize()] = None
    words = dict.fromkeys(_COMMON)
    words.update(dict.fromkeys(stem + form for stem in _STEMS for form in rng.sample(_FORMS, 6)))
    return list(given), list(family), list(words)[:600]


class Maker:
    """Makes records of the entry schema, tagged with a taxonomy."""

    def __init__(self, seed: int = 0, taxonomy: Taxonomy | None = None) -> None:
        self.rng = random.Random(seed)
        self.taxonomy = taxonomy or load_taxonomy()
        self.given, self.family, self.words = _vocabulary(self.rng)
        self.keys: set[str] = set()
        self.number = 0  # of the last id, so that no two papers share one

    def papers(self, count: int) -> Iterator[tuple[str, dict]]:
        """`count` entries as (key, record); keys do not repeat."""
        while count:
            record = self.record()
            key = make_key(split_name(record["authors"][0]), record["year"], record["title"])
            if key in self.keys or not key[0].isalpha():
                continue
            self.keys.add(key)
            count -= 1
            yield key, record

    def record(self) -> dict:
        rng, t = self.rng, self.taxonomy
        year = rng.choices(range(2019, 2027), (1, 2, 4, 8, 20, 35, 40, 30))[0]
        venues = [v.id for v in t.venues.values() if v.id != "arxiv" and (not v.years or year in v.years)]
        venue = "arxiv" if rng.random() < 0.35 else rng.choice(venues)
        acronym = self.acronym() if rng.random() < 0.6 else None
        record = {
            "title": self.title(acronym),
            "authors": [self.name() for _ in range(rng.randint(3, 8))],
            "year": year,
            "venue": venue,
            "acronym": acronym,
            "ids": self.ids(year, venue),
            "links": self.links(),
            "kinds": rng.sample(KINDS[:4], rng.choice((1, 1, 2))),
            "summary": self.summary(),
            "annotated": {"basis": "abstract", "on": "2026-11-22"},
            "sources": ["arXiv"],
        }
        methods = rng.sample(list(t.methods), min(len(t.methods), rng.randint(1, 3)))
        split = rng.randint(0, 1)
        record["proposes"] = {"methods": methods[:split]}
        record["studies"] = {"methods": methods[split:], "benchmarks": self.benchmarks()}
        if not split and rng.random() < 0.5:
            record["proposes"]["families"] = [rng.choice(list(t.families))]
        pitfalls = rng.sample(list(t.pitfalls), min(len(t.pitfalls), rng.randint(1, 3)))
        record["pitfalls"] = [
            {"id": id, "stance": rng.choice(STANCES), "basis": "abstract"} for id in pitfalls
        ]
        if rng.random() < 0.02:
            record["status"] = rng.choice(["withdrawn", "retracted"])
            record["note"] = "Withdrawn by its authors."
        if rng.random() < 0.05:
            record["unconfirmed"] = ["venue"]
        finer = {id.rpartition(".")[0] for id in pitfalls}
        record["pitfalls"] = [tag for tag in record["pitfalls"] if tag["id"] not in finer]
        return {name: value for name, value in record.items() if value}

    def name(self) -> str:
        rng = self.rng
        given, family = rng.choice(self.given), rng.choice(self.family)
        middle = f" {rng.choice('ABCDEJKLMRST')}." if rng.random() < 0.1 else ""
        particle = f" {rng.choice(_PARTICLES)}" if rng.random() < 0.03 else ""
        return f"{given}{middle}{particle} {family}"

    def acronym(self) -> str:
        return "".join(
            self.rng.choice("AEIOUBCDEFGKLMNPRST") for _ in range(self.rng.randint(3, 6))
        )

    def title(self, acronym: str | None) -> str:
        rng = self.rng
        words = [
            rng.choice(_COMMON if rng.random() < 0.45 else self.words)
            for _ in range(rng.randint(6, 11))
        ]
        title = " ".join(
            w if w in ("of", "in", "a", "an", "the", "for") else w.title() for w in words
        )
        title = title[0].upper() + title[1:]
        return f"{acronym}: {title}" if acronym and rng.random() < 0.7 else title

    def summary(self) -> str:
        rng = self.rng
        count = rng.randint(25, 40)
        text = " ".join(
            rng.choice(_VERBS if rng.random() < 0.6 else self.words) for _ in range(count)
        )
        return text.capitalize() + "."

    def ids(self, year: int, venue: str) -> dict:
        rng = self.rng
        ids = {}
        if venue == "arxiv" or rng.random() < 0.7:
            self.number += 1
            ids["arxiv"] = f"{year % 100}{rng.randint(1, 12):02}.{self.number:05}"
        if rng.random() < 0.4:
            ids["doi"] = f"10.{rng.randint(1000, 9999)}/{rng.randint(100000, 9999999)}.{year}"
        if volumes := self.taxonomy.venues[venue].anthology:
            self.number += 1
            ids["anthology"] = f"{year}.{rng.choice(volumes)}.{self.number}"
        if rng.random() < 0.3:
            letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
            ids["openreview"] = "".join(rng.choice(letters) for _ in range(10))
        return {scheme: ids[scheme] for scheme in ID_SCHEMES if scheme in ids}

    def links(self) -> dict:
        rng = self.rng
        name = f"{rng.choice(self.family).lower()}{rng.randint(1, 99)}"
        links = {}
        if rng.random() < 0.5:
            links["code"] = f"https://github.com/{name}/{rng.choice(self.words)}"
        if rng.random() < 0.15:
            links["project"] = f"https://{name}.github.io"
        return links

    def benchmarks(self) -> list[str]:
        known = list(self.taxonomy.benchmarks)
        return self.rng.sample(known, min(len(known), self.rng.choice((0, 1, 1, 2))))


def collection(count: int, seed: int = 0) -> Collection:
    """A made-up collection over the real taxonomy."""
    maker = Maker(seed)
    papers = [paper_from(record, key) for key, record in maker.papers(count)]
    return Collection(papers, maker.taxonomy)


def write(count: int, root: Path, seed: int = 0) -> None:
    """Write the made-up entries below `root`/papers/ in the house format."""
    from survey.files.writer import dump

    for key, record in Maker(seed).papers(count):
        path = root / "papers" / str(record["year"]) / f"{key}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dump(record), encoding="utf-8")


if __name__ == "__main__":
    write(int(sys.argv[1]), Path(sys.argv[2]))
