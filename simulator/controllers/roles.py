"""The cluster role aggregation controller: a role with an aggregation rule holds the rules of all roles that the rule selects."""

from __future__ import annotations

from simulator.controllers.context import Context
from simulator.objects import Object, label_selector_matches, labels_of, name_of


def reconcile(ctx: Context) -> None:
    roles = ctx.store.list("ClusterRole")
    for role in roles:
        selectors = (role.get("aggregationRule") or {}).get("clusterRoleSelectors") or []
        if selectors:
            ctx.store.update("ClusterRole", {**role, "rules": _gathered(role, selectors, roles)})


def _gathered(role: Object, selectors: list[Object], roles: list[Object]) -> list[Object]:
    rules: list[Object] = []
    for each in roles:
        selected = any(label_selector_matches(selector, labels_of(each)) for selector in selectors)
        if selected and name_of(each) != name_of(role):
            rules += [rule for rule in each.get("rules") or [] if rule not in rules]
    return rules
