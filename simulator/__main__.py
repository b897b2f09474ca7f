"""Start the simulated shop as a process of its own.

The only place that reads the machine's clock: without --start the world begins at the present minute, and with a speed above zero it is
driven by the monotonic clock. One line on standard output says where it listens; SIGTERM and SIGINT end it at once.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import socket
import sys
import threading
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import uvicorn
from starlette.applications import Starlette

from simulator.app import build, build_empty, serve
from simulator.clock import parse_rfc3339
from simulator.control import kubeconfig
from simulator.scenarios.play import add_options, answer, chosen, line, listing, opening, play_fast
from simulator.scenarios.player import stage
from simulator.scenarios.plays import Plays
from simulator.scenarios.scenario import Scenario

GRACE_SECONDS = 0.4


def main(argv: Sequence[str] | None = None) -> int:
    given = list(sys.argv[1:] if argv is None else argv)
    if given[:1] == ["play"]:
        return _play(given[1:])
    options = parser().parse_args(given)
    start = options.start or datetime.now(UTC).replace(microsecond=0)
    if options.no_shop:
        return _serve(options, lambda: build_empty(options.seed, start, options.speed, monotonic=time.monotonic))
    return _serve(
        options,
        lambda: build(
            options.seed,
            start,
            options.speed,
            history_days=options.history_days,
            monotonic=time.monotonic,
            variant_seed=options.variant,
            life=not options.quiet_life,
        ),
    )


def _play(argv: Sequence[str]) -> int:
    made = _common("simulator play", "Play a scenario: a world in which something happens, or nothing.")
    add_options(made)
    options = made.parse_args(argv)
    if options.listed:
        sys.stdout.write(listing())
        return 0
    scenario = chosen(options)
    if scenario is None:
        return 2
    if options.fast:
        play_fast(scenario, options.seed, _say, with_answer=options.answer)
        return 0
    return _serve(options, lambda: _staged(scenario, options))


def _staged(scenario: Scenario, options: argparse.Namespace) -> Starlette:
    player = stage(
        scenario,
        seed=options.seed,
        history_days=options.history_days,
        speed=options.speed,
        monotonic=time.monotonic,
    )
    plays = Plays(player.world, player.names, tell=lambda each: _say(line(each)))
    plays.take(player)
    _say(opening(player))
    if options.answer:
        _say(answer(player))
    return serve(player.world, plays)


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _serve(options: argparse.Namespace, build_app: Callable[[], Starlette]) -> int:
    try:
        listener = _listen(options.host, options.port)
    except OSError as error:
        sys.stderr.write(f"simulator: cannot listen on {options.host}:{options.port}: {error.strerror}\n")
        return 1
    app = build_app()
    url = f"http://{options.host}:{listener.getsockname()[1]}"
    if options.kubeconfig:
        _write_private(options.kubeconfig, kubeconfig(url))
    config = uvicorn.Config(app, log_level="warning", access_log=False, timeout_keep_alive=30, lifespan="on")
    server = Server(config, url)
    if options.until_eof:
        threading.Thread(target=_end_with_input, args=(server,), daemon=True).start()
    asyncio.run(server.serve(sockets=[listener]))
    return 0


def _end_with_input(server: uvicorn.Server) -> None:
    while sys.stdin.buffer.read(4096):
        pass
    server.should_exit = True


def parser() -> argparse.ArgumentParser:
    made = _common("simulator", "A simulated shop that answers like a real cluster.")
    made.add_argument("--seed", type=int, default=7, help="of everything that varies (default: %(default)s)")
    made.add_argument("--variant", type=int, default=0, help="of the names of everything; 0: as written (default: 0)")
    made.add_argument("--start", type=_moment, help="RFC 3339 time at which the world begins (default: now)")
    made.add_argument("--quiet-life", action="store_true", help="no releases, nightly jobs, crawlers or idle words")
    made.add_argument("--no-shop", action="store_true", help="an empty cluster, for samples that are imported")
    return made


def _common(program: str, description: str) -> argparse.ArgumentParser:
    """The options of every world; when a scenario's world begins and what it is like, the scenario says itself."""
    made = argparse.ArgumentParser(prog=program, description=description)
    made.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    made.add_argument("--port", type=int, default=8091, help="port to listen on, 0 for any (default: %(default)s)")
    made.add_argument(
        "--speed", type=_speed, default=1.0, help="simulated seconds a second; 0 stands still (default: 1)"
    )
    made.add_argument("--history-days", type=_days, default=7.0, help="days of metrics before the start (default: 7)")
    made.add_argument("--kubeconfig", type=Path, help="write a kubeconfig that points here")
    made.add_argument(
        "--until-eof", action="store_true", help="end when standard input ends: with whoever started this, however"
    )
    return made


def _moment(text: str) -> datetime:
    try:
        return parse_rfc3339(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _speed(text: str) -> float:
    return _between(text, 0.0, 3600.0)


def _days(text: str) -> float:
    return _between(text, 0.0, 7.5)


def _between(text: str, low: float, high: float) -> float:
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not low <= value <= high:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from {low:g} to {high:g}")
    return value


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Told to be TCP, because asyncio sends at once only on what says so: else a small answer waits 40 ms.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError:
        listener.close()
        raise
    return listener


def _write_private(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)


class Server(uvicorn.Server):
    """Says where it listens, and does not wait long for open watches when told to stop."""

    def __init__(self, config: uvicorn.Config, url: str) -> None:
        super().__init__(config)
        self._url = url

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        sys.stdout.write(f"simulator listening on {self._url}\n")
        sys.stdout.flush()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        asyncio.get_running_loop().call_later(GRACE_SECONDS, self._stop_waiting)
        await super().shutdown(sockets)

    def _stop_waiting(self) -> None:
        self.force_exit = True


if __name__ == "__main__":
    sys.exit(main())
