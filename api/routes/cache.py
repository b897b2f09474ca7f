"""What is remembered of answers from the pages: how much, how well it serves, and how to make it forget.

Only such answers are kept anywhere. The names of services that other products keep caches for are understood, and hold nothing here.
"""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request

from agent.recall import KEEP, MOST, NEAR
from api.deps import TheCaller, TheHouse, TheOperator
from api.errors import ok

router = APIRouter(prefix="/cache", tags=["cache"])
Service = Annotated[
    Literal["answers", "prediction", "rca", "all"], Query(description="`answers` or `all`; the others keep nothing")
]
Pattern = Annotated[str, Query(max_length=200, description="A part of the question, or a pattern with * and ?")]


@router.get("/stats")
async def stats(request: Request, house: TheHouse, _caller: TheCaller) -> dict[str, Any]:
    return ok(request, {"answers": house.agent.recall.stats()})


@router.get("/health")
async def health(request: Request, house: TheHouse, _caller: TheCaller) -> dict[str, Any]:
    stats = house.agent.recall.stats()
    return ok(request, {"healthy": True, "backend": "memory", "entries": stats["entries"], "most": stats["most"]})


@router.get("/performance")
async def performance(request: Request, house: TheHouse, _caller: TheCaller) -> dict[str, Any]:
    """How often an answer was found, and how long that took."""
    recall = house.agent.recall
    stats, took = recall.stats(), sorted(recall.seconds())
    shares = {f"p{share}_ms": _at(took, share) for share in (50, 95, 99)}
    return ok(request, {"asked": stats["asked"], "found": stats["found"], "hit_rate": stats["hit_rate"], **shares})


@router.get("/config")
async def config(request: Request, house: TheHouse, _caller: TheCaller) -> dict[str, Any]:
    kept = {"backend": "memory", "most": MOST, "keep_seconds": KEEP.total_seconds(), "least_similarity": NEAR}
    return ok(request, {**kept, "embedder": house.agent.recall.stats()["embedder"]})


@router.post("/clear")
async def clear(
    request: Request, house: TheHouse, _caller: TheOperator, service: Service = "all", pattern: Pattern = ""
) -> dict[str, Any]:
    """Forget answers: all, or those to questions that fit the pattern."""
    cleared = house.agent.recall.clear(pattern) if service in ("answers", "all") else 0
    return ok(request, {"service": service, "pattern": pattern, "cleared": cleared})


@router.delete("")
async def delete(request: Request, house: TheHouse, _caller: TheOperator, pattern: Pattern = "") -> dict[str, Any]:
    """The same as clearing `answers`."""
    return ok(request, {"service": "answers", "pattern": pattern, "cleared": house.agent.recall.clear(pattern)})


def _at(took: list[float], share: int) -> float | None:
    return round(took[min(len(took) - 1, len(took) * share // 100)] * 1000, 3) if took else None
