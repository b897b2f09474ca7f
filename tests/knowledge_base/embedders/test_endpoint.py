"""The endpoint's answers, good and bad, told by a transport of a few lines; time passes only when the embedder sleeps."""

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

import httpx
import numpy as np
import pytest

from core.errors import Upstream
from knowledge_base.embedders.endpoint import (
    ATTEMPTS,
    BATCH_CHARACTERS,
    BATCH_TEXTS,
    LEFT_IN_PEACE,
    Address,
    EndpointEmbedder,
    Pulse,
)

Answer = Callable[[int, list[str]], httpx.Response]


@dataclass
class Endpoint(httpx.BaseTransport):
    """Answers each request by its number; keeps what was asked."""

    answer: Answer
    asked: list[list[str]] = field(default_factory=list)
    requests: list[httpx.Request] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        texts = json.loads(request.read())["input"]
        with self.lock:
            self.requests.append(request)
            self.asked.append(texts)
            number = len(self.asked)
        return self.answer(number, texts)


@dataclass
class Time:
    now: float = 0.0
    slept: list[float] = field(default_factory=list)

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds

    @property
    def pulse(self) -> Pulse:
        return Pulse(lambda: self.now, self.sleep)


def rows(texts: list[str]) -> httpx.Response:
    """A vector that tells the text's length, the last first, as an endpoint may send them."""
    data = [{"index": place, "embedding": [3.0 * len(text), 4.0 * len(text)]} for place, text in enumerate(texts)]
    return httpx.Response(200, json={"data": data[::-1], "model": "m"})


def made(answer: Answer, time: Time | None = None, key: str = "sk-secret") -> tuple[EndpointEmbedder, Endpoint]:
    endpoint = Endpoint(answer)
    address = Address("http://models.example/v1/", "m-1", key)
    return EndpointEmbedder(address, (time or Time()).pulse, endpoint), endpoint


def test_texts_become_rows_of_length_one_in_their_own_order() -> None:
    embedder, endpoint = made(
        lambda _, texts: httpx.Response(
            200,
            json={
                "data": [
                    {"index": place, "embedding": [1.0, 0.0] if text == "a" else [0.0, 9.0]}
                    for place, text in reversed(list(enumerate(texts)))
                ]
            },
        )
    )
    assert embedder.embed(["a", "b"]).tolist() == [[1.0, 0.0], [0.0, 1.0]]
    assert str(endpoint.requests[0].url) == "http://models.example/v1/embeddings"
    assert endpoint.requests[0].headers["Authorization"] == "Bearer sk-secret"


def test_without_a_key_no_authorization_is_sent() -> None:
    embedder, endpoint = made(lambda _, texts: rows(texts), key="")
    embedder.embed(["a"])
    assert "Authorization" not in endpoint.requests[0].headers


def test_nothing_to_embed_asks_nothing() -> None:
    embedder, endpoint = made(lambda _, texts: rows(texts))
    assert len(embedder.embed([])) == 0
    assert endpoint.asked == []


def test_many_texts_go_in_batches_bounded_in_number_and_in_characters() -> None:
    embedder, endpoint = made(lambda _, texts: rows(texts))
    texts = ["x" * 7_000] * 20 + ["y"] * 200
    assert embedder.embed(texts).shape == (220, 2)
    assert all(len(asked) <= BATCH_TEXTS for asked in endpoint.asked)
    assert all(sum(map(len, asked)) <= BATCH_CHARACTERS for asked in endpoint.asked)
    assert sum(len(asked) for asked in endpoint.asked) == 220


def test_rows_of_several_batches_stay_in_the_order_of_the_texts() -> None:
    def by_content(_: int, texts: list[str]) -> httpx.Response:
        data = [{"index": place, "embedding": [float(text), 1.0]} for place, text in enumerate(texts)]
        return httpx.Response(200, json={"data": data})

    embedder, _ = made(by_content)
    found = embedder.embed([str(number) for number in range(300)])
    assert np.allclose(found[:, 0] / found[:, 1], np.arange(300), atol=1e-2)


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503])
def test_what_may_pass_is_tried_again_after_pauses_that_double(status: int) -> None:
    time = Time()
    embedder, endpoint = made(lambda number, texts: rows(texts) if number == 4 else httpx.Response(status), time)
    assert embedder.embed(["a"]).shape == (1, 2)
    assert time.slept == [1.0, 2.0, 4.0]
    assert len(endpoint.asked) == 4


def test_the_endpoint_says_how_long_to_wait() -> None:
    time = Time()
    late = httpx.Response(429, headers={"Retry-After": "7"})
    embedder, _ = made(lambda number, texts: rows(texts) if number == 2 else late, time)
    embedder.embed(["a"])
    assert time.slept == [7.0]


def test_an_endpoint_that_stays_away_is_given_up_by_name() -> None:
    def gone(_: int, __: list[str]) -> httpx.Response:
        raise httpx.ConnectError("no")

    embedder, endpoint = made(gone)
    with pytest.raises(Upstream, match=r"models\.example could not be reached"):
        embedder.embed(["a"])
    assert len(endpoint.asked) == ATTEMPTS


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422, 301])
def test_a_refusal_is_the_last_word(status: int) -> None:
    embedder, endpoint = made(lambda _, __: httpx.Response(status, headers={"Location": "http://elsewhere/"}))
    with pytest.raises(Upstream, match=f"status {status}"):
        embedder.embed(["a"])
    assert len(endpoint.asked) == 1


NONSENSE = {
    "no JSON": httpx.Response(200, content=b"<html>"),
    "a list": httpx.Response(200, json=[]),
    "too few rows": httpx.Response(200, json={"data": [{"index": 0, "embedding": [1.0]}]}),
    "an index twice": httpx.Response(200, json={"data": [{"index": 0, "embedding": [1.0]}] * 2}),
    "words": httpx.Response(200, json={"data": [{"index": n, "embedding": ["x"]} for n in range(2)]}),
    "not finite": httpx.Response(
        200, content=b'{"data":[{"index":0,"embedding":[1e999]},{"index":1,"embedding":[1]}]}'
    ),
    "ragged": httpx.Response(
        200, json={"data": [{"index": 0, "embedding": [1.0]}, {"index": 1, "embedding": [1.0, 2.0]}]}
    ),
    "empty": httpx.Response(200, json={"data": [{"index": n, "embedding": []} for n in range(2)]}),
}


@pytest.mark.parametrize("said", NONSENSE.values(), ids=NONSENSE.keys())
def test_nonsense_is_not_believed(said: httpx.Response) -> None:
    embedder, _ = made(lambda _, __: said)
    with pytest.raises(Upstream, match="answered with"):
        embedder.embed(["a", "b"])


def test_no_error_shows_the_key() -> None:
    embedder, _ = made(lambda _, __: httpx.Response(401, text="bad key sk-secret"))
    with pytest.raises(Upstream) as caught:
        embedder.embed(["a"])
    assert "sk-secret" not in str(caught.value.sentence)


def test_a_question_is_asked_once_and_then_the_endpoint_is_left_in_peace_for_a_while() -> None:
    time = Time()
    embedder, endpoint = made(lambda number, texts: rows(texts) if number > 1 else httpx.Response(503), time)
    for _ in range(3):
        with pytest.raises(Upstream):
            embedder.question("why")
    assert len(endpoint.asked) == 1
    assert time.slept == []
    time.now = LEFT_IN_PEACE
    assert embedder.question("why").tolist() == pytest.approx([0.6, 0.8])
