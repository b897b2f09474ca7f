"""The quota controller: every ResourceQuota's status tells what its namespace uses of what it may have."""

from __future__ import annotations

from simulator.controllers.context import Context
from simulator.kubernetes_api import usage
from simulator.objects import with_status


def reconcile(ctx: Context) -> None:
    for quota in ctx.store.list("ResourceQuota"):
        hard = (quota.get("spec") or {}).get("hard") or {}
        ctx.store.update("ResourceQuota", with_status(quota, {"hard": hard, "used": usage(ctx.store, quota)}))
