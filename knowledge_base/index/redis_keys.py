"""Names of everything that the knowledge index keeps in Redis, and the layout of a passage there.

One version of the index is complete in itself: a search index over the hashes of its passages, and four hashes beside it: `facts` (how
many passages, how long, which state of the store), `docs` (which documents, in how many passages), `about` (each page's numbers) and `df`
(in how many passages a term stands). An alias names the version that is in force.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import numpy as np
import orjson

from core.language import Language
from knowledge_base.index.packed import packed, token
from knowledge_base.index.port import Entry, Shown, entry
from knowledge_base.store import StoredPassage

LAYOUT = 3
"""Raised whenever what is kept there changes its form: then it is built anew."""
EF_RUNTIME = 200
"""The default of 10 finds 95 of 100 nearest neighbours; 200 finds them all within a millisecond."""


@dataclass(frozen=True, slots=True)
class Version:
    name: str

    @property
    def passages(self) -> str:
        return f"{self.name}:p:"

    @property
    def facts(self) -> str:
        return f"{self.name}:facts"

    @property
    def docs(self) -> str:
        return f"{self.name}:docs"

    @property
    def about(self) -> str:
        return f"{self.name}:about"

    @property
    def df(self) -> str:
        return f"{self.name}:df"

    def keys(self, document: str, kept: "Kept") -> list[str]:
        return [f"{self.passages}{document}:{position}" for position in range(kept.passages)]


@dataclass(frozen=True, slots=True)
class Kept:
    """A document as the version holds it."""

    revision: str
    passages: int
    page: str
    language: Language
    compared: bool

    @classmethod
    def of(cls, shown: Shown, passages: int) -> "Kept":
        return cls(shown.revision, passages, shown.page, shown.language, shown.compared)

    @classmethod
    def read(cls, value: bytes) -> "Kept":
        return cls(*orjson.loads(value))

    def written(self) -> bytes:
        return orjson.dumps([self.revision, self.passages, self.page, self.language, self.compared])

    def holds(self, shown: Shown) -> bool:
        """Its vectors, too, are kept only while they are the embedder's of now."""
        return (self.revision, self.compared) == (shown.revision, shown.compared)


def fingerprint(shown: Sequence[Shown]) -> str:
    """Which state of the store an index holds; replicas that see the same state need one index."""
    digest = blake2b(str(LAYOUT).encode(), digest_size=16)
    for one in sorted(shown, key=lambda one: one.id):
        digest.update(orjson.dumps([one.id, one.revision, one.compared]))
    return digest.hexdigest()


def fields(shown: Shown, position: int, passage: StoredPassage, dimensions: int) -> dict[str, bytes | str]:
    held: dict[str, bytes | str] = {
        "terms": " ".join(token(term) for term in passage.terms),
        "lang": shown.language,
        "page": token(shown.page),
        "tags": "|".join(token(tag) for tag in shown.tags),
        "packed": packed(passage.terms),
        "entry": _written(entry(shown, position, passage)),
    }
    if shown.compared and passage.vector.size == dimensions and passage.vector.any():
        held["vec"] = passage.vector.astype(np.float32).tobytes()
        # As the store rounds it: whatever found the passage, its similarity is worked out from the same digits as in memory.
        held["half"] = passage.vector.astype("<f2").tobytes()
    return held


def _written(one: Entry) -> bytes:
    return orjson.dumps(one)


def read_entry(value: bytes) -> Entry:
    found: dict[str, Any] = orjson.loads(value)
    return Entry(**(found | {"tags": tuple(found["tags"])}))


def schema(version: Version, dimensions: int) -> dict[str, Any]:
    vector = {
        "name": "vec",
        "type": "vector",
        "attrs": {
            "dims": dimensions,
            "algorithm": "hnsw",
            "distance_metric": "cosine",
            "datatype": "float32",
            "m": 16,
            "ef_construction": 200,
            "ef_runtime": EF_RUNTIME,
        },
    }
    plain = [
        {"name": "terms", "type": "text", "attrs": {"no_stem": True}},
        {"name": "lang", "type": "tag"},
        {"name": "page", "type": "tag"},
        {"name": "tags", "type": "tag", "attrs": {"separator": "|"}},
    ]
    index = {"name": version.name, "prefix": version.passages, "storage_type": "hash", "stopwords": []}
    return {"index": index, "fields": [*plain, *([vector] if dimensions else [])]}
