"""What an analyzer says: one suspected cause or one symptom, with its evidence, before anybody has compared it with the others.

A Finding has no confidence yet, only evidence with weights. `explainable` marks what another component's fault can bring about (a crash
because a dependency is gone); `latent` a mismatch that may have been there for ever, like the address that nobody uses, and that counts
only where something is seen to suffer from it; `harms` names components that suffer from this one beyond what the object graph shows.
`facts` are the numbers and names that a repair is computed from, so that the planner never reads them back out of a sentence.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from core.language import Language, Text
from tools.engines.chinese import in_chinese
from tools.engines.diagnosis import Component, Evidence, EvidenceSource

MAX_QUOTE = 400


@dataclass(frozen=True, slots=True)
class Finding:
    fault: str
    category: str
    component: Component
    words: Text
    evidence: tuple[Evidence, ...]
    against: tuple[Evidence, ...] = ()
    onset: datetime | None = None
    symptom: bool = False
    explainable: bool = False
    latent: bool = False
    harms: tuple[Component, ...] = ()
    told_by: tuple[Component, ...] = ()
    """On whose word alone it stands: whoever was changed a moment ago may have itself to blame."""
    called: tuple[Component, ...] = ()
    """Of calls that fail, to whom they were made: what does not stand there or behind it has nothing to do with them."""
    remedies: tuple[str, ...] = ()
    facts: dict[str, Any] = field(default_factory=dict)

    def said(self, language: Language) -> str:
        """As a reader is told it, what is quoted of our own evidence included."""
        return in_chinese(self.words.zh) if language == "zh" else self.words.en


def beginning(text: str, most: int) -> str:
    """Of a long sentence as much as fits, whole words only, so that half a name is never told as one."""
    if len(text) <= most:
        return text
    return f"{text[:most].rsplit(maxsplit=1)[0] if not text[most].isspace() else text[:most].rstrip()} …"


def ending(text: str, most: int) -> str:
    if len(text) <= most:
        return text
    kept = text[-most:]
    return f"… {kept.lstrip() if text[-most - 1].isspace() else kept.split(maxsplit=1)[-1]}"


def evidence(
    source: EvidenceSource, ref: str, quote: str, at: datetime | None = None, *, weight: float = 0.5
) -> Evidence:
    quote = " ".join(quote.split())
    shown = quote if len(quote) <= MAX_QUOTE else quote[: MAX_QUOTE - 1] + "…"
    return Evidence(source=source, ref=ref, quote=shown, at=at, weight=weight)
