"""How a process ends: its exit code, how long it lives until then, and its last words."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Note:
    """A line in the program's usual style; whatever bypasses its logger (a panic, a traceback) is a plain string instead."""

    level: str
    message: str
    fields: dict[str, str | int | float] = field(default_factory=dict)


Line = str | Note


@dataclass(frozen=True)
class Exit:
    code: int
    after: float  # seconds since the start
    lines: tuple[Line, ...] = ()
    out_of_memory: bool = False

    @property
    def reason(self) -> str:
        if self.out_of_memory:
            return "OOMKilled"
        return "Completed" if self.code == 0 else "Error"
