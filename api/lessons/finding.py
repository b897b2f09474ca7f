"""A diagnosis for the record, made while a trouble goes on: afterwards nothing of its cause is left to be read.

It is the same engine as the tool's, run once on what was collected and worded in both languages. The cause that is kept is the one that the
incident's workload has or suffers from, else the likeliest.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from knowledge_base.cases.case import Component, Quote, Words
from knowledge_base.cases.lesson import Finding
from tools.engines.catalogue import FAULTS
from tools.engines.diagnosis import Cause, Diagnosis, Evidence
from tools.engines.diagnosis import Component as Thing
from tools.engines.explain import diagnose
from tools.engines.snapshot import Snapshot
from tools.engines.summaries import error_lines

SINCE = 1_800
MAX_QUOTES, MAX_LOGS = 8, 8
Examine = Callable[[str, str], Awaitable[Finding | None]]
"""Namespace and workload, as far as they are known."""


class Collect(Protocol):
    async def __call__(self, namespace: str | None, *, since_seconds: int) -> Snapshot: ...


def examiner(collect: Collect) -> Examine:
    async def examine(namespace: str, workload: str) -> Finding | None:
        snapshot = await collect(namespace or None, since_seconds=SINCE)
        return await asyncio.to_thread(_found, snapshot, workload)

    return examine


def finding_of(cause: Cause, statement: Words, logs: Sequence[str] = ()) -> Finding:
    return recorded(cause.fault, cause.component, statement, cause.confidence, cause.evidence, logs)


def recorded(
    fault: str,
    thing: Thing,
    statement: Words,
    confidence: float,
    evidence: Sequence[Evidence],
    logs: Sequence[str] = (),
) -> Finding:
    heaviest = sorted(evidence, key=lambda one: -one.weight)
    title = FAULTS[fault].title if fault in FAULTS else None
    lines = [one.quote for one in heaviest if one.source == "log"]
    return Finding(
        fault=fault,
        name=Words(en=title("en"), zh=title("zh")) if title else Words(),
        component=Component(kind=thing.kind, namespace=thing.namespace or "", name=thing.name),
        statement=statement,
        confidence=confidence,
        quotes=[Quote(source=one.source, ref=one.ref, quote=one.quote) for one in heaviest[:MAX_QUOTES]],
        logs=list(dict.fromkeys([*lines, *logs]))[:MAX_LOGS],
    )


def chosen(causes: Sequence[Cause], workload: str) -> Cause | None:
    """Its own cause, else one that it suffers from, else the likeliest."""
    likeliest = sorted(causes, key=lambda cause: -cause.confidence)
    own = [cause for cause in likeliest if cause.component.name == workload]
    suffered = [cause for cause in likeliest if any(one.name == workload for one in cause.affected)]
    return next(iter([*own, *suffered, *likeliest]), None)


def _found(snapshot: Snapshot, workload: str) -> Finding | None:
    english = diagnose(snapshot, snapshot.namespace or "*", snapshot.window, snapshot.taken_at, "en")
    cause = chosen(english.causes, workload)
    if cause is None:
        return None
    chinese = diagnose(snapshot, snapshot.namespace or "*", snapshot.window, snapshot.taken_at, "zh")
    statement = Words(en=cause.statement, zh=_same(chinese, cause) or cause.statement)
    return finding_of(cause, statement, _said(snapshot, cause.component.name))


def _same(other: Diagnosis, cause: Cause) -> str:
    same = (one for one in other.causes if (one.fault, one.component) == (cause.fault, cause.component))
    return next((one.statement for one in same), "")


def _said(snapshot: Snapshot, name: str) -> list[str]:
    """The errors of the component's own logs."""
    lines = (one for one in error_lines(snapshot) if one.source == "log")
    return [one.pattern for one in lines if any(place.partition("/")[2].startswith(name) for place in one.where)]
