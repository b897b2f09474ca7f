"""What the doors do with rules: the HTTP routes and the console, each by the same few functions."""

from datetime import timedelta
from typing import Any

from pydantic import ValidationError

from alerts.rulebook.backtest import Report, backtest
from alerts.rulebook.book import Kept
from alerts.rulebook.definition import Definition
from alerts.rulebook.hindsight import backtest_forest
from alerts.rulebook.unittests import Verdict
from alerts.rules import Rule
from api.wiring import House
from core.errors import Conflict, Invalid, NotFound


async def shown(house: House) -> list[dict[str, Any]]:
    """Every rule in force, with its health, and those kept here that are disabled."""
    kept = {each.id: each for each in await house.alerts.book.all()}
    inforce = house.desk.rules()
    known = {rule["id"] for rule in inforce}
    found = [
        {**rule, "rule_id": rule["id"], **(kept[rule["id"]].to_json() if rule["id"] in kept else {})}
        for rule in inforce
    ]
    return [*found, *(each.to_json() for each in kept.values() if each.id not in known)]


async def shown_one(house: House, rule_id: str) -> dict[str, Any]:
    found = next((rule for rule in house.desk.rules() if rule["id"] == rule_id), None)
    try:
        kept = (await house.alerts.book.get(rule_id)).to_json()
    except NotFound:
        if found is None:
            raise
        kept = {}
    return {**(found or {}), "rule_id": rule_id, **kept}


async def would_have_fired(house: House, rule: Rule, days: float) -> Report:
    interval = timedelta(seconds=house.settings.evaluation_interval)
    now, length = house.clock.now(), timedelta(days=days)
    if rule.forest:
        return await backtest_forest(rule, rule.forest, house.prometheus, now, length)
    return await backtest(rule, house.prometheus, now, length, interval)


async def unit_tested(house: House, tests: str, tried: Definition | None = None) -> Verdict:
    kept = [each.definition for each in await house.alerts.book.all() if each.enabled]
    beside = [each for each in kept if tried is None or each.name != tried.name]
    return await house.alerts.unit_tests.run(tests, [*beside, *([tried] if tried else [])])


async def change(house: House, rule_id: str, by: str, seen: int | None, values: dict[str, Any]) -> Kept:
    refuse_of_a_file(house, rule_id)
    try:
        return await house.alerts.book.change(rule_id, by, seen=seen, **values)
    except ValidationError as error:
        raise invalid(error) from None


async def enable(house: House, rule_id: str, by: str, *, enabled: bool) -> Kept:
    refuse_of_a_file(house, rule_id)
    return await house.alerts.book.enable(rule_id, by, enabled=enabled)


def defined(values: dict[str, Any]) -> Definition:
    try:
        return Definition.model_validate(values)
    except ValidationError as error:
        raise invalid(error) from None


def invalid(error: ValidationError) -> Invalid:
    first = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"])
    return Invalid(f"The field {place or 'rule'} is wrong: {first['msg']}.", field=place or "rule")


def refuse_of_a_file(house: House, rule_id: str) -> None:
    rule = house.alerts.evaluator.rule(rule_id)
    if rule and rule.source != "firstmate":
        raise Conflict(
            f"The rule {rule.name} is in the file {rule.source}: change it there, or bring the file in with /alerts/rules/import."
        )
