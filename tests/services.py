"""Real servers for tests: started on free loopback ports from the machine's own programs, stopped by the id of the process we started."""

import contextlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

START_SECONDS = 20.0


@dataclass(frozen=True)
class Postgres:
    url: str


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def process(
    command: list[str],
    *,
    port: int,
    folder: Path,
    user: str | None = None,
    stop_by: signal.Signals = signal.SIGTERM,
) -> Iterator[subprocess.Popen[bytes]]:
    """A server that is listening when the block begins and gone when it ends."""
    with (folder / "server.log").open("wb") as log:
        started = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, cwd=folder, user=user)
    try:
        wait_for(port, started, folder / "server.log")
        yield started
    finally:
        started.send_signal(stop_by)
        try:
            started.wait(10)
        except subprocess.TimeoutExpired:
            started.kill()
            started.wait()


def wait_for(port: int, started: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if started.poll() is not None:
            raise RuntimeError(f"the server ended at its start: {log.read_text()[-2000:]}")
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 0.5):
            return
        time.sleep(0.05)
    raise RuntimeError(f"the server did not listen within {START_SECONDS} s: {log.read_text()[-2000:]}")


@contextlib.contextmanager
def postgres_server(folder: Path) -> Iterator[Postgres]:
    with pausable_postgres(folder) as server:
        yield Postgres(server.url)


class Pausable:
    """A PostgreSQL that can be stopped and started again on its data."""

    def __init__(self, folder: Path) -> None:
        self._binaries = next(Path("/usr/lib/postgresql").glob("*/bin"))
        self._folder, self._user, self._port = folder, _unprivileged(folder), free_port()
        self._running = contextlib.ExitStack()
        self.url = f"postgresql://firstmate@127.0.0.1:{self._port}/postgres"

    def create(self) -> None:
        subprocess.run(
            [*self._program("initdb"), "-D", str(self._data), "-U", "firstmate", "--auth=trust", "--no-sync"],
            check=True,
            capture_output=True,
            user=self._user,
            cwd=self._folder,
        )

    def start(self) -> None:
        _unprivileged(self._folder)  # whoever makes folders beside this one may have closed the way to it again
        places = ["-D", str(self._data), "-p", str(self._port), "-k", str(self._folder)]
        command = [*self._program("postgres"), *places, "-c", "listen_addresses=127.0.0.1", "-F"]
        server = process(command, port=self._port, folder=self._folder, user=self._user, stop_by=signal.SIGINT)
        self._running.enter_context(server)
        _until_ready(self._binaries / "pg_isready", self._port)

    def stop(self) -> None:
        self._running.close()

    @property
    def _data(self) -> Path:
        return self._folder / "data"

    def _program(self, name: str) -> list[str]:
        return [str(self._binaries / name)]


@contextlib.contextmanager
def pausable_postgres(folder: Path) -> Iterator[Pausable]:
    server = Pausable(folder)
    server.create()
    server.start()
    try:
        yield server
    finally:
        server.stop()


def _until_ready(program: Path, port: int) -> None:
    """It listens a moment before it answers."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if subprocess.run([str(program), "-q", "-h", "127.0.0.1", "-p", str(port)], check=False).returncode == 0:
            return
        time.sleep(0.05)
    raise RuntimeError(f"PostgreSQL did not answer within {START_SECONDS} s")


@contextlib.contextmanager
def redis_server(folder: Path) -> Iterator[str]:
    port = free_port()
    program = shutil.which("redis-server") or "redis-server"
    with process(
        [program, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)],
        port=port,
        folder=folder,
    ):
        yield f"redis://127.0.0.1:{port}/0"


def _unprivileged(folder: Path) -> str | None:
    """PostgreSQL refuses to run as root; its package made a user for it."""
    if os.geteuid() != 0:
        return None
    with contextlib.suppress(KeyError):
        pwd.getpwnam("postgres")
        for path in (folder, *folder.parents):
            if path == Path("/tmp") or path == Path("/"):  # noqa: S108 - where pytest's folders begin
                break
            path.chmod(path.stat().st_mode | 0o055)
        shutil.chown(folder, "postgres")
        return "postgres"
    return "nobody"
