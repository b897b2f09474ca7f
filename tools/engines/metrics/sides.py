"""A call seen from both of its ends: what a mesh tells of pairs of programs, sorted into what the caller saw and what the callee did.

A proxy beside the caller reports as `source`, one beside the callee as `destination`. Where nobody says from which side, it is the caller's
view. What is asked of the callee in all is the sum over those who ask.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping

from tools.engines.metrics.numbers import summed
from tools.engines.snapshot import Series, Signal

CALLERS: Mapping[Signal, Signal] = {"latency": "call_latency", "requests": "calls", "errors": "failed_calls"}
CALLEES: Mapping[Signal, Signal] = {"latency": "served_latency", "requests": "calls", "errors": "failed_calls"}
_DROPPED = ("client", "reporter", "client_namespace")


def by_side(found: Mapping[Signal, list[Series]]) -> dict[Signal, list[Series]]:
    sorted_: dict[Signal, list[Series]] = defaultdict(list)
    pairs: dict[Signal, list[Series]] = defaultdict(list)
    for signal, many in found.items():
        for one in many:
            is_pair = signal in CALLERS and one.labels.get("client") and one.labels.get("server")
            (pairs if is_pair else sorted_)[signal].append(one)
    for signal, many in pairs.items():
        _place(signal, many, sorted_)
    return dict(sorted_)


def _place(signal: Signal, many: Iterable[Series], found: dict[Signal, list[Series]]) -> None:
    callers = [one for one in many if one.labels.get("reporter", "source") in ("source", "client", "outbound")]
    callees = [one for one in many if one not in callers]
    if signal == "latency":
        found["call_latency"] += [_without(one, "reporter") for one in callers]
        found["served_latency"] += [_without(one, "reporter") for one in callees]
        return
    # Both ends count the same calls: one of them is enough.
    found[CALLERS[signal]] += [_without(one, "reporter") for one in callers or callees]
    found[signal] += _in_all(callees or callers)


def _without(one: Series, *keys: str) -> Series:
    return Series({key: value for key, value in one.labels.items() if key not in keys}, one.points, one.query)


def _in_all(many: Iterable[Series]) -> list[Series]:
    asked: dict[tuple[tuple[str, str], ...], list[Series]] = defaultdict(list)
    for one in many:
        asked[tuple(sorted(_without(one, *_DROPPED).labels.items()))].append(one)
    return [
        Series(dict(thing), summed([one.points for one in group]), group[0].query) for thing, group in asked.items()
    ]
