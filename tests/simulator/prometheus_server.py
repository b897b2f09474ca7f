"""A real Prometheus for comparisons, filled on two roads.

Samples without stale markers become blocks before it starts (`promtool tsdb create-blocks-from openmetrics`). Those with markers go
through remote write, which alone can carry them; its request is small enough to be encoded by hand: protobuf with three messages, and
snappy as literal pieces.
"""

import contextlib
import http.client
import json
import os
import socket
import struct
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from simulator.promql.tsdb import Labels
from tests.simulator.promql_data import MINUTE_MS, SeriesData

SLICE_MS = 30 * MINUTE_MS  # a head accepts samples up to an hour older than its newest


class RealPrometheus:
    def __init__(self, port: int) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)

    def get(self, path: str, params: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        status, body = self._request("GET", f"{path}?{urlencode(params, doseq=True)}", None)
        answer: dict[str, Any] = json.loads(body)
        return status, answer

    def write(self, series: Sequence[SeriesData]) -> None:
        first = min(samples[0][0] for _, samples in series)
        last = max(samples[-1][0] for _, samples in series)
        for start in range(first, last + 1, SLICE_MS):
            self._write_slice(series, start, start + SLICE_MS)

    def _write_slice(self, series: Sequence[SeriesData], start: int, end: int) -> None:
        message = b"".join(
            _field(1, _time_series(labels, [s for s in samples if start <= s[0] < end])) for labels, samples in series
        )
        status, body = self._request("POST", "/api/v1/write", _snappy(message))
        if status >= 300:
            raise RuntimeError(f"remote write answered {status}: {body.decode()}")

    def is_ready(self) -> bool:
        try:
            return self._request("GET", "/-/ready", None)[0] == 200
        except OSError:
            return False

    def close(self) -> None:
        self.connection.close()

    def _request(self, method: str, path: str, body: bytes | None) -> tuple[int, bytes]:
        """On one connection, which is opened anew after a failure."""
        try:
            self.connection.request(method, path, body, {"Content-Type": "application/x-protobuf"} if body else {})
            response = self.connection.getresponse()
            return response.status, response.read()
        except (OSError, http.client.HTTPException):
            self.connection.close()
            raise


@contextlib.contextmanager
def running_prometheus(folder: Path, written: Sequence[SeriesData] = (), blocks: str = "") -> Iterator[RealPrometheus]:
    """`blocks` is OpenMetrics text about times before those of the series that are `written`."""
    if blocks:
        _create_blocks(folder, blocks)
    config = folder / "prometheus.yml"
    config.write_text("global: {evaluation_interval: 1m}\n")
    port = _free_port()
    process = subprocess.Popen(
        [
            "prometheus",
            f"--config.file={config}",
            f"--storage.tsdb.path={folder / 'data'}",
            f"--web.listen-address=127.0.0.1:{port}",
            "--web.enable-remote-write-receiver",
            "--storage.tsdb.retention.time=30d",
            "--log.level=error",
        ],
        env={"PATH": os.environ["PATH"]},
    )
    try:
        server = RealPrometheus(port)
        _wait_until_ready(server, process)
        if written:
            server.write(written)
        yield server
        server.close()
    finally:
        process.terminate()
        process.wait(timeout=10)


def _create_blocks(folder: Path, text: str) -> None:
    source = folder / "samples.om"
    source.write_text(text)
    command = ["promtool", "tsdb", "create-blocks-from", "openmetrics", "--quiet", str(source), str(folder / "data")]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    source.unlink()


def _wait_until_ready(server: RealPrometheus, process: "subprocess.Popen[bytes]") -> None:
    give_up = time.monotonic() + 60
    while not server.is_ready():
        if process.poll() is not None or time.monotonic() > give_up:
            raise RuntimeError("prometheus did not become ready")
        time.sleep(0.05)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _time_series(labels: Labels, samples: Sequence[tuple[int, float]]) -> bytes:
    pairs = b"".join(_field(1, _field(1, k.encode()) + _field(2, v.encode())) for k, v in labels)
    return pairs + b"".join(_field(2, b"\x09" + struct.pack("<d", v) + b"\x10" + _varint(t)) for t, v in samples)


def _field(number: int, content: bytes) -> bytes:
    return bytes([number << 3 | 2]) + _varint(len(content)) + content


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _snappy(data: bytes) -> bytes:
    pieces = [data[at : at + 0x10000] for at in range(0, len(data), 0x10000)]
    return _varint(len(data)) + b"".join(b"\xf4" + struct.pack("<H", len(p) - 1) + p for p in pieces)
