"""Bundles diagnosed in this process: no server, no database, no model, and only the imports that an engine needs.

Every bundle that is named gives one answer, in order, as soon as it is known: an unreadable one a diagnosis of nothing with the reason
among its gaps. What leaves here goes through the same redaction as the results of tools.
"""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from secrets import token_hex
from time import perf_counter
from typing import Any

import orjson

from api.report.writing import Form, form_of
from core.errors import Invalid
from core.language import Language
from core.redact import Redactor
from tools.bundle.read import read_bundle
from tools.engines.diagnosis import Cause, Diagnosis, Gap, Window
from tools.engines.explain import diagnose, is_empty, runs_nothing
from tools.engines.snapshot import Snapshot

OK, NOTHING, TROUBLE, UNKNOWN = 0, 1, 3, 4
EVERYTHING = "everything"
"""What the one gap of a diagnosis of nothing is about: no object, no log and no series was in what was named."""


_SOURCES = frozenset({"objects", "events", "logs", "metrics", "alerts", "probes", "taken_at"})


@dataclass(frozen=True, slots=True)
class Ask:
    namespace: str = ""
    name: str = ""
    since_seconds: int = 3600
    language: Language = "en"


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be done with the answer."""

    as_json: bool = False
    report: Form | None = None
    output: Path | None = None
    every: int = 0
    """Seconds between two looks; 0: one look."""
    exit_code: bool = False


async def run_diagnose(paths: Sequence[Path], ask: Ask, wish: Wish, server: str, token: str) -> int:
    form = form_of(wish.report, wish.output)
    _refuse_what_does_not_go_together(paths, wish, form)
    told = await _live(ask, wish, form, server, token) if not paths else _bundles(paths, ask, wish, form)
    if told and all(_is_of_nothing(found) for found in told):
        return NOTHING
    return exit_code(told) if wish.exit_code else OK


def _refuse_what_does_not_go_together(paths: Sequence[Path], wish: Wish, form: Form | None) -> None:
    if wish.every and paths:
        raise Invalid("A bundle is how it was when it was taken: --watch is for a live cluster.", field="watch")
    if wish.every and form:
        raise Invalid("A report is of one look: --watch and a report do not go together.", field="watch")
    if form and wish.as_json:
        raise Invalid("--json and a report do not go together: one answer has one form.", field="report")
    if form and len(paths) > 1:
        raise Invalid("A report is of one bundle: name one.", field="report")


def _bundles(paths: Sequence[Path], ask: Ask, wish: Wish, form: Form | None) -> list[dict[str, Any]]:
    if form is None:
        return diagnose_bundles(paths, ask, as_json=wish.as_json)
    told = [found for _, found in diagnoses(paths, ask)]
    for found in told:
        _report(found, form, wish.output, ask.language)
    return told


async def _live(ask: Ask, wish: Wish, form: Form | None, server: str, token: str) -> list[dict[str, Any]]:
    from api.live import live

    async with live(ask, server, token) as reading:
        if wish.every:
            from rich.console import Console

            from api.watching import Watch, watch

            await watch(reading, Watch(wish.every, ask.language, wish.as_json), Console(highlight=False))
            return []
        found = await reading()
    if form:
        _report(found, form, wish.output, ask.language)
    elif wish.as_json:
        sys.stdout.write(orjson.dumps(found, option=orjson.OPT_APPEND_NEWLINE).decode())
    else:
        present(found, ask.language)
    return [found]


def _report(found: dict[str, Any], form: Form, output: Path | None, language: Language) -> None:
    from api.report.writing import write

    write(found, form, output, language)


def diagnose_bundles(paths: Sequence[Path], ask: Ask, *, as_json: bool) -> list[dict[str, Any]]:
    """Each answer as it comes, and all of them at the end."""
    told = []
    for path, found in diagnoses(paths, ask):
        told.append(found)
        if _is_of_nothing(found) and not as_json:
            sys.stderr.write(f"nothing could be read of {path}: {found['gaps'][0]['why']}\n")
        elif as_json:
            line = orjson.dumps({"bundle": _spelled(path), **found}, option=orjson.OPT_APPEND_NEWLINE)
            sys.stdout.write(line.decode())
            sys.stdout.flush()
        else:
            _show(path, found, ask.language, is_one_of_many=len(paths) > 1)
    return told


def _spelled(path: Path) -> str:
    return str(path).encode("utf-8", errors="replace").decode()


def exit_code(told: Sequence[dict[str, Any]]) -> int:
    """For scripts that asked for it: trouble wins over doubt, and doubt over health."""
    if any(found["causes"] or found["symptoms"] for found in told):
        return TROUBLE
    return OK if all(found["healthy"] for found in told) else UNKNOWN


def diagnoses(paths: Sequence[Path], ask: Ask) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Each bundle's diagnosis as JSON, redacted under a key of this call."""
    redactor = Redactor(token_hex(16))
    for path in paths:
        yield path, redactor.value(_diagnosed(path, ask).model_dump(mode="json"))


