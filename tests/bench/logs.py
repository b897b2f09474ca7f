"""How many lines a second become a digest: entries, templates and meanings together, in one process."""

import time
import tracemalloc
from collections.abc import Iterator

from tests.bench.table import Line
from tools.engines.logs.digest import digest

LINES = 200_000
MEBI = 1 << 20


async def measure() -> list[Line]:
    began = time.process_time()
    found = digest(mixed(LINES))
    took = time.process_time() - began
    if not found.said("refused"):
        raise RuntimeError("a sentence with a meaning was not heard")
    tracemalloc.start()
    digest(mixed(LINES // 4))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    held = f"{len(found.patterns)} templates, at most {peak / MEBI:.0f} MiB held"
    how = f"{LINES:,} lines of ten forms (plain, JSON, logfmt, access, traces) by processor time, {held}"
    return [Line("log lines to a digest", "50,000 a second", f"{LINES / took:,.0f} a second", how)]


def mixed(count: int) -> Iterator[str]:
    """Lines as ten programs write them, each with its own numbers and ids."""
    for number in range(count):
        stamp = f"2026-03-02T09:{number // 3600 % 60:02}:{number // 60 % 60:02}.{number % 1000:03}456789Z"
        yield f"{stamp} {_FORMS[number % len(_FORMS)].format(n=number, s=number % 300, h=number * 2654435761 % 2**64)}"


_FORMS = (
    "INFO 1 --- [nio-8080-exec-{s}] c.e.OrderController : order {n} served in {s} ms for user {n}",
    '10.0.4.{s} - - [02/Mar/2026:09:00:00 +0000] "GET /cart/{n} HTTP/1.1" 200 {n} "-" "Mozilla/5.0"',
    '{{"level":"info","ts":1772442000.{s},"msg":"request done","path":"/items/{n}","took":{s},"trace":"{h:016x}"}}',
    'level=info msg="handled" id={h:016x} dur={s}ms',
    "ERROR dial tcp 10.0.0.{s}:3306: connect: connection refused",
    "WARN retrying in {s}s attempt 2/5",
    "DEBUG cache hit key=user:{n} size={s}",
    "java.lang.IllegalStateException: closed {n}",
    "\tat com.example.Pool.get(Pool.java:{s})",
    "I0302 09:00:00.{s:06} 1 reflector.go:1] watch closed after {n} events",
)
