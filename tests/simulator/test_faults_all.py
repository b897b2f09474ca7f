"""Every fault by the same measure, at a place of the simulator's own choice: it stands, names a thing that is there, and goes when undone.

What each one looks like is told where its family is tested; here is what none may lack. A dozen, drawn once, are walked every time; the
rest walk in the long form.
"""

from __future__ import annotations

import random
from typing import get_args

import pytest

from simulator.faults import FAULTS, Refused
from simulator.faults.base import Repair
from simulator.faults.ledger import Entry, Ledger
from simulator.shop import SHOP
from tests.simulator.worlds import Watch, grown, small_world, whole_world

WALKED_ALWAYS = frozenset(random.Random("a dozen").sample(sorted(FAULTS), 12))
LONG_ENOUGH = 15


def _walked() -> list[object]:
    return [pytest.param(each, marks=() if each in WALKED_ALWAYS else pytest.mark.soak) for each in sorted(FAULTS)]


@pytest.mark.parametrize("fault", _walked())
def test_a_fault_stands_until_it_is_undone_and_its_component_exists(fault: str) -> None:
    watch = Watch(whole_world())
    entry = watch.ledger.inject(fault, watch.ledger.choose(fault)[1], {})
    assert not _is_healed(watch, entry), f"{fault} is healed before it shows"
    watch.after(120)
    component = entry.component
    assert not _is_healed(watch, entry), f"{fault} has healed by itself"
    assert watch.world.store.get(component.kind, component.namespace, component.name) is not None, component
    watch.ledger.remove(entry.id)
    assert any(_is_healed(watch.after(60), entry) for _ in range(LONG_ENOUGH)), f"{fault} outlives its undo"


def _is_healed(watch: Watch, entry: Entry) -> bool:
    return bool(watch.ledger.describe(entry)["healed"])


@pytest.mark.parametrize("fault", sorted(FAULTS))
def test_a_fault_has_a_place_in_the_shop_and_repairs_to_try(fault: str) -> None:
    """A look at a healthy world that all of these share: nothing is injected."""
    assert Ledger(grown(7, SHOP)).places(FAULTS[fault]), f"{fault} suits nothing in the shop"
    repairs = FAULTS[fault].repairs
    assert repairs, "nothing mends it"
    assert len(set(repairs)) == len(repairs)
    assert set(repairs) <= set(get_args(Repair))
    names = [parameter.name for parameter in FAULTS[fault].parameters]
    assert len(set(names)) == len(names)


def test_what_a_fault_would_create_and_is_there_already_is_refused() -> None:
    watch = Watch(small_world())
    watch.inject("quota_lowered", "catalogue")
    with pytest.raises(Refused, match="target: ResourceQuota 'namespace-quota' already exists"):
        watch.inject("quota_lowered", "search")
