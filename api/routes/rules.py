"""Rules: listed, kept here with their versions, tried on the past before they are saved, brought in and taken out as Prometheus files."""

from typing import Annotated, Any, Literal

import yaml
from fastapi import APIRouter, Path, Query, Request, Response

from alerts.reading import Sample, Told
from alerts.rulebook.definition import GROUP, Definition, from_prometheus, rule_of
from alerts.rules import parse_rules
from api import rulings
from api.deps import Limit, Offset, TheCaller, TheHouse, TheOperator
from api.errors import ok
from api.schemas.rules import Backtest, ChangeRule, Import, Restore, RunUnitTests
from core.errors import FirstmateError, Invalid

router = APIRouter(tags=["rules"])
RuleId = Annotated[str, Path(min_length=1, max_length=64, pattern=r"^[0-9a-zA-Z-]+$")]


@router.get("")
async def rules(
    request: Request,
    house: TheHouse,
    _caller: TheCaller,
    name: Annotated[str, Query(max_length=255, description="A part of the name")] = "",
    health: Literal["unknown", "ok", "failing"] | None = None,
    limit: Limit = 100,
    offset: Offset = 0,
) -> dict[str, Any]:
    found = [
        rule
        for rule in await rulings.shown(house)
        if name.lower() in rule["name"].lower() and health in (None, rule.get("health"))
    ]
    return ok(request, {"total": len(found), "rules": found[offset : offset + limit]})


@router.post("", status_code=201)
async def add(request: Request, house: TheHouse, caller: TheOperator, body: Definition) -> dict[str, Any]:
    return ok(request, (await house.alerts.book.add(body, caller.name)).to_json())


@router.get("/export")
async def export(house: TheHouse, _caller: TheCaller) -> Response:
    """What is kept here and enabled, as a Prometheus rule file; what such a file cannot say is named in a comment."""
    enabled = [each.definition for each in await house.alerts.book.all() if each.enabled]
    rules = [each.as_prometheus() for each in enabled if not each.forest]
    text = "".join(_left_out(each.name) for each in enabled if each.forest)
    text += yaml.safe_dump({"groups": [{"name": GROUP, "rules": rules}]}, sort_keys=False, allow_unicode=True)
    return Response(
        text,
        media_type="application/yaml",
        headers={"Content-Disposition": "attachment; filename=firstmate-rules.yaml"},
    )


@router.post("/import", status_code=201)
async def bring_in(request: Request, house: TheHouse, caller: TheOperator, body: Import) -> dict[str, Any]:
    """All rules of a Prometheus rule file, or none if one of them is wrong."""
    found = [from_prometheus(rule) for group in parse_rules(body.content, "the file") for rule in group.rules]
    if not found:
        raise Invalid("The file has no alerting rules.", field="content")
    return ok(request, [each.to_json() for each in await house.alerts.book.add_all(found, caller.name)])


@router.post("/backtest")
async def try_on_the_past(request: Request, house: TheHouse, _caller: TheCaller, body: Backtest) -> dict[str, Any]:
    """Would it have fired, and when: nothing is saved, nobody is told."""
    if (body.rule is None) == (body.rule_id is None):
        raise Invalid("Name rule or rule_id: one of them.", field="rule")
    rule = rule_of(body.rule, "tried") if body.rule else house.alerts.evaluator.rule(body.rule_id or "")
    if rule is None:
        rule = (await house.alerts.book.get(body.rule_id or "")).rule
    return ok(request, (await rulings.would_have_fired(house, rule, body.days)).to_json())


@router.post("/unit-test")
async def unit_test(request: Request, house: TheHouse, _caller: TheOperator, body: RunUnitTests) -> dict[str, Any]:
    """The kept rules against tests in promtool's format: nothing is saved, nobody is told."""
    return ok(request, (await rulings.unit_tested(house, body.content, body.rule)).to_json())


@router.get("/{rule_id}")
async def one(request: Request, house: TheHouse, _caller: TheCaller, rule_id: RuleId) -> dict[str, Any]:
    return ok(request, await rulings.shown_one(house, rule_id))


@router.put("/{rule_id}")
async def change(
    request: Request, house: TheHouse, caller: TheOperator, rule_id: RuleId, body: ChangeRule
) -> dict[str, Any]:
    return ok(request, (await rulings.change(house, rule_id, caller.name, body.version, body.values())).to_json())


@router.delete("/{rule_id}")
async def remove(request: Request, house: TheHouse, caller: TheOperator, rule_id: RuleId) -> dict[str, Any]:
    rulings.refuse_of_a_file(house, rule_id)
    await house.alerts.book.remove(rule_id, caller.name)
    return ok(request, {"rule_id": rule_id, "status": "removed"})


@router.post("/{rule_id}/enable")
async def enable(request: Request, house: TheHouse, caller: TheOperator, rule_id: RuleId) -> dict[str, Any]:
    kept = await rulings.enable(house, rule_id, caller.name, enabled=True)
    return ok(request, {**kept.to_json(), "enabled_at": kept.updated_at.isoformat()})


@router.post("/{rule_id}/disable")
async def disable(request: Request, house: TheHouse, caller: TheOperator, rule_id: RuleId) -> dict[str, Any]:
    """Its alerts end as those of a removed rule do; what it was is kept."""
    kept = await rulings.enable(house, rule_id, caller.name, enabled=False)
    return ok(request, {**kept.to_json(), "disabled_at": kept.updated_at.isoformat()})


@router.get("/{rule_id}/versions")
async def versions(request: Request, house: TheHouse, _caller: TheCaller, rule_id: RuleId) -> dict[str, Any]:
    return ok(request, [each.to_json() for each in await house.alerts.book.versions(rule_id)])


@router.post("/{rule_id}/restore")
async def restore(
    request: Request, house: TheHouse, caller: TheOperator, rule_id: RuleId, body: Restore
) -> dict[str, Any]:
    return ok(request, (await house.alerts.book.restore(rule_id, body.version, caller.name)).to_json())


@router.post("/{rule_id}/test")
async def test(request: Request, house: TheHouse, _caller: TheCaller, rule_id: RuleId) -> dict[str, Any]:
    """What its expression gives now: the series that would be alerts, and nothing is raised."""
    rule = house.alerts.evaluator.rule(rule_id) or (await house.alerts.book.get(rule_id)).rule
    try:
        seen = await house.alerts.evaluator.look(rule, house.clock.now())
    except FirstmateError as error:
        return ok(request, {"rule_id": rule_id, "expr": rule.expr, "error": error.sentence, "series": []})
    series = [_series(sample) for sample in seen.samples[:100]]
    note = {"note": seen.note} if seen.note else {}
    return ok(request, {"rule_id": rule_id, "expr": rule.expr, "count": len(seen.samples), "series": series, **note})


def _series(sample: Sample) -> dict[str, Any]:
    why = {"why": sample.annotations["description"]} if isinstance(sample, Told) else {}
    return {"labels": dict(sample.labels), "value": sample.value, **why}


def _left_out(name: str) -> str:
    """A comment, for a name may hold anything."""
    return f"# {' '.join(name.split())} is left out: an isolation forest cannot be written as PromQL.\n"
