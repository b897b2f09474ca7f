"""What the READMEs tell a newcomer to type is typed here, against a demo started with the README's own command."""

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
_BLOCK = re.compile(r"<!-- run against the demo -->\n```sh\n(.*?)```", re.DOTALL)


@dataclass(frozen=True)
class Demo:
    port: int
    token: str
    printed: str


def commands(readme: str) -> list[str]:
    """One for each command line of the runnable blocks; a backslash joins lines."""
    blocks: list[str] = _BLOCK.findall((ROOT / readme).read_text())
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


def wait_for_demo(started: subprocess.Popen[bytes], said: Path) -> str:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        printed = said.read_text()
        if "Ctrl-C" in printed:
            return printed
        if started.poll() is not None:
            break
        time.sleep(0.1)
    raise AssertionError(f"the demo did not come up: {said.read_text()[-2000:]}")


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
    if command.startswith("curl"):
        assert '"code":0' in done.stdout or "event: run_finished" in done.stdout, done.stdout[:500]


def test_the_demo_prints_where_to_look_and_what_to_try(demo: Demo) -> None:
    for wanted in (f"http://127.0.0.1:{demo.port}/login?code=", "/docs", "/mcp", "firstmate ask"):
        assert wanted in demo.printed
