"""Kubernetes quantities ("250m", "256Mi", "1.5") as floats: cores for CPU, bytes for memory."""

from __future__ import annotations

from typing import Any

from simulator.kubernetes_api import quantity as exact


def quantity(value: Any) -> float:
    """The number a quantity stands for; ValueError says which text is none."""
    return float(exact.quantity(str(value)))


def resource(container: dict[str, Any], section: str, name: str) -> float | None:
    """A container's request or limit; None where it has none (a request falls back to the limit, as the API server fills it)."""
    resources = container.get("resources") or {}
    value = (resources.get(section) or {}).get(name)
    if value is None and section == "requests":
        value = (resources.get("limits") or {}).get(name)
    return None if value is None else quantity(value)
