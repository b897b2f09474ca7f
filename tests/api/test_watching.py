"""`firstmate diagnose --watch`: what is told between two looks, in lines, in JSON and on a terminal of its own."""

import asyncio
import io
import json
import os
import pty
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from typer.testing import CliRunner

from api.cli import app
from api.watching import Watch, changes, watch
from core.errors import NotConfigured, Upstream
from tools.engines.diagnosis import Cause, Component, Diagnosis, Evidence, Symptom, Window

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)
BAKER = Component(kind="Deployment", namespace="town", name="baker")


def found(*causes: Cause, symptoms: Sequence[Symptom] = (), healthy: bool | None = True) -> Diagnosis:
    window = Window(start=AT, end=AT)
    return Diagnosis(
        subject="town", window=window, taken_at=AT, healthy=healthy, causes=list(causes), symptoms=list(symptoms)
    )


def cause(sure: float = 0.9, fault: str = "oom_killed") -> Cause:
    evidence = [Evidence(source="kubernetes", ref="Pod town/baker-1", quote="OOMKilled")]
    return Cause(
        rank=1,
        fault=fault,
        category="runtime",
        component=BAKER,
        confidence=sure,
        statement="Killed.",
        evidence=evidence,
    )


def told(before: Diagnosis | None, after: Diagnosis) -> list[str]:
    return list(changes(before, after, "en"))


def test_the_first_look_tells_everything_and_the_same_again_nothing() -> None:
    first = told(None, found(cause()))
    assert first[0].startswith("+ ")
    assert "Deployment town/baker (90%)" in first[0]
    assert told(found(cause()), found(cause(0.85))) == []


def test_what_went_is_told_and_that_nothing_is_left() -> None:
    gone, calm = told(found(cause()), found())
    assert gone.startswith("- gone: ")
    assert calm == "nothing wrong was found"
    assert told(found(), found()) == []


def test_a_cause_that_became_much_surer_is_told() -> None:
    (line,) = told(found(cause(0.5)), found(cause(0.9)))
    assert line.endswith("50% → 90% sure")


def test_a_symptom_whose_numbers_move_is_the_same_symptom_and_an_explained_one_is_told_with_its_cause() -> None:
    def slow(seconds: int, by: int | None = None) -> Symptom:
        return Symptom(component=BAKER, statement=f"Slow: {seconds} s.", caused_by=by)

    assert told(found(symptoms=[slow(1)]), found(symptoms=[slow(2)])) == []
    assert len(told(found(), found(cause(), symptoms=[slow(1, by=1)]))) == 1


def turns(answers: Sequence[Diagnosis | Exception], console: Console, *, as_json: bool = False) -> None:
    left = list(answers)

    async def reading() -> dict[str, Any]:
        answer = left.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer.model_dump(mode="json")

    async def at_once(_: float) -> None:
        return None

    asked = Watch(every=15, language="en", as_json=as_json, turns=len(left))
    asyncio.run(watch(reading, asked, console, now=lambda: AT, sleep=at_once))


def test_without_a_terminal_each_change_is_a_line_with_its_time(capsys: pytest.CaptureFixture[str]) -> None:
    turns([found(cause()), found(cause()), found()], Console(file=io.StringIO()))
    lines = capsys.readouterr().out.splitlines()
    assert [line[:22] for line in lines] == [
        "2026-03-02T09:00:00Z +",
        "2026-03-02T09:00:00Z -",
        "2026-03-02T09:00:00Z n",
    ]


def test_with_json_each_turn_is_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    turns([found(cause()), found(cause())], Console(file=io.StringIO()), as_json=True)
    first, second = map(json.loads, capsys.readouterr().out.splitlines())
    assert (len(first["changes"]), second["changes"]) == (1, [])
    assert second["diagnosis"]["causes"][0]["fault"] == "oom_killed"


def test_a_look_that_fails_is_told_and_the_next_is_tried(capsys: pytest.CaptureFixture[str]) -> None:
    turns([found(), Upstream("Kubernetes", "is away", retryable=True), found(cause())], Console(file=io.StringIO()))
    lines = capsys.readouterr().out.splitlines()
    assert "could not look" in lines[1]
    assert "+ " in lines[2]


def test_what_would_fail_again_ends_the_watch() -> None:
    with pytest.raises(NotConfigured):
        turns([NotConfigured("Kubernetes", "set it."), found()], Console(file=io.StringIO()))


@pytest.mark.parametrize("width", [60, 120, 200])
def test_on_a_terminal_it_has_a_screen_of_its_own_no_wider_than_the_terminal(width: int) -> None:
    written = io.StringIO()
    turns([found(cause())], Console(file=written, force_terminal=True, width=width, height=40, color_system=None))
    text = written.getvalue()
    assert text.index("\x1b[?1049h") < text.index("every 15 s") < text.index("\x1b[?1049l")
    assert text.rindex("Killed.") > text.index("\x1b[?1049l")  # what was seen last stays


def test_interrupted_it_leaves_the_terminal_as_it_was(tmp_path: Path) -> None:
    """A real terminal and a cluster that refuses the connection: still a watch, until Ctrl-C."""
    config = tmp_path / "kubeconfig"
    cluster = {"name": "x", "cluster": {"server": "http://127.0.0.1:9"}}
    context = {"name": "x", "context": {"cluster": "x", "user": "x"}}
    user = {"name": "x", "user": {}}
    config.write_text(
        json.dumps({"clusters": [cluster], "contexts": [context], "users": [user], "current-context": "x"})
    )
    environment = {**os.environ, "K8S_CONFIG_PATH": str(config), "FIRSTMATE_DATA_DIR": str(tmp_path), "TERM": "xterm"}
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "api.cli", "diagnose", "--watch", "--every", "1s"]
    with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment) as running:
        os.close(theirs)
        seen = _until(ours, b"could not be read")
        running.send_signal(signal.SIGINT)
        seen += _rest(ours)
    os.close(ours)
    assert running.returncode == 130
    assert seen.count(b"\x1b[?1049h") == seen.count(b"\x1b[?1049l") == 1
    assert b"Traceback" not in seen


def _until(terminal: int, wanted: bytes) -> bytes:
    seen, end = b"", time.monotonic() + 40
    while wanted not in seen and time.monotonic() < end:
        seen += os.read(terminal, 65536)
    return seen


def _rest(terminal: int) -> bytes:
    seen = b""
    try:
        while part := os.read(terminal, 65536):
            seen += part
    except OSError:
        pass  # the other end was closed: the program has ended
    return seen


def test_a_bundle_is_not_watched(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["diagnose", "--watch", str(tmp_path)])
    assert result.exit_code == 1
    assert "A bundle is how it was when it was taken" in result.output
