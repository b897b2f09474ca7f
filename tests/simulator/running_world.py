"""A small shop behind a real port, the real kubectl against it, and a hand on its clock."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import uvicorn

from simulator.app import serve
from tests.simulator.worlds import small_world

KUBECTL = shutil.which("kubectl") or "kubectl"


class RunningWorld:
    def __init__(self, address: str, home: Path) -> None:
        self.address = address
        self.kubeconfig = home / "kubeconfig"
        self.kubeconfig.write_text(self.get("/-/kubeconfig"))
        self._environment = {"PATH": os.environ["PATH"], "HOME": str(home), "KUBECONFIG": str(self.kubeconfig)}

    def get(self, path: str) -> str:
        return httpx.get(f"{self.address}{path}", timeout=20).text

    def object(self, path: str) -> Any:
        return httpx.get(f"{self.address}{path}", timeout=20).json()

    def advance(self, seconds: float) -> None:
        httpx.post(f"{self.address}/-/clock", json={"advance": seconds}, timeout=60).raise_for_status()

    def kubectl(self, *arguments: str, stdin: str = "", who: str = "", seconds: float = 20) -> str:
        """What a command line printed; a failure's words too, after its code. Time stands still meanwhile."""
        command = self._command(arguments, who)
        done = subprocess.run(
            command, env=self._environment, input=stdin, capture_output=True, text=True, timeout=seconds, check=False
        )
        return done.stdout + (f"[{done.returncode}] " if done.returncode else "") + done.stderr

    def kubectl_meanwhile(self, *arguments: str, step: float = 5, steps: int = 60) -> str:
        """The same for commands that wait for something: simulated time passes until they end."""
        process = self.start(*arguments)
        for _ in range(steps):
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(0.1)
                break
            self.advance(step)
        out, err = process.communicate(timeout=20)
        return out + (f"[{process.returncode}] " if process.returncode else "") + err

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        pipe = subprocess.PIPE
        return subprocess.Popen(
            self._command(arguments, ""), env=self._environment, stdout=pipe, stderr=pipe, text=True
        )

    def _command(self, arguments: tuple[str, ...], who: str) -> tuple[str, ...]:
        context = ("--context", f"simulated-{who}") if who else ()
        return (KUBECTL, "--namespace=shop", *context, *arguments)


@contextlib.contextmanager
def running_world(home: Path) -> Iterator[RunningWorld]:
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(serve(small_world()), log_level="error", lifespan="off"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    try:
        yield RunningWorld(f"http://127.0.0.1:{listener.getsockname()[1]}", home)
    finally:
        server.should_exit = server.force_exit = True
        thread.join(10)
