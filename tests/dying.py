"""How a process is made to end itself as `kill -9` would, at a named place: between any two things that must not come apart."""

import functools
import os
import signal
from collections.abc import Callable
from typing import Any

import sqlalchemy
from sqlalchemy.orm import Session

Die = Callable[[], None]


def on_turn(turn: int) -> Die:
    """Dies when it is called for the so-manieth time."""
    left = turn

    def die() -> None:
        nonlocal left
        left -= 1
        if left <= 0:
            os.kill(os.getpid(), signal.SIGKILL)

    return die


def before(owner: type, name: str, *, only: str = "") -> Callable[[Die], None]:
    return functools.partial(_wrap, owner, name, only, before=True)


def after(owner: type, name: str, *, only: str = "") -> Callable[[Die], None]:
    return functools.partial(_wrap, owner, name, only, before=False)


def _wrap(owner: type, name: str, only: str, die: Die, *, before: bool) -> None:
    method = getattr(owner, name)

    @functools.wraps(method)
    async def wrapped(*args: Any, **kwargs: Any) -> Any:
        is_meant = not only or only in args
        if before and is_meant:
            die()
        given = await method(*args, **kwargs)
        if not before and is_meant:
            die()
        return given

    setattr(owner, name, wrapped)


def at_commit(event: str) -> Callable[[Die], None]:
    return lambda die: sqlalchemy.event.listen(Session, event, lambda _session: die())
