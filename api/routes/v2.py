"""Alertmanager's API v2, for those who speak it already: Prometheus sends here, `amtool` and dashboards ask here.

Answers have that API's shapes and no envelope of ours; an error is a JSON text, its sentence. Whoever comes proves who they are as
everywhere else, by a bearer token or, since Prometheus and amtool can do that too, by basic authentication with the token as password.
"""

import platform
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Depends, Path, Query, Request, Response
from pydantic import ValidationError

from alerts.arriving import Arrival, checked
from alerts.board import Wanted
from alerts.routing.matchers import Matcher, parse_matchers
from api.deps import TheCaller, TheHouse, TheOperator
from api.schemas.v2 import POSTED, PostedSilence
from core.errors import Invalid

router = APIRouter(prefix="/alerts", tags=["alertmanager"])
silences = APIRouter(tags=["alertmanager"])
SilenceId = Annotated[str, Path(min_length=1, max_length=36, pattern=r"^[0-9a-zA-Z-]+$")]
management = APIRouter(prefix="/-", tags=["alertmanager"])
Filters = Annotated[list[str], Query(alias="filter", max_length=50)]


def wanted(
    filters: Filters = [],  # noqa: B006 - FastAPI copies it for every request
    receiver: Annotated[str, Query(max_length=1_000)] = "",
    active: bool = True,
    silenced: bool = True,
    inhibited: bool = True,
) -> Wanted:
    return Wanted(_matchers(filters), receiver, active, silenced, inhibited)


TheWanted = Annotated[Wanted, Depends(wanted)]


@router.post("")
async def post_alerts(request: Request, house: TheHouse, _caller: TheOperator) -> Response:
    """Answered when all of them are written down. A wrong one is refused; the others are taken all the same."""
    good, wrong = _sorted_out(await request.body())
    await house.alerts.intake.take(good)
    if wrong:
        raise Invalid("; ".join(wrong[:20]), field="alerts")
    return Response()


@router.get("")
async def get_alerts(house: TheHouse, _caller: TheCaller, asked: TheWanted) -> Response:
    return _json(await house.alerts.board.alerts(asked))


@router.get("/groups")
async def get_groups(house: TheHouse, _caller: TheCaller, asked: TheWanted) -> Response:
    return _json(await house.alerts.board.groups(asked))


@silences.get("/silences")
async def get_silences(house: TheHouse, _caller: TheCaller, filters: Filters = []) -> Response:  # noqa: B006 - as above
    now = house.clock.now()
    asked = _matchers(filters)
    found = [one for one in await house.alerts.silences.all() if _concerns(one.matchers, asked)]
    return _json([one.to_json(now) for one in found])


@silences.post("/silences")
async def post_silence(request: Request, house: TheHouse, caller: TheOperator) -> Response:
    try:
        posted = PostedSilence.model_validate_json(await request.body())
    except ValidationError as error:
        raise Invalid(_first(error), field="silence") from None
    made = await house.alerts.silences.save(posted.silence(house.clock.now()), by=caller.name)
    return _json({"silenceID": made.id})


@silences.get("/silence/{silence_id}")
async def get_silence(house: TheHouse, _caller: TheCaller, silence_id: SilenceId) -> Response:
    return _json((await house.alerts.silences.get(silence_id)).to_json(house.clock.now()))


@silences.delete("/silence/{silence_id}")
async def delete_silence(house: TheHouse, caller: TheOperator, silence_id: SilenceId) -> Response:
    await house.alerts.silences.expire(silence_id, by=caller.name)
    return Response()


@silences.get("/receivers")
async def get_receivers(house: TheHouse, _caller: TheCaller) -> Response:
    return _json([{"name": name} for name in house.alerts.board.receivers])


@silences.get("/status")
async def get_status(house: TheHouse, _caller: TheCaller) -> Response:
    return _json(
        {
            "cluster": {"name": "", "peers": [], "status": "disabled"},
            "config": {"original": house.alerts.board.configuration},
            "uptime": house.started_at.isoformat(),
            "versionInfo": {
                "branch": "",
                "buildDate": "",
                "buildUser": "",
                "goVersion": f"Python {platform.python_version()}",
                "revision": "",
                "version": f"firstmate {house.version}",
            },
        }
    )


@management.post("/reload")
async def reload(house: TheHouse, _caller: TheOperator) -> Response:
    """Rules and routes again, now; what cannot be read changes nothing and is told."""
    await house.alerts.reloader.reload()
    return Response()


@management.get("/healthy")
@management.get("/ready")
async def ready() -> Response:
    return Response("OK", media_type="text/plain")


def _sorted_out(body: bytes) -> tuple[list[Arrival], list[str]]:
    try:
        posted = POSTED.validate_json(body)
    except ValidationError as error:
        raise Invalid(_first(error), field="alerts") from None
    good: list[Arrival] = []
    wrong: list[str] = []
    for each in posted:
        try:
            good.append(checked(each.arrival()))
        except Invalid as error:
            wrong.append(error.sentence)
    return good, wrong


def _matchers(filters: list[str]) -> list[Matcher]:
    return [matcher for text in filters for matcher in parse_matchers(text)]


def _concerns(matchers: tuple[Matcher, ...], asked: list[Matcher]) -> bool:
    """A silence is found by what its own equal matchers name, as if they were an alert's labels."""
    labels = {each.name: each.value for each in matchers}
    return all(each.matches(labels) for each in asked)


def _first(error: ValidationError) -> str:
    first = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"])
    return f"{place}: {first['msg']}" if place else str(first["msg"])


def _json(data: Any) -> Response:
    return Response(orjson.dumps(data), media_type="application/json")
