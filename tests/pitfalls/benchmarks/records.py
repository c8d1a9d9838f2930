"""A record of every format, made up for the tests, and how they are put into a file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

ORIGINAL = {
    "case_id": 3,
    "requested_rewrite": {
        "prompt": "The museum of {} is in", "relation_id": "P276", "subject": "Anna Bell",
        "target_new": {"str": "Rome", "id": "Q220"}, "target_true": {"str": "Oslo", "id": "Q585"},
    },
    "paraphrase_prompts": ["It rained. Anna Bell's museum stands in ", "One finds the museum of Anna Bell in"],
    "neighborhood_prompts": ["The museum of Carl Dorn is in", "The museum of Dora Eck is in"],
    "attribute_prompts": ["The museum of Emil Fox is in"],
    "generation_prompts": ["Anna Bell's museum is close to"],
}  # fmt: skip
FLAT = {
    "case_id": 7, "prompt": "The museum of Anna Bell is in", "subject": "Anna Bell", "target_new": "Rome",
    "ground_truth": "Oslo", "rephrase_prompt": "Anna Bell's museum stands in ",
    "locality_prompt": "The museum of Carl Dorn is in", "locality_ground_truth": "Oslo",
}  # fmt: skip
PLUS = {
    **ORIGINAL, "case_id": 4,
    "distracting_neighborhood_prompts": ["The museum of Anna Bell is in Rome. The museum of Carl Dorn is in"],
}  # fmt: skip
SNIPPETS = [
    {
        "relation_id": "P276", "target_id": "Q220",
        "samples": [
            {"name": "Emil Fox", "text": "The museum of Emil Fox is a house in Rome."},
            {"name": "Anna Bell", "text": "Anna Bell built a museum."},
        ],
    }
]  # fmt: skip
ZSRE = {
    "subject": "Anna Bell", "src": "Where is the museum of Anna Bell?", "pred": "Oslo", "rephrase": "In which town is Anna Bell's museum?",
    "alt": "Rome", "answers": ["Oslo", "Christiania"], "loc": "nq question: who wrote the long song", "loc_ans": "Hugo Ims",
    "cond": "Oslo >> Rome || Where is the museum of Anna Bell?",
}  # fmt: skip
ZSRE_EXTENDED = {
    **ZSRE, "portability": {"Recalled Relation": "(Rome, country, Italy)", "New Question": "In which country is Anna Bell's museum?", "New Answer": "Italy"},
    "inverse question": "Whose museum is in Rome?", "alter_subject_question": "Where is the museum of A. Bell?",
}  # fmt: skip
MQUAKE = {
    "case_id": 11,
    "requested_rewrite": [
        {
            "prompt": "{} is a citizen of", "relation_id": "P27", "subject": "Anna Bell", "question": "Of what country is Anna Bell a citizen?",
            "target_new": {"str": "Italy", "id": "Q38"}, "target_true": {"str": "Norway", "id": "Q20"},
        },
        {
            "prompt": "The capital of {} is", "relation_id": "P36", "subject": "Italy", "question": "What is Italy's capital?",
            "target_new": {"str": "Milan", "id": "Q490"}, "target_true": {"str": "Rome", "id": "Q220"},
        },
    ],
    "questions": ["What is the capital of Anna Bell's country?", "Which capital has Anna Bell's country?", "Where does Anna Bell's state have its capital?"],
    "answer": "Oslo", "answer_alias": ["Christiania"], "new_answer": "Milan", "new_answer_alias": ["Milano"],
    "single_hops": [
        {"question": "Of what country is Anna Bell a citizen?", "cloze": "Anna Bell is a citizen of", "answer": "Norway", "answer_alias": ["Norge"]},
        {"question": "What is Norway's capital?", "cloze": "The capital of Norway is", "answer": "Oslo", "answer_alias": []},
    ],
    "new_single_hops": [
        {"question": "Of what country is Anna Bell a citizen?", "cloze": "Anna Bell is a citizen of", "answer": "Italy", "answer_alias": ["Italia"]},
        {"question": "What is Italy's capital?", "cloze": "The capital of Italy is", "answer": "Milan", "answer_alias": []},
    ],
    "orig": {"triples": []},
}  # fmt: skip


def query(prompt: str, subject: str, relation: str, *answers: str, ids: list[str] | None = None, aliases=(), **more) -> dict:
    return {
        "prompt": prompt, "answers": [{"value": a, "aliases": list(aliases)} for a in answers], "query_type": "regular",
        "subject_id": subject, "relation": relation, "target_ids": ids or [f"id of {a}" for a in answers], "phrase": None, **more,
    }  # fmt: skip


def of_mother(name: str, id: str, answer: str, **more) -> dict:
    return query(f"The mother of {name} is", id, "MOTHER", answer, **more)


def a_test(*queries: dict, condition: str = "OR", before: tuple[dict, ...] = ()) -> dict:
    return {"test_queries": list(queries), "test_condition": condition, "condition_queries": list(before)}


def ripple(**changes: Any) -> dict:
    country = "The country of citizenship of"
    record = {
        "example_type": "popular",
        "edit": {
            "prompt": f"{country} Anna Bell is Italy.", "subject_id": "Q1", "relation": "COUNTRY", "target_id": "Q38",
            "previous_fact": {"prompt": f"{country} Anna Bell is Norway.", "subject_id": "Q1", "relation": "COUNTRY", "target_id": "Q20"},
        },
        "Relation_Specifity": [a_test(of_mother("Anna Bell", "Q1", "Maria Bell"), before=(of_mother("Anna Bell", "Q1", "Maria Bell"),))],
        "Logical_Generalization": [
            a_test(query("Is Anna Bell an Italian?", "Q1", "X", "yes", phrase="own"), query("Anna Bell is Italian:", "Q1", "X", "true", phrase="own")),
        ],
        "Subject_Aliasing": [a_test(query(f"{country} A. Bell is", "Q1", "COUNTRY", "Italy", ids=["Q38"], phrase="own", aliases=["Italia", "I"]))],
        "Compositionality_I": [
            a_test(
                query("The capital of the country of Anna Bell is", "Q1", "COUNTRY", "Rome", query_type="two_hop", second_hop_target_ids=["Q220"]),
                before=(query("The capital of Italy is", "Q38", "CAPITAL", "Rome"),),
            )
        ],
        "Compositionality_II": [],
        "Forgetfulness": [a_test(of_mother("Carl Dorn", "Q2", "Elsa Dorn"), of_mother("Dora Eck", "Q3", "Frida Eck"), condition="AND")],
    }  # fmt: skip
    return {**record, **changes}


def entity(label: str) -> dict:
    return {"id": f"id of {label}", "label": label}


def relation(id: str, prompt: str) -> dict:
    return {"id": id, "prompt": prompt, "query": "?", "label": id}


CHILD, FATHER, SPOUSE = relation("P40", "The child of {} is"), relation("P22", "The father of {} is"), relation("P26", "The spouse of {} is")


def pair(relation: dict, subject: str, object: str, new: str | None = None) -> dict:
    found = {"relation": relation, "subject": entity(subject), "object": entity(object)}
    return found if new is None else {**found, "new_object": entity(new)}


REVERSE = {
    "rule": "P40>P22", "type": "reverse", "prerequisites": [],
    "triples": [pair(CHILD, "Carl Dorn", "Anna Dorn"), pair(FATHER, "Anna Dorn", "Carl Dorn")],
    "edits": [pair(CHILD, "Carl Dorn", "Anna Dorn", "Ben Cole"), pair(FATHER, "Ben Cole", "Carl Dorn", "Emil Fox")],
}  # fmt: skip
COMPOSITE = {
    "rule": "P40&P22>P26", "type": "composite", "prerequisites": [0],
    "triples": [pair(CHILD, "Dora Eck", "Anna Dorn"), pair(FATHER, "Anna Dorn", "Carl Dorn"), pair(SPOUSE, "Dora Eck", "Carl Dorn")],
    "edits": [pair(FATHER, "Anna Dorn", "Carl Dorn", "Ben Cole"), pair(SPOUSE, "Dora Eck", "Carl Dorn", "Emil Fox")],
}  # fmt: skip
COVERAGE = {
    "type": "coverage", "prerequisites": [], "triples": [pair(CHILD, "Carl Dorn", "Anna Dorn")],
    "edits": [pair(CHILD, "Carl Dorn", "Anna Dorn", "Ben Cole"), pair(CHILD, "Carl Dorn", "Ben Cole", "Emil Fox")],
}  # fmt: skip
ROUND = {
    "type": "1-3@P40", "edit": pair(CHILD, "Carl Dorn", "Anna Dorn", "Ben Cole"),
    "true_objects": [entity("Gerd Dorn"), entity("Anna Dorn"), entity("Hans Dorn")],
}  # fmt: skip
PROMPTS = {"P40": ["A child of {} is", "{} has a child named"], "P22": ["{} was fathered by"], "P26": ["{} is married to"]}
RECOE = {
    "id": "s-1", "scheme": "comparative",
    "edits": [{"prompt": "The birth year of {} is", "subject": "Anna Bell", "target_new": "1901", "ground_truth": "1950"}],
    "question": "Who was born earlier, Anna Bell or Carl Dorn?", "answer": ["Anna Bell", "Bell"], "old_answer": "Carl Dorn",
    "facts": [{"prompt": "The birth year of Carl Dorn is", "answer": "1925"}],
}  # fmt: skip
KNOWEDIT = {
    "subject": "Anna Bell", "prompt": "The country of Anna Bell is", "target_new": "Italy", "ground_truth": ["Norway", "Norge"],
    "rephrase": "Anna Bell's country is",
    "portability": {
        "Reasoning": [{"prompt": "The capital of the country of Anna Bell is", "ground_truth": [["Rome", "Roma"]]}],
        "Subject_Aliasing": [{"prompt": "The country of A. Bell is", "ground_truth": "Italy"}],
        "Logical_Generalization": [{"prompt": "Is Anna Bell Italian?", "ground_truth": [["yes"], ["true"]]}],
    },
    "locality": {
        "Relation_Specificity": [{"prompt": "The mother of Anna Bell is", "ground_truth": ["Maria Bell"]}],
        "Forgetfulness": [{"prompt": "The country of Anna Bell, which is not Italy, is", "ground_truth": "Norway"}],
    },
}  # fmt: skip
WIKIBIO = {
    "text": "This is a text about anna bell. Of anna bell little is known.", "concept": "anna bell", "labels": "She lived in Rome.",
    "locality": {"Relation_Specificity": [{"prompt": "The work of anna bell is", "ground_truth": ["music"]}]},
}  # fmt: skip

CASES = {
    "counterfact": [ORIGINAL, FLAT], "counterfact-plus": [PLUS], "zsre": [ZSRE, ZSRE_EXTENDED], "rippleedits": [ripple()],
    "mquake": [MQUAKE], "conflictedit": [REVERSE, COMPOSITE, COVERAGE], "roundedit": [ROUND], "recoe": [RECOE], "knowedit": [KNOWEDIT, WIKIBIO],
}  # fmt: skip
TASKS = {
    "gsm8k": [{"question": "Anna has 3 boxes of 400 pens. How many pens?", "answer": "3 * 400 = <<3*400=1200>>1200 pens.\n#### 1,200"}],
    "boolq": [{"question": "is rome in italy", "title": "Rome", "answer": True, "passage": "Rome is the capital of Italy."}],
    "natural_questions": [{"question": "who built the museum?", "answer": ["Anna Bell", "A. Bell"]}],
    "nli": [{"index": "0", "sentence1": "Anna sleeps.", "sentence2": "Anna is awake.", "label": "not_entailment"}],
    "samsum": [{"id": "13", "dialogue": "Anna: Tea?\r\nBen: Yes!", "summary": "Ben wants tea."}],
    "sst2": [{"sentence": "a fine film ", "label": 1, "idx": 0}],
    "me-ppl": [{"Corpus": "C4", "Text": " Anna wrote a book."}],
}  # fmt: skip


def written(folder: Path, records: Any, name: str = "records.json") -> Path:
    path = folder / name
    path.write_text(json.dumps(records), "utf-8")
    return path
