"""A picture as a channel is handed it, and whoever hands it out."""

from dataclasses import dataclass
from typing import Protocol

from alerts.pictures.question import Question
from core.language import Language


@dataclass(frozen=True, slots=True)
class Picture:
    id: str
    png: bytes
    question: Question
    url: str = ""
    """Where a vendor's server may fetch it; empty where this server has no address outside."""

    def caption(self, language: Language) -> str:
        return self.question.caption(language)


class Pictures(Protocol):
    async def show(self, question: Question | None) -> Picture | None:
        """The picture, or None where there is none: soon, and never an error."""
        ...


class NoPictures:
    async def show(self, question: Question | None) -> Picture | None:  # noqa: ARG002 - as Pictures has it
        return None
