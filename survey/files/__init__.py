"""YAML in and out: strict reading, small edits, the house format, the cache."""

from survey.files.load import CollectionError, find_root, load_collection, load_taxonomy
from survey.files.reader import YamlProblem, read_yaml

__all__ = [
    "CollectionError", "YamlProblem", "find_root", "load_collection", "load_taxonomy", "read_yaml",
]  # fmt: skip
