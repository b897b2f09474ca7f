"""The error tree: every failure a caller can act on, each with one sentence that a person and a model read alike.

    FirstmateError
      Invalid         the caller's fault: which field, what is allowed
      NotFound        what was asked for, and the near misses
      Unauthenticated nobody is known by this token
      Forbidden       which permission is missing, or which rule refused
      Conflict        the thing changed meanwhile: both versions
      Upstream        another system failed: which, what it said, whether trying again can help
        NotConfigured the system was never set up: which settings do it
        Unready       we ourselves cannot take this just now: come again

Errors are raised where the sentence is known and caught where something can be done: at a tool's edge, at HTTP's edge, in a loop
that must outlive one bad turn. Anything outside this tree is a bug and is reported as one.
"""

import difflib
from collections.abc import Iterable


class FirstmateError(Exception):
    """Root of the tree; `code` is the nonzero number that the HTTP body carries."""

    code = 1
    kind = "error"

    def __init__(self, sentence: str, **details: object) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.details: dict[str, object] = {key: value for key, value in details.items() if value is not None}


class Invalid(FirstmateError):
    code = 1001
    kind = "invalid"

    def __init__(self, sentence: str, *, field: str | None = None, allowed: Iterable[str] | None = None) -> None:
        super().__init__(sentence, field=field, allowed=list(allowed) if allowed is not None else None)


class NotFound(FirstmateError):
    code = 1002
    kind = "not_found"

    def __init__(self, sentence: str, *, near: Iterable[str] = ()) -> None:
        near = list(near)
        hint = f" Did you mean {', '.join(near)}?" if near else ""
        super().__init__(sentence + hint, near=near or None)


class Unauthenticated(FirstmateError):
    code = 1003
    kind = "unauthenticated"


class Forbidden(FirstmateError):
    code = 1004
    kind = "forbidden"

    def __init__(self, sentence: str, *, permission: str | None = None, rule: str | None = None) -> None:
        super().__init__(sentence, permission=permission, rule=rule)


class Conflict(FirstmateError):
    code = 1005
    kind = "conflict"

    def __init__(self, sentence: str, *, expected: str | None = None, found: str | None = None) -> None:
        super().__init__(sentence, expected=expected, found=found)


class Upstream(FirstmateError):
    """Another system failed; `system` is its name as people know it ("Prometheus", "the Kubernetes API server")."""

    code = 1006
    kind = "upstream"

    def __init__(self, system: str, said: str, *, retryable: bool, status: int | None = None) -> None:
        super().__init__(f"{system} {said}", system=system, said=said, retryable=retryable, status=status)
        self.system = system
        self.said = said
        self.retryable = retryable
        self.status = status


class NotConfigured(Upstream):
    code = 1007
    kind = "not_configured"

    def __init__(self, system: str, how: str) -> None:
        super().__init__(system, f"is not configured: {how}", retryable=False)


class Unready(Upstream):
    code = 1008
    kind = "unready"

    def __init__(self, system: str, said: str) -> None:
        super().__init__(system, said, retryable=True)


def near_misses(wanted: str, known: Iterable[str], limit: int = 3) -> list[str]:
    """The known names a person may have meant."""
    return difflib.get_close_matches(wanted, list(known), n=limit, cutoff=0.6)
