"""`python -m simulator play SCENARIO`: a scenario to watch, served like any world, or played to its end at once."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable

from simulator.scenarios import shipped
from simulator.scenarios.player import Happening, Player, stage
from simulator.scenarios.scenario import Scenario
from simulator.scenarios.symptoms import symptoms

Say = Callable[[str], object]


def add_options(made: argparse.ArgumentParser) -> None:
    made.add_argument("scenario", nargs="?", help="which one (see --list)")
    made.add_argument(
        "--seed", type=int, default=0, help="other names and other dice; 0: as it is written (default: 0)"
    )
    made.add_argument("--list", action="store_true", dest="listed", help="list the scenarios and end")
    made.add_argument("--fast", action="store_true", help="play it to its end in simulated time, without serving")
    made.add_argument("--answer", action="store_true", help="print the right answer (with --fast: at the end)")


def chosen(options: argparse.Namespace) -> Scenario | None:
    """The scenario that is named; None, said on standard error, where there is none of that name."""
    found = shipped().get(options.scenario or "")
    if found is None:
        named = f"there is no scenario {options.scenario!r}" if options.scenario else "name a scenario"
        sys.stderr.write(f"simulator: {named}; --list shows them\n")
    return found


def listing() -> str:
    width = max((len(name) for name in shipped()), default=0)
    return "".join(
        f"{name:<{width}}  {one.category:<14}  {one.title['en']}  {one.title['zh']}\n"
        for name, one in shipped().items()
    )


def play_fast(scenario: Scenario, seed: int, say: Say, *, with_answer: bool) -> None:
    """To the end in one go: what happened, what there was to be seen, and whether it was mended."""
    player = stage(scenario, seed=seed)
    say(opening(player))
    for happening in player.advance(player.ends):
        say(line(happening))
    onset = min((entry.injected_at for entry in player.entries()), default=player.began)
    say(f"at the end, {scenario.lasts:g} s later, this is to be seen:")
    for symptom in symptoms(player.world, onset) or ["nothing out of order"]:
        say(f"  {symptom}")
    if scenario.injections:
        say(f"healed: {'yes' if player.is_healed() else 'no'}")
    if with_answer:
        say(answer(player))


def opening(player: Player) -> str:
    return f"{player.began:%Y-%m-%d %H:%M:%SZ}  {player.scenario.title['en']}  {player.scenario.title['zh']}"


def line(happening: Happening) -> str:
    return f"{happening.at:%H:%M:%S}  {happening.kind}: {happening.said}"


def answer(player: Player) -> str:
    scenario = player.scenario
    if scenario.is_control:
        return "answer: healthy, nothing is to be done"
    causes = [
        f"{answer.fault} of {component.kind} {component.namespace + '/' if component.namespace else ''}{component.name}"
        for answer, component in player.answers()
    ]
    return f"answer: {'; and '.join(causes)}. Repairs that would do: {', '.join(scenario.acceptable_repairs)}"
