"""Samples from outside: exposition text that is posted, plain or gzipped, in order or not."""

import gzip
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Route

from simulator.prometheus_api.exposition import LONGEST_LABEL, LONGEST_LINE, MOST_LABELS, Reader, written
from simulator.prometheus_api.importing import Importer
from simulator.promql.errors import BadData
from simulator.promql.tsdb import Tsdb
from tests.simulator.promql_compare import Ours
from tests.simulator.promql_data import filled, labels_of
from tests.simulator.promql_odd_data import ODD_MS, exposition, odd_series
from tests.simulator.test_prometheus_api import NOW, T, client_of, data


@pytest.fixture
def tsdb() -> Tsdb:
    tsdb = Tsdb()
    tsdb.append_many(T * 1000, [(labels_of("up", job="api"), 1.0)])
    return tsdb


@pytest.fixture
async def api(tsdb: Tsdb) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(tsdb) as client:
        yield client


async def posted(client: httpx.AsyncClient, body: str | bytes, **headers: str) -> tuple[int, str]:
    response = await client.post("/api/v1/import/prometheus", content=body, headers=headers)
    return response.status_code, "" if response.status_code == 204 else response.json()["error"]


async def test_samples_are_imported_from_the_text_format(api: httpx.AsyncClient) -> None:
    body = (
        "# HELP imported something\n# TYPE imported gauge\n"
        f'imported{{b="2",a="x \\"y\\" \\\\ z",}} 1.5 {(T - 60) * 1000}\n'
        f"imported 2e3 {(T - 120) * 1000}\n\nimported +Inf\n"
    )
    assert (await api.post("/api/v1/import/prometheus", content=body)).status_code == 204
    answer = await data(api, "/api/v1/query", query="imported")
    assert answer["result"] == [
        {"metric": {"__name__": "imported"}, "value": [T, "+Inf"]},
        {"metric": {"__name__": "imported", "a": 'x "y" \\ z', "b": "2"}, "value": [T, "1.5"]},
    ]


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("imported", "line 2 is not a sample"),
        ("imported{a=1} 1", "line 2: bad labels at 'a=1'"),
        ('imported{a="1" b="2"} 1', "line 2: bad labels"),
        ("imported 1 2 3", "line 2 is not a sample"),
        ('{a="1"} 1', "line 2 is not a sample"),
        ("1imported 1", "line 2 is not a sample"),
        ("imported 1 1e3", "line 2 is not a sample"),
        ('imported{a="1",a="2"} 1', "line 2: bad labels"),
        ('imported{__name__="other"} 1', "line 2: the label __name__ is given by the metric's name"),
        ("imported 1_000", "line 2: '1_000' is not a number"),
        ("imported 0x10", "line 2: '0x10' is not a number"),
        ("imported 1 soon", "line 2 is not a sample"),
    ],
)
async def test_a_line_that_is_no_sample_is_named_and_nothing_is_kept(
    api: httpx.AsyncClient, line: str, sentence: str
) -> None:
    response = await api.post("/api/v1/import/prometheus", content=f"kept 1\n{line}\n")
    assert response.status_code == 400
    assert sentence in response.json()["error"]
    assert (await data(api, "/api/v1/query", query="kept"))["result"] == []


async def test_an_import_of_older_samples_is_refused(api: httpx.AsyncClient) -> None:
    response = await api.post("/api/v1/import/prometheus", content=f'up{{job="api"}} 5 {(T - 900) * 1000}\n')
    assert response.status_code == 400
    assert response.json()["error"].startswith("out of order: {'__name__': 'up', 'job': 'api'} at ")


async def test_an_import_may_be_gzipped_in_several_members(api: httpx.AsyncClient) -> None:
    lines = [f'packed{{n="{n}"}} {n} {(T - 60) * 1000}\n'.encode() for n in range(3)]
    body = b"".join(gzip.compress(line) for line in lines)
    assert await posted(api, body, **{"Content-Encoding": "gzip"}) == (204, "")
    assert len((await data(api, "/api/v1/query", query="packed"))["result"]) == 3


