"""What is not kept: conversations that are old, and questions whose plan nobody can approve any more.

A run that waits holds a checkpoint for as long as its plan can be approved; afterwards it is finished with a sentence, so that whoever
comes back to the conversation reads what became of it. Everything goes in batches, each its own short transaction, and one sweep takes
at most so many, so that a neglected database is cleared over several sweeps and never stops the rest.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from agent.state import Evidence, State
from agent.terms import moment
from core.language import Language, Text

BATCH = 200
BATCHES = 25
_EXPIRED = Text(
    "Nobody answered in time: the plan “{title}” expired at {at}, and nothing was changed. Ask again for a fresh plan.",
    "没有人及时答复：方案“{title}”已于 {at} 过期，没有做任何改动。如仍需要，请重新提问以生成新方案。",
)
_LOST = Text(
    "This question waited for an approval that can no longer be given; nothing was changed. Ask again for a fresh plan.",
    "这个问题等待的批准已无法给出；没有做任何改动。如仍需要，请重新提问以生成新方案。",
)


@dataclass(frozen=True, slots=True)
class Swept:
    """What one sweep did."""

    expired: int = 0
    runs: int = 0
    sessions: int = 0


def expired_at(values: State, now: datetime) -> datetime | None:
    """When the plan that a run waits for expired; None while it still can be approved, or when no plan says so."""
    stamp = str((values.get("plan") or {}).get("expires_at") or "")
    if not stamp:
        return None
    at = datetime.fromisoformat(stamp)
    aware = at if at.tzinfo else at.replace(tzinfo=UTC)
    return aware if aware <= now else None


def last_word(values: State, number: int, now: datetime, language: Language) -> dict[str, Any]:
    """The answer that ends a run which waited in vain, with its one piece of evidence."""
    plan: Mapping[str, Any] = values.get("plan") or {}
    if not plan:
        return {"text": _LOST(language), "statements": [], "evidence": [], "sources": [], "unsupported": []}
    stamp = str(plan.get("expires_at", ""))
    said = _EXPIRED(language, title=plan.get("title", ""), at=moment(stamp))
    shown = Evidence(
        id=f"e{number}",
        source="approval",
        ref=f"plan {plan.get('id')}",
        quote=f"{plan.get('title', '')}: expires_at {stamp}",
        at=now.isoformat(),
    )
    return {
        "text": f"{said} [{shown['id']}]",
        "statements": [{"text": said, "evidence": [shown["id"]]}],
        "evidence": [*values.get("evidence", []), shown],
        "sources": [],
        "unsupported": [],
    }
