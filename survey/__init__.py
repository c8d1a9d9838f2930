"""Editing Pitfalls: a living survey of knowledge editing in language models.

>>> from survey import load
>>> collection = load()                              # papers/ of the clone you stand in
>>> [p.key for p in collection.search("method:rome pitfall:general-abilities.collapse")]
"""

__version__ = "0.1.0"


def load(root=None):
    """Return the `Collection` below `root` (default: the nearest folder with `papers/`).

    Raises `survey.files.CollectionError` where there is none, or where an entry is broken.
    """
    from survey.files import load_collection

    return load_collection(root)