@pytest.mark.parametrize(
    ("body", "encoding", "sentence"),
    [
        (b"imported 1\n", "gzip", "the body is not gzip"),
        (gzip.compress(b"imported 1\n" * 50, mtime=0)[:-9], "gzip", "the gzip stream is cut short"),
        (b"imported 1\n", "br", "content encoding 'br' is not supported"),
        (b"imported 1\n\xff\n", "identity", "line 2 is not UTF-8"),
    ],
)
async def test_a_body_that_cannot_be_unpacked_or_read_is_refused(
    api: httpx.AsyncClient, body: bytes, encoding: str, sentence: str
) -> None:
    status, error = await posted(api, body, **{"Content-Encoding": encoding})
    assert status == 400
    assert error.startswith(sentence)
    assert (await data(api, "/api/v1/query", query="imported"))["result"] == []


async def test_samples_in_any_order_are_sorted_by_time(api: httpx.AsyncClient) -> None:
    moments = [T - 30, T - 90, T - 60, T - 90]
    body = "".join(f"mixed {moment} {moment * 1000}\n" for moment in moments)
    assert await posted(api, body) == (204, "")
    answer = await data(api, "/api/v1/query", query="mixed[5m]")
    assert [t for t, _ in answer["result"][0]["values"]] == [T - 90, T - 60, T - 30]


async def test_two_values_at_one_moment_are_an_error_that_names_the_series(api: httpx.AsyncClient) -> None:
    body = f'twice{{a="b"}} 1 {T * 1000}\ntwice{{a="b"}} 2 {T * 1000}\n'
    assert await posted(api, body) == (400, f'two values for {{__name__="twice", a="b"}} at {T * 1000} ms')


async def test_an_import_goes_on_where_the_last_one_ended(api: httpx.AsyncClient) -> None:
    for minute in range(3):
        assert await posted(api, f"goes_on {minute} {(T + minute * 60) * 1000}\n") == (204, "")
    status, error = await posted(api, f"fresh 1 {T * 1000}\ngoes_on 9 {T * 1000}\n")
    assert (status, error.startswith("out of order: {'__name__': 'goes_on'}")) == (400, True)
    assert (await data(api, "/api/v1/query", query="fresh"))["result"] == []


async def test_an_import_has_at_most_so_many_samples() -> None:
    importer = Importer(Tsdb(), lambda: NOW, most_samples=3)
    app = Starlette(routes=[Route("/api/v1/import/prometheus", importer.endpoint, methods=["POST"])])
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://simulator") as client:
        assert await posted(client, "a 1 1\na 1 2\n#\na 1 3\na 1 4\n") == (
            400,
            "line 5: more than 3 samples in one request",
        )


def read(*pieces: bytes) -> Reader:
    reader = Reader(now_ms=7)
    for piece in pieces:
        reader.feed(piece)
    reader.end()
    return reader


def test_pieces_may_end_anywhere() -> None:
    text = 'ünï{a="b}c"} 1 5\n# comment\r\nplain +Inf\r\nlast{a="ü"} 3'.replace("ünï", "uni").encode()
    whole = read(text).series
    for cut in range(len(text)):
        parts = read(text[:cut], text[cut:]).series
        assert {k: (list(v.times), list(v.values)) for k, v in parts.items()} == {
            k: (list(v.times), list(v.values)) for k, v in whole.items()
        }
    assert list(whole[labels_of("uni", a="b}c")].times) == [5]
    assert list(whole[labels_of("plain")].times) == [7]


def test_one_series_written_in_two_ways_is_one() -> None:
    reader = read(b'm{a="1",b="2"} 1 1\nm{b="2", a="1",} 2 2\n m { a = "1" , b="2" } 3 3\n')
    (collected,) = reader.series.values()
    assert list(collected.values) == [1, 2, 3]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("m" * (LONGEST_LINE + 1), "line 1 is longer than 65536 bytes"),
        ('m{a="' + "x" * (LONGEST_LABEL + 1) + '"} 1', "line 1: the value of a is longer than 4096 characters"),
        ("m{" + ",".join(f'l{n}="x"' for n in range(MOST_LABELS + 1)) + "} 1", "line 1: bad labels"),
    ],
)
def test_labels_and_lines_are_bounded(text: str, sentence: str) -> None:
    with pytest.raises(BadData, match=sentence):
        read(text.encode())


