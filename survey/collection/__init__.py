"""The model: papers, the taxonomy that tags them, and queries over both. No I/O."""

from survey.collection.collection import Collection, Relation
from survey.collection.names import Name
from survey.collection.paper import Paper
from survey.collection.query import Query, QueryError
from survey.collection.taxonomy import Taxonomy

__all__ = ["Collection", "Name", "Paper", "Query", "QueryError", "Relation", "Taxonomy"]
