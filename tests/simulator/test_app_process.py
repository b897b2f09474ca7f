"""The process as the product starts it: a port, one line, a kubeconfig, and an end within a second."""

from __future__ import annotations

import asyncio
import signal
import stat
import sys
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
import yaml

from simulator.__main__ import main, parser
from simulator.app import build_empty

COMMAND = [sys.executable, "-m", "simulator", "--port", "0", "--speed", "0", "--history-days", "0"]


async def test_it_says_where_it_listens_and_stops_within_a_second_though_a_watch_is_open(tmp_path: Path) -> None:
    config = tmp_path / "deep" / "kubeconfig"
    command = [*COMMAND, "--start", "2026-01-14T09:00:00Z", "--kubeconfig", str(config)]
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    try:
        assert process.stdout is not None
        line = (await asyncio.wait_for(process.stdout.readline(), 30)).decode()
        assert line.startswith("simulator listening on http://127.0.0.1:")
        url = line.split()[-1]
        assert yaml.safe_load(config.read_text())["clusters"][0]["cluster"]["server"] == url
        assert stat.S_IMODE(config.stat().st_mode) == 0o600
        async with httpx.AsyncClient(base_url=url) as http:
            assert (await http.get("/-/clock")).json()["now"] == "2026-01-14T09:00:00Z"
            async with http.stream("GET", "/api/v1/pods", params={"watch": "true", "timeoutSeconds": "60"}):
                process.send_signal(signal.SIGTERM)
                began = asyncio.get_running_loop().time()
                await asyncio.wait_for(process.wait(), 5)
                assert asyncio.get_running_loop().time() - began < 1.5
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def test_a_port_that_is_taken_is_said_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    server = await asyncio.start_server(lambda _reader, writer: writer.close(), "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        assert main(["--port", str(port)]) == 1
    assert capsys.readouterr().err == f"simulator: cannot listen on 127.0.0.1:{port}: Address already in use\n"


@pytest.mark.parametrize(
    ("argument", "said"),
    [
        (["--speed", "-1"], "is not a number from 0 to 3600"),
        (["--speed", "nan"], "is not a number"),
        (["--history-days", "30"], "is not a number from 0 to 7.5"),
        (["--start", "yesterday"], "yesterday"),
        (["--start", "2026-01-14T09:00:00"], "has no time zone"),
    ],
)
def test_bad_arguments_are_refused_with_a_reason(
    argument: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        parser().parse_args(argument)
    assert said in capsys.readouterr().err


def test_defaults_are_those_the_documentation_names() -> None:
    options = parser().parse_args([])
    assert (options.host, options.port, options.seed, options.speed) == ("127.0.0.1", 8091, 7, 1.0)


async def test_a_world_without_a_shop_knows_only_the_samples_that_are_imported() -> None:
    app = build_empty(7, datetime(2026, 1, 14, 9, tzinfo=UTC))
    everything = {"query": 'count({__name__=~".+"})'}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://simulator") as http:
        assert (await http.get("/api/v1/nodes")).json()["items"] == []
        assert (await http.get("/prometheus/api/v1/query", params=everything)).json()["data"]["result"] == []
        await http.post("/prometheus/api/v1/import/prometheus", content='from_outside{a="b"} 4\n')
        answer = (await http.get("/prometheus/api/v1/query", params=everything)).json()["data"]["result"]
    assert [row["value"][1] for row in answer] == ["1"]
