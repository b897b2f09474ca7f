"""From the files of the folders to the changes they mean for the store.

Only a file whose stamp moved is read, only one whose content hash moved is cut and weighed again. A file that cannot be taken is named
with its reason and the rest goes in; where an earlier version of it is known, that version stays, because yesterday's page is worth more
in the night than none. Where the embedder does not answer, pages go in without vectors, to be found by their words, and get them at the
next refresh. A folder that cannot be read at all keeps its pages for the same reason: a lost mount is not a deletion.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path

import numpy as np

from core.errors import Invalid, Upstream
from knowledge_base.embed import Embedder, Vectors
from knowledge_base.folder import Found, Listing, Problem, folder_key, read, scan
from knowledge_base.parse import Page, parse
from knowledge_base.segment import Segmenter
from knowledge_base.split import Piece, split
from knowledge_base.store import Changes, Document, Known, StoredPassage

RECIPE = "1"
"""Raised whenever the code of splitting or segmentation changes what is stored for the same file."""
_TITLE_WEIGHT = 2
_MAX_PASSAGES = 2_000
_BY_WORDS = " Pages are found by their words alone until the next refresh."


@dataclass(slots=True)
class Intake:
    written: list[Document] = field(default_factory=list)
    touched: list[Known] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    added: int = 0
    unchanged: int = 0

    @property
    def changes(self) -> Changes:
        return Changes(self.written, self.touched, self.removed)


class Reader:
    def __init__(self, segmenter: Segmenter, embedder: Embedder) -> None:
        self._segmenter = segmenter
        self._embedder = embedder
        self.wordy = f"{RECIPE}.{segmenter.edition}:"
        """The recipe of a page without vectors."""
        self.recipe = f"{self.wordy}{embedder.name}"
        self._silent: Upstream | None = None

    def has_vectors(self, known: Known) -> bool:
        """Whether its vectors can be compared with those of a question asked now, however its text was cut."""
        return known.recipe.partition(":")[2] == self._embedder.name

    def take(self, folders: Sequence[Path], known: Mapping[str, Known]) -> Intake:
        """Blocking: reads files and computes; called from a thread."""
        intake = Intake()
        self._silent = None
        there: set[str] = set()
        for folder in folders:
            listing = scan(folder)
            intake.problems.extend(listing.problems)
            there |= listing.refused | _kept(folder, listing, known)
            for found in listing.files:
                there.add(found.id)
                self._take_file(folder, found, known.get(found.id), intake)
        intake.removed = sorted(set(known) - there)
        if self._silent is not None:
            intake.problems.append(Problem(self._embedder.name, self._silent.sentence + _BY_WORDS))
        return intake

    def _take_file(self, folder: Path, found: Found, before: Known | None, intake: Intake) -> None:
        if before and (before.stamp, before.recipe) == (found.stamp, self.recipe):
            intake.unchanged += 1
            return
        try:
            raw = read(found)
            digest = sha256(raw).hexdigest()
            if before and (before.digest, before.recipe) == (digest, self.recipe):
                intake.touched.append(replace(before, stamp=found.stamp))
                intake.unchanged += 1
                return
            known = Known(found.id, folder_key(folder), found.path, found.stamp, digest, self.recipe)
            intake.written.append(self._document(known, parse(raw, found.relative)))
        except Invalid as error:
            kept = " The version read before stays in use." if before else ""
            intake.problems.append(Problem(found.path, error.sentence + kept))
            return
        intake.added += before is None

    def _document(self, known: Known, page: Page) -> Document:
        pieces = split(page.text)
        if not pieces:
            raise Invalid("The page holds headings and no text.")
        if len(pieces) > _MAX_PASSAGES:
            raise Invalid(f"The page falls into more than {_MAX_PASSAGES} passages.")
        vectors = self._vectors([f"{page.title}\n{' '.join(piece.headings)}\n{piece.text}" for piece in pieces])
        if not vectors.shape[1]:
            known = replace(known, recipe=self.wordy)
        labels = self._segmenter.terms("\n".join((page.title, *page.tags, *page.faults, *page.alerts))) * _TITLE_WEIGHT
        passages = tuple(
            StoredPassage(_heading(page, piece), piece.text, self._terms(labels, piece), vector)
            for piece, vector in zip(pieces, vectors.astype(np.float16), strict=True)
        )
        return Document(known, page, passages)

    def _vectors(self, texts: Sequence[str]) -> Vectors:
        """Once the embedder did not answer, it is not asked again in this pass: every page would wait for it in turn."""
        if self._silent is None:
            try:
                return self._embedder.embed(texts)
            except Upstream as error:
                self._silent = error
        return np.zeros((len(texts), 0), np.float32)

    def _terms(self, labels: list[str], piece: Piece) -> tuple[str, ...]:
        return (*labels, *self._segmenter.terms(" \n".join((*piece.headings, piece.text))))


def _heading(page: Page, piece: Piece) -> str:
    """The way down to the passage; the page's own title, which is shown beside it, is left out."""
    headings = piece.headings[1:] if piece.headings[:1] == (page.title,) else piece.headings
    return " > ".join(headings) or page.title


def _kept(folder: Path, listing: Listing, known: Mapping[str, Known]) -> set[str]:
    if not listing.unreadable:
        return set()
    return {one.id for one in known.values() if one.folder == folder_key(folder)}
