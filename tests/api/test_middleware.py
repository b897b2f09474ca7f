import httpx
import pytest
from fastapi import FastAPI, Request
from pydantic import BaseModel, ConfigDict
from starlette.types import ASGIApp

from api import errors
from api.middleware import BoundedBody, Measured, RateLimited, RequestId
from core.clock import ManualClock
from core.errors import Conflict, FirstmateError, Forbidden, Invalid, NotConfigured, NotFound, Unauthenticated, Upstream
from core.metrics import Metrics

PROBLEMS: dict[str, FirstmateError] = {
    "invalid": Invalid("The field namespace is wrong.", field="namespace"),
    "missing": NotFound("There is no pod web.", near=["web-1"]),
    "nobody": Unauthenticated("A bearer token is needed."),
    "forbidden": Forbidden("This needs the role operator.", permission="operator"),
    "conflict": Conflict("The object changed.", expected="41", found="42"),
    "unset": NotConfigured("Prometheus", "set PROMETHEUS_URL"),
    "upstream": Upstream("Prometheus", "refused the connection", retryable=True),
}


class Order(BaseModel):
    model_config = ConfigDict(extra="forbid")
    name: str
    count: int = 1


@pytest.fixture
def app(clock: ManualClock, metrics: Metrics) -> FastAPI:
    app = FastAPI()
    errors.install(app)

    @app.get("/fail/{kind}")
    async def fail(kind: str) -> None:
        raise PROBLEMS[kind]

    @app.post("/orders")
    async def order(request: Request, body: Order) -> dict[str, object]:
        return errors.ok(request, body.model_dump())

    @app.get("/api/v1/health/live")
    async def live(request: Request) -> dict[str, object]:
        return errors.ok(request, "alive")

    app.add_middleware(RateLimited, per_minute=6, clock=clock)
    app.add_middleware(BoundedBody, limit=200)
    app.add_middleware(Measured, metrics=metrics, clock=clock)
    app.add_middleware(RequestId)
    return app


def client(app: ASGIApp) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://test")


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        ("invalid", 422),
        ("missing", 404),
        ("nobody", 401),
        ("forbidden", 403),
        ("conflict", 409),
        ("unset", 503),
        ("upstream", 502),
    ],
)
async def test_every_error_of_the_tree_has_its_status_and_keeps_its_sentence(
    app: FastAPI, kind: str, status: int
) -> None:
    async with client(app) as http:
        answer = await http.get(f"/fail/{kind}")
    body = answer.json()
    assert answer.status_code == status
    assert body["code"] == PROBLEMS[kind].code != 0
    assert body["message"] == PROBLEMS[kind].sentence
    assert body["request_id"] == answer.headers["x-request-id"]


async def test_a_bug_is_told_by_its_request_and_not_by_its_insides(app: FastAPI) -> None:
    async with client(app) as http:
        answer = await http.get("/fail/no-such-problem", headers={"X-Request-ID": "r-42"})
    assert answer.status_code == 500
    assert "r-42" in answer.json()["message"]
    assert "KeyError" not in answer.text
    assert "Traceback" not in answer.text


async def test_an_unknown_field_is_named(app: FastAPI) -> None:
    async with client(app) as http:
        answer = await http.post("/orders", json={"name": "web", "colour": "red"})
    assert answer.status_code == 422
    assert "colour" in answer.json()["message"]


async def test_a_wrong_type_is_named(app: FastAPI) -> None:
    async with client(app) as http:
        answer = await http.post("/orders", json={"name": "web", "count": "many"})
    assert answer.json()["details"]["fields"][0]["field"] == "count"


async def test_a_body_that_is_no_json_is_refused_with_a_sentence(app: FastAPI) -> None:
    async with client(app) as http:
        answer = await http.post("/orders", content=b"{nonsense", headers={"Content-Type": "application/json"})
    assert answer.status_code == 422
    assert answer.json()["code"] != 0


async def test_a_body_too_large_is_refused_before_it_is_read(app: FastAPI) -> None:
    async with client(app) as http:
        answer = await http.post("/orders", json={"name": "w" * 500})
    assert (answer.status_code, answer.json()["code"]) == (413, 1413)


async def test_an_unknown_path_has_the_same_shape(app: FastAPI) -> None:
    async with client(app) as http:
        answer = await http.get("/nowhere")
    assert answer.status_code == 404
    assert "/nowhere" in answer.json()["message"]


async def test_the_seventh_request_in_a_minute_waits_its_turn(app: FastAPI, clock: ManualClock) -> None:
    async with client(app) as http:
        answers = [(await http.get("/fail/missing")).status_code for _ in range(7)]
        assert answers == [404] * 6 + [429]
        await clock.advance(10)
        assert (await http.get("/fail/missing")).status_code == 404


async def test_health_is_never_limited(app: FastAPI) -> None:
    async with client(app) as http:
        answers = {(await http.get("/api/v1/health/live")).status_code for _ in range(20)}
    assert answers == {200}


async def test_requests_are_counted_by_route_and_not_by_path(app: FastAPI, metrics: Metrics) -> None:
    async with client(app) as http:
        await http.get("/fail/missing")
    exposed = metrics.exposition().decode()
    assert 'firstmate_http_requests_total{method="GET",route="/fail/{kind}",status="404"} 1.0' in exposed


async def test_an_insane_request_id_is_not_taken_over(app: FastAPI) -> None:
    async with client(app) as http:
        answer = await http.get("/fail/missing", headers={"X-Request-ID": "a b\tc"})
    assert answer.headers["x-request-id"] != "a b\tc"
