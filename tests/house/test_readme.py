"""What the READMEs tell a newcomer to type is typed here, against a demo and a simulator started with the README's own commands."""

import json
import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.services import free_port

ROOT = Path(__file__).parents[2]
READMES = ("README.md", "README.zh-CN.md")
START_SECONDS = 120
_BLOCK = "<!-- run against the {} -->\\n```sh\\n(.*?)```"


@dataclass(frozen=True)
class Demo:
    port: int
    token: str
    printed: str


@dataclass(frozen=True)
class Practice:
    """A simulator of one README's own."""

    readme: str
    address: str
    folder: Path


def commands(readme: str, against: str = "demo") -> list[str]:
    """One for each command line of the runnable blocks; a backslash joins lines."""
    blocks: list[str] = re.findall(_BLOCK.format(against), (ROOT / readme).read_text(), re.DOTALL)
    joined = "\n".join(blocks).replace("\\\n", " ")
    return [line for line in joined.splitlines() if line.strip() and not line.startswith("#")]


ALL = [(readme, command) for readme in READMES for command in commands(readme)]


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    if not (ROOT / ".venv").exists() or not shutil.which("make"):
        pytest.skip("needs a checkout with .venv and make")
    folder = tmp_path_factory.mktemp("demo")
    port, said = free_port(), folder / "said"
    command = ["make", "demo", f"ARGS=--port {port} --incident-after 0 --data-dir {folder / 'data'}"]
    with said.open("wb") as out:
        started = subprocess.Popen(command, cwd=ROOT, stdout=out, stderr=subprocess.STDOUT, start_new_session=True)
    try:
        printed = wait_for_demo(started, said)
        token = re.search(r"Token\s+(\S+)", printed)
        assert token, printed
        yield Demo(port, token.group(1), printed)
    finally:
        # The whole group that we started: make, the product and its simulator.
        os.killpg(started.pid, signal.SIGINT)
        started.wait(20)


@pytest.fixture(scope="module", params=READMES)
def practice(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Practice]:
    if not (ROOT / ".venv").exists() or not shutil.which("kubectl"):
        pytest.skip("needs a checkout with .venv, and kubectl")
    folder = tmp_path_factory.mktemp("practice")
    port, said = free_port(), folder / "said"
    command = [".venv/bin/firstmate", "simulator", "--port", str(port), "--history-days", "0.1"]
    assert "\n.venv/bin/firstmate simulator " in (ROOT / request.param).read_text()
    with said.open("wb") as out:
        started = subprocess.Popen(command, cwd=ROOT, stdout=out, stderr=subprocess.STDOUT, start_new_session=True)
    try:
        wait_for(started, said, "listening on")
        yield Practice(request.param, f"http://127.0.0.1:{port}", folder)
    finally:
        os.killpg(started.pid, signal.SIGINT)
        started.wait(20)


def wait_for_demo(started: subprocess.Popen[bytes], said: Path) -> str:
    return wait_for(started, said, "Ctrl-C")


def wait_for(started: subprocess.Popen[bytes], said: Path, words: str) -> str:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        printed = said.read_text()
        if words in printed:
            return printed
        if started.poll() is not None:
            break
        time.sleep(0.1)
    raise AssertionError(f"it did not come up: {said.read_text()[-2000:]}")


def test_both_readmes_have_commands_to_run() -> None:
    assert all(len(commands(readme)) >= 5 for readme in READMES)


def test_ci_calls_the_readmes_test_command() -> None:
    assert "make test" in (ROOT / ".ci" / "run").read_text()
    for readme in READMES:
        text = (ROOT / readme).read_text()
        assert "make demo" in text
        assert "make test" in text


@pytest.mark.parametrize(("readme", "command"), ALL)
def test_a_command_of_the_readme_does_what_it_says(demo: Demo, readme: str, command: str) -> None:
    address = f"http://127.0.0.1:{demo.port}"
    environment = {**os.environ, "TOKEN": demo.token, "FIRSTMATE_SERVER": address, "FIRSTMATE_TOKEN": demo.token}
    line = command.replace("http://127.0.0.1:8080", address)
    done = subprocess.run(
        ["bash", "-c", line], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip(), f"{readme}: {command} printed nothing"
    if "/api/v2/" in command:
        # Alertmanager's API has no envelope of ours.
        assert isinstance(json.loads(done.stdout), list), done.stdout[:500]
    elif command.startswith("curl"):
        assert '"code":0' in done.stdout or "event: run_finished" in done.stdout, done.stdout[:500]


def test_the_simulator_does_what_the_readme_says_of_it_and_the_fault_is_healed(practice: Practice) -> None:
    said = {}
    for command in commands(practice.readme, "simulator"):
        line = command.replace("http://127.0.0.1:8091", practice.address).replace(".var/", f"{practice.folder}/")
        done = subprocess.run(["bash", "-c", line], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, f"{command}: {done.stderr}"
        assert '"error"' not in done.stdout, f"{command}: {done.stdout[:500]}"
        said[command.split("    #")[0].strip()] = done.stdout
    assert '"healed":true' in said["curl -s http://127.0.0.1:8091/-/faults"]
    assert '"42"' in said["curl -s 'http://127.0.0.1:8091/prometheus/api/v1/query?query=my_metric'"]
    warnings = next(text for command, text in said.items() if "get events" in command)
    assert "Back" in warnings or "Failed" in warnings


def test_the_demo_prints_where_to_look_and_what_to_try(demo: Demo) -> None:
    for wanted in (f"http://127.0.0.1:{demo.port}/login?code=", "/docs", "/mcp", "firstmate ask"):
        assert wanted in demo.printed