def test_what_is_written_is_read_again() -> None:
    labels = labels_of("m", a='x "y" \\ z', b="line\nend", instance="i")
    line = written(labels, 1.5e-7, 12)
    assert line == 'm{a="x \\"y\\" \\\\ z",b="line\\nend",instance="i"} 1.5e-07 12\n'
    (collected,) = read(line.encode()).series.values()
    assert (collected.labels, list(collected.values)) == (labels, [1.5e-7])


async def test_an_imported_history_answers_as_one_that_was_scraped() -> None:
    tsdb = Tsdb()
    async with client_of(tsdb) as client:
        assert await posted(
            client, gzip.compress(exposition(odd_series()).encode()), **{"Content-Encoding": "gzip"}
        ) == (204, "")
    scraped, imported = Ours(filled(odd_series())), Ours(tsdb)
    for query in ("sum by (rhythm) (rate(ticks_total[5m]))", "special", "count_values('t', texts)"):
        params: dict[str, Any] = {"query": query, "start": ODD_MS / 1000, "end": ODD_MS / 1000 + 5400, "step": 60}
        assert imported.get("/api/v1/query_range", params) == scraped.get("/api/v1/query_range", params)


def test_a_history_is_held_as_numbers_of_sixteen_bytes_a_sample() -> None:
    reader = Reader(now_ms=0)
    reader.feed(b"".join(b'm{a="1"} %d %d\n' % (n, n) for n in range(20_000)))
    (collected,) = reader.series.values()
    assert collected.times.itemsize + collected.values.itemsize == 16
    assert len(collected.values) == 20_000


async def test_openmetrics_tells_its_times_in_seconds(api: httpx.AsyncClient) -> None:
    body = f"# TYPE om gauge\nom 1 {T - 60}\nom 2 {T - 30}.25\nom 3 {T - 1}e0\n# EOF\n"
    assert await posted(api, body, **{"Content-Type": "application/openmetrics-text; version=1.0.0"}) == (204, "")
    answer = await data(api, "/api/v1/query", query="om[5m]")
    assert answer["result"][0]["values"] == [[T - 60, "1"], [T - 29.75, "2"], [T - 1, "3"]]


@pytest.mark.parametrize("time", ["Inf", "NaN", "1e300", "soon"])
async def test_a_time_of_openmetrics_that_is_none_is_refused(api: httpx.AsyncClient, time: str) -> None:
    status, error = await posted(api, f"om 1 {time}\n", **{"Content-Type": "application/openmetrics-text"})
    assert status == 400
    assert error.startswith("line 1")


async def test_a_series_that_the_world_writes_cannot_be_imported(api: httpx.AsyncClient, tsdb: Tsdb) -> None:
    status, error = await posted(api, f'up{{job="api"}} 0 {(T + 60) * 1000}\n')
    assert (status, error) == (
        400,
        "{'__name__': 'up', 'job': 'api'} is a series that the world itself goes on writing",
    )
    tsdb.append_many((T + 15) * 1000, [(labels_of("up", job="api"), 1.0)])


async def test_the_same_import_twice_is_refused_the_second_time(api: httpx.AsyncClient) -> None:
    body = f"again 1 {T * 1000}\nagain 2 {(T + 1) * 1000}\n"
    assert (await posted(api, body))[0] == 204
    assert (await posted(api, body))[0] == 400
    answer = await data(api, "/api/v1/query", query="again[1m]", time=T + 1)
    assert [value for _, value in answer["result"][0]["values"]] == ["1", "2"]


async def test_imported_series_live_beside_the_worlds(api: httpx.AsyncClient) -> None:
    assert (await posted(api, f'up{{job="elsewhere"}} 0 {T * 1000}\n'))[0] == 204
    answer = await data(api, "/api/v1/query", query="up")
    assert [row["metric"]["job"] for row in answer["result"]] == ["api", "elsewhere"]


async def test_an_empty_import_is_welcome_and_changes_nothing(api: httpx.AsyncClient, tsdb: Tsdb) -> None:
    before = tsdb.extent()
    for body in ("", "\n", "# only a comment\n"):
        assert await posted(api, body) == (204, "")
    assert tsdb.extent() == before
