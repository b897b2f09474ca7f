"""From the files of the folders, and from what is kept, to the documents that are new.

Only a file whose stamp moved is read, only one whose content hash moved is cut and weighed again. A file that cannot be taken is named
with its reason and the rest goes in; where an earlier version of it is known, that version stays, because yesterday's page is worth more
in the night than none. Where the embedder does not answer, pages go in without vectors, to be found by their words, and get them at the
next refresh. A folder that cannot be read at all keeps its pages for the same reason: a lost mount is not a deletion.

Files are taken one at a time, so that memory does not grow with the folder and the work can be stopped between two. What was cut by an
older recipe and has no file at hand (an upload, a page of the web, a folder that is away) is cut anew from its kept text.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path

import numpy as np

from core.errors import Invalid, Upstream
from knowledge_base.embed import Embedder, LexicalEmbedder, Vectors
from knowledge_base.folder import Found, Listing, Problem, folder_key, read, scan
from knowledge_base.parse import Page, parse
from knowledge_base.segment import Segmenter
from knowledge_base.split import Piece, split
from knowledge_base.store import Document, Known, StoredPassage

RECIPE = "2"
"""Raised whenever the code of reading, splitting or segmentation changes what is stored for the same file."""
_TITLE_WEIGHT = 2
_MAX_PASSAGES = 2_000
_MAX_NAME = 60
"""Of an embedder in a recipe, whose column holds 80 characters."""
_BY_WORDS = " Pages are found by their words alone until the next refresh."


@dataclass(slots=True)
class Intake:
    """One look through the folders, and what came of it so far."""

    known: Mapping[str, Known]
    files: list[tuple[Path, Found]] = field(default_factory=list)
    basis: dict[str, str] = field(default_factory=dict)
    touched: list[Known] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    """Versions."""
    problems: list[Problem] = field(default_factory=list)
    added: int = 0
    changed: int = 0
    unchanged: int = 0

    def written(self, document: Document) -> None:
        before = self.known.get(document.known.id)
        if before is None:
            self.added += 1
            return
        self.changed += 1
        self.basis[before.id] = before.version

    def stale(self, recipe: str) -> list[Known]:
        """What another recipe has cut and nobody has read anew."""
        gone = set(self.removed)
        return [
            one
            for one in self.known.values()
            if one.recipe != recipe and one.version not in gone and one.id not in self.basis
        ]


class Reader:
    def __init__(self, segmenter: Segmenter, embedder: Embedder) -> None:
        self._segmenter = segmenter
        self._embedder = embedder
        self.wordy = f"{RECIPE}.{segmenter.edition}:"
        """The recipe of a page without vectors."""
        self._vectors_of = _short(embedder.name)
        self.recipe = f"{self.wordy}{self._vectors_of}"
        self._silent: Upstream | None = None
        self._by_words = False

    def has_vectors(self, known: Known) -> bool:
        """Whether its vectors can be compared with those of a question asked now, however its text was cut."""
        return known.recipe.partition(":")[2] == self._vectors_of

    def look(self, folders: Sequence[Path], known: Mapping[str, Known]) -> Intake:
        """Blocking, as all here: called from a thread. Only names and times are read."""
        intake = Intake(known)
        there: set[str] = set()
        for folder in folders:
            listing = scan(folder)
            intake.problems.extend(listing.problems)
            there |= listing.refused | _kept(folder, listing, known)
            there.update(found.id for found in listing.files)
            intake.files.extend((folder, found) for found in listing.files)
        gone = (one for one in known.values() if one.source == "folder" and one.id not in there)
        intake.removed = sorted(one.version for one in gone)
        return intake

    def begin(self, *, hurried: bool = False) -> None:
        """A new pass: an embedder that was silent in the last one is asked again; in a hurry only one that answers at once."""
        self._silent = None
        self._by_words = hurried and not isinstance(self._embedder, LexicalEmbedder)

    @property
    def silence(self) -> list[Problem]:
        return [Problem(self._embedder.name, self._silent.sentence + _BY_WORDS)] if self._silent else []

    def documents(self, intake: Intake) -> Iterator[Document | None]:
        """One step a file: its new document, or None where there is none."""
        for folder, found in intake.files:
            document = self._take_file(folder, found, intake)
            if document:
                intake.written(document)
            yield document

    def cut(self, known: Known, page: Page) -> Document:
        pieces = split(page.text)
        if not pieces:
            raise Invalid("The page holds headings and no text.")
        if len(pieces) > _MAX_PASSAGES:
            raise Invalid(f"The page falls into more than {_MAX_PASSAGES} passages.")
        vectors = self._vectors([f"{page.title}\n{' '.join(piece.headings)}\n{piece.text}" for piece in pieces])
        labels = self._segmenter.terms("\n".join((page.title, *page.tags, *page.faults, *page.alerts))) * _TITLE_WEIGHT
        passages = tuple(
            StoredPassage(heading_of(page.title, piece), piece.text, self._terms(labels, piece), vector, piece.section)
            for piece, vector in zip(pieces, vectors.astype(np.float16), strict=True)
        )
        recipe = self.recipe if vectors.shape[1] else self.wordy
        return Document(replace(known, recipe=recipe), page, passages)

    def _take_file(self, folder: Path, found: Found, intake: Intake) -> Document | None:
        before = intake.known.get(found.id)
        if before and (before.stamp, before.recipe) == (found.stamp, self.recipe):
            intake.unchanged += 1
            return None
        try:
            raw = read(found)
            digest = sha256(raw).hexdigest()
            if before and (before.digest, before.recipe) == (digest, self.recipe):
                intake.touched.append(replace(before, stamp=found.stamp))
                intake.unchanged += 1
                return None
            known = Known(found.id, folder_key(folder), found.path, found.stamp, digest, self.recipe)
            return self.cut(_since(known, before), parse(raw, found.relative))
        except Invalid as error:
            kept = " The version read before stays in use." if before else ""
            intake.problems.append(Problem(found.path, error.sentence + kept))
            return None

    def _vectors(self, texts: Sequence[str]) -> Vectors:
        """Once the embedder did not answer, it is not asked again in this pass: every page would wait for it in turn."""
        if self._silent is None and not self._by_words:
            try:
                return self._embedder.embed(texts)
            except Upstream as error:
                self._silent = error
        return np.zeros((len(texts), 0), np.float32)

    def _terms(self, labels: list[str], piece: Piece) -> tuple[str, ...]:
        return (*labels, *self._segmenter.terms(" \n".join((*piece.headings, piece.text))))


def _short(name: str) -> str:
    digest = sha256(name.encode()).hexdigest()[:12]
    return name if len(name) <= _MAX_NAME else f"{name[: _MAX_NAME - 13]}~{digest}"


def _since(known: Known, before: Known | None) -> Known:
    return replace(known, added_at=before.added_at) if before else known


def heading_of(title: str, piece: Piece) -> str:
    """The way down to the passage; the page's own title, which is shown beside it, is left out."""
    headings = piece.headings[1:] if piece.headings[:1] == (title,) else piece.headings
    return " > ".join(headings) or title


def _kept(folder: Path, listing: Listing, known: Mapping[str, Known]) -> set[str]:
    if not listing.unreadable:
        return set()
    return {one.id for one in known.values() if one.folder == folder_key(folder)}
