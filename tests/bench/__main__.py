"""`make bench`: measure the figures that matter on this machine and print them beside their marks.

Whatever the numbers are, this ends well: clocks are for reading here and never for failing a build. It ends badly only where a figure could
not be measured at all, and says which. Everything runs on loopback; every process that is started is stopped by its id.
"""

import argparse
import asyncio
import json
import logging
import sys
from collections.abc import Awaitable, Callable
from importlib import import_module
from time import perf_counter

from core import logs
from core.redact import Redactor
from tests.bench.machine import machine
from tests.bench.table import Line, render

FIGURES = (
    "alerting",
    "liveness",
    "start",
    "knowledge",
    "turn",
    "diagnosis",
    "schemas",
    "history",
    "world",
    "promql",
    "logs",
    "bundles",
    "intake",
    "lists",
    "rules",
)
HEADS = ("figure", "the mark", "measured here", "how measured")


def main() -> int:
    options = _options()
    logs.configure("CRITICAL", json=True, redactor=Redactor("a-key-for-the-bench-only"))
    logging.disable(logging.CRITICAL)
    here = machine()
    lines, failed = asyncio.run(_measured([options.only] if options.only else list(FIGURES)))
    if options.json:
        sys.stdout.write(json.dumps({"machine": here, "figures": [line.to_json() for line in lines]}, indent=2) + "\n")
        return failed
    for name, value in here.items():
        sys.stdout.write(f"{name + ':':8} {value}\n")
    rows = [(line.figure, line.mark, line.measured, line.how) for line in lines]
    sys.stdout.write(f"\n{render(HEADS, rows)}\n")
    return failed


def _options() -> argparse.Namespace:
    made = argparse.ArgumentParser(prog="python -m tests.bench", description="Measure the figures that matter.")
    made.add_argument("--only", choices=FIGURES, help="measure one")
    made.add_argument("--json", action="store_true", help="print JSON instead of a table")
    return made.parse_args()


async def _measured(names: list[str]) -> tuple[list[Line], int]:
    lines: list[Line] = []
    failed = 0
    for name in names:
        began = perf_counter()
        sys.stderr.write(f"measuring {name} ... ")
        sys.stderr.flush()
        try:
            measure: Callable[[], Awaitable[list[Line]]] = import_module(f"tests.bench.{name}").measure
            lines += await measure()
        except Exception as error:  # noqa: BLE001 - one figure that cannot be had must not take the others along
            lines.append(Line(name, "-", "could not be measured", f"{type(error).__name__}: {error}"))
            failed = 1
        sys.stderr.write(f"{perf_counter() - began:.0f} s\n")
    return lines, failed


if __name__ == "__main__":
    sys.exit(main())
