"""What may go wrong between a query and its answer, as Prometheus's API names it.

Each error carries the `errorType` and the HTTP status that Prometheus answers with, so that the routes need no table.
"""

from typing import ClassVar

TOO_MANY_SAMPLES = "query processing would load too many samples into memory in query execution"


class PromqlError(Exception):
    kind: ClassVar[str] = "execution"
    status: ClassVar[int] = 422


class BadData(PromqlError):
    """The request itself cannot be understood."""

    kind = "bad_data"
    status = 400


class ParseFailed(BadData):
    """The expression is not PromQL, or is PromQL that this evaluator refuses by name."""


class ExecutionFailed(PromqlError):
    """The expression is well formed and cannot be answered over these samples."""


class TimedOut(PromqlError):
    kind = "timeout"
    status = 503


class OutOfOrder(ValueError):
    """A sample is older than the newest one of its series, or contradicts it at the same timestamp."""
