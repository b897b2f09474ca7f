"""Which alerts are one incident: the decision alone, without a database or a clock.

Firings are points, and two of them are joined when they share a key and lie within the window of each other: by their beginnings, or, on
the same workload, by the time between the end of one and the beginning of the other, since what is broken and stays broken is what the
next alert is about. An incident is what hangs together. Being together does not depend on who came first, so the order in which alerts
arrive does not either: whoever comes later and hangs on two incidents makes them one.

Two things are left alone: what people have arranged is never merged by a later alert (which then goes to the older one), and nothing grows
beyond MAX_MEMBERS.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from alerts.incidents.member import LASTING, Member
from alerts.model import fnv64

WINDOW = timedelta(minutes=5)
MAX_MEMBERS = 500
STRONGEST = (LASTING, "node", "host", "calls", "name", "text")
_EVER = datetime.max.replace(tzinfo=UTC)
MemberId = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Standing:
    """An incident that is there already."""

    id: str
    first_at: datetime
    size: int
    by_hand: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    joins: Mapping[MemberId, str]
    """Where each arrival belongs."""
    absorbed: Mapping[str, str] = field(default_factory=dict)
    """Which incidents flow into which."""
    why: Mapping[MemberId, str] = field(default_factory=dict)
    """The key that each arrival has in common with one that is there; none for the first of a new incident."""


def assign(
    arrivals: Sequence[Member],
    standing: Sequence[Member],
    incidents: Mapping[str, Standing],
    window: timedelta = WINDOW,
) -> Plan:
    forest = _Forest(incidents)
    for member in standing:
        forest.add(member.id, member.incident)
    for member in arrivals:
        forest.add(member.id)
    held: list[tuple[Member, Member, str]] = []
    for one, other, key in _links([*standing, *arrivals], window):
        if forest.join(one.id, other.id):
            held.append((one, other, key))
    plan = _plan(arrivals, incidents, forest)
    return replace(plan, why=_reasons([one for one in arrivals if plan.joins[one.id] != incident_id([one.id])], held))


def incident_id(of: Iterable[MemberId], salt: str = "") -> str:
    text = "\xff".join([salt, *sorted(f"{fingerprint}/{episode}" for fingerprint, episode in of)])
    return f"{fnv64(text.encode()):016x}"


def _plan(arrivals: Sequence[Member], incidents: Mapping[str, Standing], forest: "_Forest") -> Plan:
    fresh: dict[str, list[Member]] = defaultdict(list)
    for member in arrivals:
        fresh[forest.root(forest.node(member.id))].append(member)
    joins: dict[MemberId, str] = {}
    for root, members in fresh.items():
        chosen = _oldest(forest.incidents[root], incidents) or incident_id([_first(members).id])
        joins |= {member.id: chosen for member in members}
    absorbed = {
        each: oldest
        for held in forest.held()
        for oldest in [_oldest(held, incidents)]
        for each in held
        if each != oldest
    }
    return Plan(joins, absorbed)


def _reasons(of: Sequence[Member], held: Sequence[tuple[Member, Member, str]]) -> dict[MemberId, str]:
    """The strongest relation to one that fired before, else to one that fired after: links come strongest first."""
    before, after = dict[MemberId, str](), dict[MemberId, str]()
    for one, other, key in held:
        before.setdefault(other.id, key)
        after.setdefault(one.id, key)
    found = {**after, **before}
    return {each.id: found[each.id] for each in of if each.id in found}


def _oldest(ids: Iterable[str], incidents: Mapping[str, Standing]) -> str:
    return min(ids, key=lambda each: (incidents[each].first_at, each), default="")


def _first(members: Iterable[Member]) -> Member:
    return min(members, key=_order)


def _order(member: Member) -> tuple[datetime, str, str]:
    return member.starts_at, member.fingerprint, member.episode


def _links(members: Sequence[Member], window: timedelta) -> Iterable[tuple[Member, Member, str]]:
    """Enough pairs to hang together what belongs together: along each key, from one to the next."""
    by_key: dict[str, list[Member]] = defaultdict(list)
    for member in members:
        for key in member.keys:
            by_key[key].append(member)
    # The strongest first: where a bound makes it matter, and for what is told, the stronger relation wins.
    for key in sorted((key for key, bearers in by_key.items() if len(bearers) > 1), key=_strength):
        for one, other in _along(sorted(by_key[key], key=_order), window, lasting=key.startswith(LASTING)):
            yield one, other, key


def _strength(key: str) -> tuple[int, str]:
    kind = key.partition(":")[0]
    return (STRONGEST.index(kind) if kind in STRONGEST else len(STRONGEST)), key


def _along(members: Sequence[Member], window: timedelta, *, lasting: bool) -> Iterable[tuple[Member, Member]]:
    latest = members[0]
    for member in members[1:]:
        until = _end(latest) if lasting else latest.starts_at
        if until == _EVER or member.starts_at - until <= window:
            yield latest, member
        if not lasting or _end(member) >= until:
            latest = member


def _end(member: Member) -> datetime:
    return member.ends_at or _EVER


class _Forest:
    """Sets that flow together, each with the incidents that are in it and how many it holds."""

    def __init__(self, incidents: Mapping[str, Standing]) -> None:
        self._standing = incidents
        self._nodes: dict[MemberId, str] = {}
        self._parent: dict[str, str] = {}
        self._size: dict[str, int] = {}
        self.incidents: dict[str, frozenset[str]] = {}
        for each in incidents.values():
            self._plant(f"incident {each.id}", each.size, frozenset([each.id]))

    def add(self, member: MemberId, incident: str = "") -> None:
        node = f"incident {incident}" if incident else f"member {member[0]} {member[1]}"
        self._nodes[member] = node
        if not incident:
            self._plant(node, 1, frozenset())

    def node(self, member: MemberId) -> str:
        return self._nodes[member]

    def root(self, node: str) -> str:
        while self._parent[node] != node:
            self._parent[node] = self._parent[self._parent[node]]
            node = self._parent[node]
        return node

    def join(self, one: MemberId, other: MemberId) -> bool:
        """Whether they are together now."""
        left, right = self.root(self._nodes[one]), self.root(self._nodes[other])
        if left == right:
            return True
        if not self._may(left, right):
            return False
        self._parent[right] = left
        self._size[left] += self._size[right]
        self.incidents[left] |= self.incidents.pop(right)
        return True

    def held(self) -> Iterable[frozenset[str]]:
        return self.incidents.values()

    def _may(self, left: str, right: str) -> bool:
        if self._size[left] + self._size[right] > MAX_MEMBERS:
            return False
        ours, theirs = self.incidents[left], self.incidents[right]
        return not (ours and theirs and any(self._standing[each].by_hand for each in ours | theirs))

    def _plant(self, node: str, size: int, incidents: frozenset[str]) -> None:
        self._parent[node], self._size[node], self.incidents[node] = node, size, incidents
