"""The same shop under other names is as healthy as the one that is written down, and nothing of the old names is left in it."""

from __future__ import annotations

import re
from dataclasses import replace

import orjson
import pytest

from simulator.shop import SHOP, image
from simulator.state import state
from simulator.variants import WORDS, variant
from simulator.world import World
from tests.simulator.worlds import START, Watch, small_shop

SOME = (1, 2, 5, 11, 42)


@pytest.mark.parametrize("seed", SOME[:3])
def test_a_variant_of_the_shop_is_healthy(seed: int) -> None:
    shop, names = variant(small_shop(), seed)
    world = World(seed, START, history_days=0, shop=shop)
    watch = Watch(world, names.of("shop")).after(60)
    seen = state(world)
    assert {service["name"] for service in seen["services"]} >= {app.name for app in shop.apps}
    assert [service for service in seen["services"] if service["ready"] != service["wanted"]] == []
    assert seen["edge"]["rps"] > 10
    assert seen["edge"]["error_ratio"] < 0.01
    assert watch.log(names.of("edge-gateway"))


def test_the_whole_shop_is_healthy_under_other_names_and_its_old_ones_are_nowhere() -> None:
    shop, _ = variant(SHOP, 3)
    world = World(3, START, history_days=0, shop=shop)
    seen = state(world)
    assert seen["edge"]["error_ratio"] < 0.01
    assert all(service["ready"] == service["wanted"] for service in seen["services"])
    objects = [world.store.list(kind) for kind in ("Deployment", "Service", "Pod", "ConfigMap", "Secret", "Node")]
    found = re.findall(rf"\b(?:{'|'.join(OLD_NAMES)})\b", orjson.dumps(objects).decode())
    assert found == []


OLD_NAMES = [app.name for app in SHOP.apps if "-" in app.name] + [
    *("fulfilment", "catalogue", "recommendations", "pricing", "checkout", "inventory", "node-1", "zone-a"),
    *("shop-settings", "registry.shop.example", "CATALOGUE_URL", "INVENTORY_URL"),
]


@pytest.mark.parametrize("seed", SOME)
def test_no_two_things_of_a_variant_have_one_name(seed: int) -> None:
    shop, names = variant(SHOP, seed)
    assert len(set(names.by_role.values())) == len(names.by_role)
    assert len({app.name for app in (*shop.apps, *shop.guests)}) == len(SHOP.apps) + len(SHOP.guests)
    assert not {guest.name for guest in shop.guests} & {guest.name for guest in SHOP.guests}
    assert all(len(name) <= 63 for name in names.by_role.values())


@pytest.mark.parametrize("seed", SOME)
def test_who_calls_whom_stays_as_it_is(seed: int) -> None:
    shop, names = variant(SHOP, seed)
    for app in SHOP.apps:
        renamed = shop.app(names.of(app.name))
        assert renamed.namespace == names.of(app.namespace)
        for route, other in zip(app.routes, renamed.routes, strict=True):
            assert [names.of(call.app) for call in route.calls] == [call.app for call in other.calls]
            assert all(shop.app(call.app).route(call.route) for call in other.calls)


def test_the_same_seed_gives_the_same_variant_and_another_seed_another() -> None:
    assert variant(SHOP, 4) == variant(SHOP, 4)
    one, other = variant(SHOP, 4)[1], variant(SHOP, 5)[1]
    assert one != other
    assert set(one.by_role) == set(other.by_role)


def test_variant_zero_is_the_shop_as_it_is_written() -> None:
    shop, names = variant(SHOP, 0)
    assert shop is SHOP
    assert names.text("http://orders-queue.fulfilment:5672") == "http://orders-queue.fulfilment:5672"


def test_images_of_others_keep_their_repository_and_our_own_move() -> None:
    shop, names = variant(SHOP, 6)
    assert image(shop.app(names.of("session-cache"))).startswith("docker.io/library/redis:")
    ours = image(shop.app(names.of("cart")))
    assert ours.startswith(f"{names.of('registry.shop.example')}/{names.of('shop')}/{names.of('cart')}:")


def test_a_role_is_replaced_as_a_word_and_in_capitals_and_not_inside_another_word() -> None:
    _, names = variant(SHOP, 6)
    cart = names.of("cart")
    assert names.text("http://cart:8080/cart") == f"http://{cart}:8080/{cart}"
    assert names.text("CART_URL") == f"{cart.upper().replace('-', '_')}_URL"
    assert names.text("cartoon") == "cartoon"
    assert names.text("orders-queue") == names.of("orders-queue")
    assert names.role(cart) == "cart"
    assert names.anywhere({"cart": ["to cart", 3]}) == {cart: [f"to {cart}", 3]}


def test_a_field_that_a_program_gets_later_is_renamed_too() -> None:
    with_variable = replace(
        SHOP, apps=tuple(replace(app, env=(("FALLBACK", "http://search:8080"),)) for app in SHOP.apps)
    )
    shop, names = variant(with_variable, 8)
    assert shop.apps[0].env == (("FALLBACK", f"http://{names.of('search')}:8080"),)


def test_the_list_of_words_is_large_enough_to_learn_nothing_from() -> None:
    assert len(set(WORDS)) == len(WORDS) > 100