def _diagnosed(path: Path, ask: Ask) -> Diagnosis:
    try:
        return diagnosis_of(path, ask)
    except Exception as error:  # noqa: BLE001 - one bundle that breaks us is told, and the others still get their answer
        now = datetime.now(UTC)
        gap = Gap(what="the diagnosis", why=f"it broke off: {type(error).__name__}: {error}", how="report it to us")
        return Diagnosis(
            subject=_spelled(path), window=Window(start=now, end=now), taken_at=now, healthy=None, gaps=[gap]
        )


def diagnosis_of(path: Path, ask: Ask) -> Diagnosis:
    snapshot = read_bundle(path, ask.namespace or None, timedelta(seconds=ask.since_seconds))
    return judged(snapshot, ask) if _holds_anything(snapshot) else _of_nothing(path, snapshot)


def _holds_anything(snapshot: Snapshot) -> bool:
    return bool(snapshot.objects or snapshot.logs or snapshot.metrics or snapshot.alerts or snapshot.probes)


def _of_nothing(path: Path, snapshot: Snapshot) -> Diagnosis:
    """What was refused tells why; what a bundle could have held is no help where there is no bundle."""
    refused = [gap for gap in snapshot.gaps if gap.what not in _SOURCES]
    why = "; ".join(f"{gap.what} {gap.why}" for gap in refused[:3]) or "it holds nothing that a bundle has"
    gap = Gap(
        what=EVERYTHING, why=why, how="name a bundle that `firstmate collect` or `kubectl cluster-info dump` wrote"
    )
    return Diagnosis(
        subject=str(path), window=snapshot.window, taken_at=snapshot.taken_at, healthy=None, gaps=[gap, *refused]
    )


def _is_of_nothing(found: dict[str, Any]) -> bool:
    return bool(found["gaps"]) and found["gaps"][0]["what"] == EVERYTHING


def judged(snapshot: Snapshot, ask: Ask) -> Diagnosis:
    subject = "/".join(part for part in (snapshot.namespace or snapshot.context or "*", ask.name) if part)
    began = perf_counter()
    found = diagnose(snapshot, subject, snapshot.window, snapshot.taken_at, ask.language, focus=ask.name or None)
    if is_empty(snapshot):
        healthy = None if found.healthy else found.healthy
        found = found.model_copy(update={"healthy": healthy, "gaps": [runs_nothing(snapshot), *found.gaps]})
    causes = [one for one in found.causes if not ask.namespace or _concerns(one, ask.namespace)]
    if ask.namespace:
        found = _without(found, causes, ask.namespace)
    return found.model_copy(update={"engine_ms": round((perf_counter() - began) * 1000, 2)})


def _concerns(cause: Cause, namespace: str) -> bool:
    places = [cause.component.namespace, *(one.namespace for one in cause.affected)]
    return namespace in places or places == [None]


def _without(found: Diagnosis, causes: Sequence[Cause], namespace: str) -> Diagnosis:
    """With the causes that are left ranked anew; what the others explained was no trouble of the namespace asked about."""
    places = {cause.rank: place for place, cause in enumerate(causes, 1)}
    symptoms = [
        one.model_copy(update={"caused_by": places.get(one.caused_by or 0)})
        for one in found.symptoms
        if (one.component.namespace in (namespace, None) if one.caused_by is None else one.caused_by in places)
    ]
    healthy = False if causes or symptoms else None if any(gap.deciding for gap in found.gaps) else True
    ranked = [cause.model_copy(update={"rank": place}) for place, cause in enumerate(causes, 1)]
    return found.model_copy(update={"causes": ranked, "symptoms": symptoms, "healthy": healthy})


def _show(path: Path, found: dict[str, Any], language: Language, *, is_one_of_many: bool) -> None:
    from rich.console import Console
    from rich.text import Text

    console = Console(highlight=False)
    if is_one_of_many:
        console.rule(Text("".join(char if char.isprintable() else "?" for char in str(path))))
    present(found, language)


def present(found: dict[str, Any], language: Language) -> None:
    """In the terminal, whichever road the diagnosis came."""
    from rich.console import Console

    from api.report.outline import outline
    from api.report.terminal import show

    show(outline(Diagnosis.model_validate(found), language), language, Console(highlight=False))
