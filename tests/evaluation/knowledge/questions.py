"""Questions as data."""

from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Literal, cast, get_args

from core.language import Language

HERE = Path(__file__).parent
DOCUMENTS = HERE / "documents"
Kind = Literal["same", "cross", "none"]


@dataclass(frozen=True, slots=True)
class Question:
    id: str
    language: Language
    kind: Kind
    pages: tuple[str, ...]
    holds: tuple[str, ...]
    text: str

    @property
    def held_out(self) -> bool:
        return bool(sha256(self.id.encode()).digest()[0] & 1)

    def answered_on(self, page: str, text: str) -> bool:
        return page in self.pages and any(held.lower() in text.lower() for held in self.holds)


def questions() -> list[Question]:
    files = sorted((HERE / "questions").glob("*.txt"))
    return [read(line) for file in files for line in file.read_text(encoding="utf-8").splitlines()]


def read(line: str) -> Question:
    fields = [field.strip() for field in line.split(" | ", 5)]
    if len(fields) != 6 or fields[1] not in get_args(Language) or fields[2] not in get_args(Kind):
        raise ValueError(f"not a question: {line!r}")
    name, language, kind, pages, holds, text = fields
    answered = kind != "none"
    return Question(
        id=name,
        language=cast("Language", language),
        kind=cast("Kind", kind),
        pages=tuple(pages.split(",")) if answered else (),
        holds=tuple(holds.split(" // ")) if answered else (),
        text=text,
    )
