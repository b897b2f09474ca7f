"""The same shop under other names: what a diagnosis may not learn by heart.

A variant renames programs, namespaces, nodes, zones, the registry, the shared settings and the versions, moves ports, and turns a few
screws that leave a shop healthy: a replica more, fewer customers. The renaming goes over every text of the shop's data, word by word, so
that addresses, variables, routes and whatever field a program gets later follow by themselves. The names that `shop.py` uses are then
roles, and `Names` says who plays them. Variant 0 is the shop as it is written.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from simulator.apps import App, NodeSpec, Shop
from simulator.shop import repository

WORDS = tuple(Path(__file__).with_name("words.txt").read_text(encoding="utf-8").split())
SUFFIXES = ("", "-api", "-svc", "-hub", "-core", "-app", "-server", "-node", "-one", "-engine", "-desk", "-unit")
HTTP_PORTS = (3000, 4000, 5000, 7000, 7070, 8000, 8080, 8081, 8088, 8090, 8443, 8888, 9000, 9080)
NODE_STYLES: tuple[Callable[[random.Random, int], str], ...] = (
    lambda dice, number: f"ip-10-{dice.randint(0, 99)}-{dice.randint(0, 255)}-{10 + number}",
    lambda dice, number: f"pool-{dice.choice('abcdef')}-{dice.randint(0x1000, 0xFFFF):x}-{number}",
    lambda dice, number: f"k8s-{dice.choice(WORDS)}-{number:02d}",
    lambda dice, number: f"{dice.choice(WORDS)}{number}",
)
REGIONS = ("eu-west-1", "ap-east-1", "us-east-2", "cn-north-1", "sa-east-1")


@dataclass(frozen=True)
class Names:
    """Who plays which role: role -> name, and texts with roles in them."""

    by_role: Mapping[str, str]

    def of(self, role: str) -> str:
        return self.by_role.get(role, role)

    def role(self, name: str) -> str:
        return next((role for role, each in self.by_role.items() if each == name), name)

    def text(self, text: str) -> str:
        """The text with every role in it replaced, as a word of its own or in capitals, as a variable's name has it."""
        return self._words.sub(lambda match: self._written[match[0]], text)

    def anywhere(self, value: Any) -> Any:
        """A value of YAML or JSON with its texts replaced; the keys of a mapping too."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            return {self.anywhere(key): self.anywhere(each) for key, each in value.items()}
        if isinstance(value, list):
            return [self.anywhere(each) for each in value]
        return value

    @cached_property
    def _written(self) -> dict[str, str]:
        shouted = {_shout(role): _shout(name) for role, name in self.by_role.items()}
        return {**shouted, **self.by_role}

    @cached_property
    def _words(self) -> re.Pattern[str]:
        longest_first = sorted(self._written, key=lambda word: (-len(word), word))
        alternatives = "|".join(re.escape(word) for word in longest_first) or r"(?!)"
        return re.compile(rf"(?<![A-Za-z0-9])(?:{alternatives})(?![A-Za-z0-9])")


def variant(shop: Shop, seed: int) -> tuple[Shop, Names]:
    """The shop under the names of this seed, and who plays which role."""
    roles = _roles(shop)
    if seed == 0:
        return shop, Names({role: role for role in roles})
    dice = random.Random(f"{seed}/variant")
    names = Names(_named(shop, dice))
    # Its repository is derived from its name; once that is replaced, the new name says where the image is.
    written = replace(shop, apps=tuple(replace(app, repository=repository(app)) for app in shop.apps))
    renamed: Shop = _renamed(written, names)
    apps = tuple(_screwed(app, dice) for app in renamed.apps)
    return replace(
        renamed, apps=apps, nodes=_moved(renamed.nodes, dice), peak_rps=round(shop.peak_rps * dice.uniform(0.75, 1.0))
    ), names


def _roles(shop: Shop) -> list[str]:
    zones = dict.fromkeys(node.zone for node in shop.nodes)
    return [
        *(app.name for app in (*shop.apps, *shop.guests)),
        *_namespaces(shop),
        *(node.name for node in shop.nodes),
        *zones,
        shop.settings,
        _registry(shop),
    ]


def _namespaces(shop: Shop) -> list[str]:
    return list(dict.fromkeys([*shop.namespaces, *(guest.namespace for guest in shop.guests)]))


def _registry(shop: Shop) -> str:
    """The shop's own registry: where the images are that belong to no other."""
    return repository(shop.apps[0]).partition("/")[0] if shop.apps else ""


def _named(shop: Shop, dice: random.Random) -> dict[str, str]:
    words = iter(dice.sample(WORDS, len(WORDS)))
    named = {app.name: next(words) + dice.choice(SUFFIXES) for app in (*shop.apps, *shop.guests)}
    named |= {namespace: next(words) for namespace in _namespaces(shop)}
    style = dice.choice(NODE_STYLES)
    named |= {node.name: style(dice, number) for number, node in enumerate(shop.nodes, start=1)}
    region = dice.choice(REGIONS)
    zones = sorted({node.zone for node in shop.nodes})
    named |= {zone: f"{region}{letter}" for zone, letter in zip(zones, "abcdefgh", strict=False)}
    named[shop.settings] = next(words) + dice.choice(("-config", "-env", "-common", "-settings"))
    named[_registry(shop)] = f"{dice.choice(('cr', 'images', 'hub', 'artifacts'))}.{next(words)}.example"
    return named


def _renamed(value: Any, names: Names) -> Any:
    if isinstance(value, str):
        return names.text(value)
    if isinstance(value, tuple):
        return tuple(_renamed(each, names) for each in value)
    if isinstance(value, dict):
        return {_renamed(key, names): _renamed(each, names) for key, each in value.items()}
    if is_dataclass(value) and not isinstance(value, type):
        changed = {each.name: _renamed(getattr(value, each.name), names) for each in fields(value) if each.init}
        return replace(value, **changed)
    return value


def _screwed(app: App, dice: random.Random) -> App:
    """Another port and other versions, perhaps a replica more: nothing that anybody would feel."""
    if app.protocol != "http":
        return app
    major, minor = dice.randint(0, 9), dice.randint(1, 30)
    versions = f"{major}.{minor - 1}.{dice.randint(0, 9)}", f"{major}.{minor}.{dice.randint(0, 9)}"
    more = 1 if app.replicas > 1 and dice.random() < 0.4 else 0
    return replace(app, port=dice.choice(HTTP_PORTS), versions=versions, replicas=app.replicas + more)


def _moved(nodes: tuple[NodeSpec, ...], dice: random.Random) -> tuple[NodeSpec, ...]:
    net = f"10.{dice.randint(100, 199)}.{dice.randint(0, 255)}"
    return tuple(replace(node, address=f"{net}.{10 + number}") for number, node in enumerate(nodes, start=1))


def _shout(name: str) -> str:
    return name.upper().replace("-", "_")
