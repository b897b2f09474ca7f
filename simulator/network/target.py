"""Where a call goes: which pods get it, and what stops the rest of it, in the caller's own words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from simulator.network.groups import ServiceKey
from simulator.network.reasons import Facts, Outcome, Why


@dataclass
class Backend:
    """The ready endpoints of a Service: how many addresses lead to each group, how many to a closed port."""

    key: ServiceKey
    shares: dict[int, int]  # index of the group -> addresses
    closed: int = 0
    resets: int = 0  # addresses whose process was killed since the last tick

    @property
    def addresses(self) -> int:
        return sum(self.shares.values()) + self.closed


@dataclass(frozen=True)
class Obstacle:
    """What becomes of a share of the calls on their way."""

    why: Why
    words: str
    share: float = 1.0


@dataclass(frozen=True)
class Target:
    """Where a call of a group goes. `shares` and the obstacles' shares together make one."""

    facts: Facts
    backend: Backend | None = None  # of the Service that the name led to
    shares: Mapping[int, float] = field(default_factory=dict)  # index of the callee's group -> share of the calls
    obstacles: tuple[Obstacle, ...] = ()

    @classmethod
    def behind(cls, backend: Backend, facts: Facts, words: str) -> Target:
        """Everybody behind a Service, evenly; a closed address refuses with these words."""
        total = backend.addresses
        if not total:
            return cls(facts, backend, obstacles=(Obstacle(Why.REFUSED, words),))
        shares = {index: count / total for index, count in backend.shares.items()}
        shut = 1 - sum(shares.values())
        obstacles = (Obstacle(Why.REFUSED, words, shut),) if shut > 0 else ()
        return cls(facts, backend, shares, obstacles)

    @classmethod
    def nowhere(cls, facts: Facts, words: str = "connection refused") -> Target:
        return cls(facts, obstacles=(Obstacle(Why.REFUSED, words),))

    @property
    def host(self) -> str:
        return self.facts.host

    @property
    def port(self) -> int:
        return self.facts.port

    @property
    def through(self) -> float:
        """The share of the calls that comes to a program."""
        return sum(self.shares.values())

    @property
    def let_in(self) -> float:
        """The share that a server has let in, whatever becomes of it then."""
        after = (Why.READ_ONLY, Why.NO_PERMISSION)
        return self.through + sum(each.share for each in self.obstacles if each.why in (*after, Why.CROWDED))

    def stopped(self, outcome: Outcome) -> float:
        return sum(each.share for each in self.obstacles if each.why.outcome is outcome)
