"""What the way between two pods does to a call: delay, and packets that are sent again until they arrive or the client gives up.

A node's trouble is on its network card, which two pods of one node do not use between them; a pod's trouble is on its own interface and
always in the way. A lost packet is sent again after a fifth of a second, then after twice that, and so on, so that a little loss shows as
a few slow requests and much loss as time-outs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulator.conditions import Conditions, Kind
from simulator.network import Group
from simulator.noise import Floats, grain

PACKETS = 4  # of a call that can get lost, both ways together
FIRST_RESEND = 0.2
MOST_RESENDS = 6
_KINDS = (Kind.NETWORK_DELAY, Kind.NETWORK_JITTER, Kind.NETWORK_LOSS)


@dataclass(frozen=True)
class Way:
    delay: Floats
    loss: Floats

    @property
    def seconds(self) -> Floats:
        """What the way adds to a call that arrives, on average."""
        return self.delay + PACKETS * resending(self.loss)

    @property
    def resent(self) -> Floats:
        """Packets of a call that are sent again."""
        loss = np.minimum(self.loss, 0.95)
        again: Floats = PACKETS * loss / (1 - loss)
        return again

    def given_up(self, timeout: float) -> Floats:
        """The share of the calls of which a packet was lost so often that the client waited no longer."""
        waits, resends = 0.0, 0
        while waits <= timeout and resends < MOST_RESENDS:
            waits += FIRST_RESEND * 2**resends
            resends += 1
        arrives: Floats = (1 - self.loss**resends) ** PACKETS
        return 1 - arrives


def resending(loss: Floats) -> Floats:
    """Seconds that a packet waits to be sent again, on average over those that arrive in the end."""
    waited, total = 0.0, np.zeros_like(loss)
    for resends in range(1, MOST_RESENDS):
        waited += FIRST_RESEND * 2 ** (resends - 1)
        total += loss**resends * (1 - loss) * waited
    return total


class Links:
    """The ways of one pass. Most passes have none that is worth a thought."""

    def __init__(self, conditions: Conditions, times: Floats, seed: int) -> None:
        self._conditions = conditions
        self._times = times
        self._seed = seed
        self._pressed = {place for kind in _KINDS for place in conditions.places(kind)}
        self._known: dict[tuple[str, ...], Way] = {}
        self._skewed = set(conditions.places(Kind.CLOCK_OFFSET))

    def ahead(self, caller: Group | None, callee: Group) -> Floats | None:
        """Seconds by which the caller's clock is ahead of the callee's; None where both are right."""
        if not self._skewed or caller is None:
            return None
        offsets = [self._offset(each) for each in (caller, callee)]
        return offsets[0] - offsets[1] if any(each.any() for each in offsets) else None

    def _offset(self, group: Group) -> Floats:
        places = [place for place in group.places if place in self._skewed]
        totals = (self._conditions.total(Kind.CLOCK_OFFSET, place, self._times) for place in places)
        return sum(totals, np.zeros_like(self._times))

    def way(self, caller: Group | None, callee: Group) -> Way | None:
        """None where nothing is in the way; customers come from outside."""
        if not self._pressed:
            return None
        places = tuple(place for place in _between(caller, callee) if place in self._pressed)
        if not places:
            return None
        if places not in self._known:
            self._known[places] = self._measured(places)
        return self._known[places]

    def _measured(self, places: tuple[str, ...]) -> Way:
        delay, arrives = np.zeros_like(self._times), np.ones_like(self._times)
        for place in places:
            wander = self._conditions.total(Kind.NETWORK_JITTER, place, self._times)
            wander = wander * grain(self._seed, f"jitter/{place}", self._times)
            delay = delay + np.maximum(self._conditions.total(Kind.NETWORK_DELAY, place, self._times) + wander, 0.0)
            arrives = arrives * (1 - np.clip(self._conditions.total(Kind.NETWORK_LOSS, place, self._times), 0.0, 1.0))
        return Way(delay, 1 - arrives)


def _between(caller: Group | None, callee: Group) -> list[str]:
    if caller is None:
        return list(callee.places)
    edge = f"edge/{caller.namespace}/{caller.app.name}/{callee.app.name}"
    within = {place for place in caller.places if place.startswith("node/")}.intersection(callee.places)
    return [*(place for place in (*caller.places, *callee.places) if place not in within), edge]
