"""A limit far above what a thing may cost: it ends what would never end, and no busy machine reaches it.

How long a thing takes is measured by the benchmarks. Python's regular expressions look for signals while they match, so even a match
that runs away is ended.
"""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

ENDLESS = 60.0


@contextmanager
def ended(seconds: float = ENDLESS) -> Iterator[None]:
    def give_up(_number: int, _frame: FrameType | None) -> None:
        raise AssertionError(f"still at it after {seconds:.0f} s")

    before = signal.signal(signal.SIGALRM, give_up)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
