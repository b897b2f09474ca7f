"""Alerts: listed and filtered on the server, with their history and why each was or was not sent."""

import asyncio
from dataclasses import asdict
from datetime import date, timedelta
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import HTMLResponse, Response
from pydantic import AwareDatetime

from alerts.durations import parse_duration
from alerts.notify.trial import trial
from alerts.notify.workshop import libraries
from alerts.statistics import GroupBy
from alerts.templating.data import data_of, sample
from alerts.templating.library import preview
from api.deps import Limit, Offset, TheCaller, TheHouse, TheOperator
from api.errors import ok
from api.report.daily import page
from api.schemas.plans import Acknowledge, Assign, Close
from api.schemas.templates import Render
from core.errors import NotFound

router = APIRouter(prefix="/alerts", tags=["alerts"])
SAFE = "default-src 'none'; style-src 'unsafe-inline'"
Fingerprint = Annotated[str, Path(min_length=4, max_length=64, pattern=r"^[0-9a-f]+$")]


@router.get("")
async def alerts(
    request: Request,
    house: TheHouse,
    _caller: TheCaller,
    state: Literal["pending", "firing", "resolved"] | None = None,
    status: Literal["pending", "open", "confirmed", "closed", "resolved"] | None = None,
    severity: Annotated[str | None, Query(max_length=40)] = None,
    name: Annotated[str | None, Query(max_length=255)] = None,
    namespace: Annotated[str | None, Query(max_length=253)] = None,
    start_time: AwareDatetime | None = None,
    end_time: AwareDatetime | None = None,
    limit: Limit = 100,
    offset: Offset = 0,
) -> dict[str, Any]:
    rows, total = await house.desk.list(
        state=state,
        severity=severity,
        limit=limit,
        offset=offset,
        name=name,
        namespace=namespace,
        status=status,
        since=start_time,
        until=end_time,
    )
    return ok(request, {"total": total, "alerts": [row.to_json() for row in rows]})


@router.get("/statistics")
async def statistics(
    request: Request,
    house: TheHouse,
    _caller: TheCaller,
    start_time: AwareDatetime | None = None,
    end_time: AwareDatetime | None = None,
    group_by: GroupBy = "severity",
) -> dict[str, Any]:
    """How things stand now, and what fired between the two times (without them, in the last day)."""
    end = end_time or house.clock.now()
    past = await house.desk.history(start_time or end - timedelta(days=1), end, group_by)
    return ok(request, {**await house.desk.statistics(), **past})


@router.get("/receivers")
async def receivers(request: Request, house: TheHouse, _caller: TheCaller) -> dict[str, Any]:
    """Who can be told, and in which ways."""
    known = house.alerts.routing.receivers
    shown = [
        {
            "name": name,
            "ways": [{"name": way.name, "kind": way.kind, "sends_resolved": way.sends_resolved} for way in ways],
        }
        for name, ways in known.items()
    ]
    return ok(request, shown)


@router.post("/receivers/{name}/test")
async def test_receiver(
    request: Request, house: TheHouse, caller: TheOperator, name: Annotated[str, Path(max_length=255)]
) -> dict[str, Any]:
    """A message that says it is only a test, by every way of this receiver, and what came of each."""
    side = house.alerts
    outcomes = await trial(
        name, side.routing.receivers, side.outbox.channels, house.clock.now(), caller.name, house.settings.public_url
    )
    return ok(request, [asdict(outcome) for outcome in outcomes])


@router.post("/templates/render")
async def render_template(request: Request, house: TheHouse, _caller: TheOperator, body: Render) -> dict[str, Any]:
    """A template as it would be written into a message; what is wrong with it is said with its line."""
    config, language = house.alerts.routing.config, body.language or house.settings.language

    def rendered() -> str:
        data = sample() if body.data is None else data_of(body.data)
        return preview(libraries(config)(language), body.text, data, body.type)

    return ok(request, {"rendered": await asyncio.to_thread(rendered)})


@router.get("/report", response_model=None)
async def daily(
    request: Request,
    house: TheHouse,
    _caller: TheCaller,
    date: date | None = None,
    zone: Annotated[str, Query(max_length=64)] = "UTC",
    language: Literal["en", "zh"] | None = None,
    form: Annotated[Literal["html", "json"], Query(alias="format")] = "html",
) -> Response | dict[str, Any]:
    """One day of alerts (without a date: today so far) with charts, as one page that can be mailed, or in numbers."""
    read = await house.desk.daily(date, zone)
    if form == "json":
        return ok(request, read)
    return HTMLResponse(page(read, language or house.settings.language), headers={"Content-Security-Policy": SAFE})


@router.get("/pictures/{token}.png", response_class=Response)
async def picture(house: TheHouse, token: Annotated[str, Path(max_length=100)]) -> Response:
    """A chart that was sent with an alert. Vendors' servers fetch it, so its signed address, good for a week, is all the right it needs."""
    png = await house.alerts.gallery.fetch(token)
    if png is None:
        raise NotFound("There is no such picture, or its address has run out.")
    headers = {"Cache-Control": "public, max-age=86400, immutable", "X-Content-Type-Options": "nosniff"}
    return Response(png, media_type="image/png", headers=headers)


@router.get("/{fingerprint}")
async def alert(request: Request, house: TheHouse, _caller: TheCaller, fingerprint: Fingerprint) -> dict[str, Any]:
    return ok(request, (await house.desk.get(fingerprint)).to_json())


@router.get("/{fingerprint}/history")
async def history(request: Request, house: TheHouse, _caller: TheCaller, fingerprint: Fingerprint) -> dict[str, Any]:
    """Every move of the alert, every decision to tell or to stay quiet with its reason, and every delivery."""
    desk = house.desk
    found = await desk.get(fingerprint)
    moves, decisions, deliveries = await asyncio.gather(
        desk.transitions(found.fingerprint), desk.decisions(found.fingerprint), desk.deliveries(found.fingerprint)
    )
    return ok(
        request,
        {
            "transitions": [one.to_json() for one in moves],
            "decisions": [one.to_json() for one in decisions],
            "deliveries": [one.to_json() for one in deliveries],
        },
    )


@router.post("/{fingerprint}/acknowledge")
@router.post("/{fingerprint}/confirm", include_in_schema=False)
async def acknowledge(
    request: Request, house: TheHouse, caller: TheOperator, fingerprint: Fingerprint, body: Acknowledge | None = None
) -> dict[str, Any]:
    """Stops repeats, not resolution: the alert still resolves by itself when its condition is gone."""
    note = (body.note or body.comment) if body else ""
    hold = parse_duration(body.hold, "hold") if body and body.hold else None
    found = await house.desk.acknowledge(fingerprint, by=caller.name, note=note, hold=hold)
    confirmed = {"confirmed_by": found.acknowledged_by, "confirmed_at": found.to_json()["acknowledged_at"]}
    return ok(request, {**found.to_json(), **confirmed})


@router.post("/{fingerprint}/assign")
async def assign(
    request: Request, house: TheHouse, caller: TheOperator, fingerprint: Fingerprint, body: Assign
) -> dict[str, Any]:
    return ok(request, (await house.desk.assign(fingerprint, body.assignee, by=caller.name)).to_json())


@router.post("/{fingerprint}/close")
async def close(
    request: Request, house: TheHouse, caller: TheOperator, fingerprint: Fingerprint, body: Close | None = None
) -> dict[str, Any]:
    """Nobody is told of it any more. It is not resolved: only its condition can do that."""
    found = await house.desk.close(fingerprint, by=caller.name, reason=body.reason if body else "")
    return ok(request, found.to_json())
