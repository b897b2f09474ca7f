"""What an expression of Prometheus measures, read from its text, for answers that bear their query instead of a name.

No parser: the names of metrics in it, what was done to them (a rate, a quantile, a share of a hundred), and whether one is divided by
another. That is enough to know the signal; the numbers were worked out by who asked.
"""

import re
from dataclasses import dataclass

from tools.engines.metrics.roles import ROLES, Role, known
from tools.engines.snapshot import Signal

_IS_EXPRESSION = re.compile(r"[({\[]|\s[-+*/]\s")
_BRACED = re.compile(r"\{[^{}]*\}|\[[^\[\]]*\]|\"[^\"]*\"")
_GROUPING = re.compile(r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\([^()]*\)", re.IGNORECASE)
_NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*(?!\s*\()\b(?!\s*\()")
_MATCHERS = re.compile(r"\{([^{}]*)\}")
_MATCHER = re.compile(r"(\w+)\s*=~?\s*[\"']([^\"']*)[\"']")
_WORDS = {"and", "or", "unless", "bool", "offset", "inf", "nan", "by", "without", "e"}
_QUANTILE = re.compile(r"(?:histogram_quantile|quantile)\w*\s*\(\s*(0?\.\d+|1)\s*,")
_SHARES: dict[tuple[Signal, Signal], Signal] = {
    ("cpu_held_periods", "cpu_periods"): "cpu_throttled",
    ("cpu_usage", "cpu_limit"): "cpu_share",
    ("cpu_usage", "cpu_quota"): "cpu_share",
    ("cpu_usage", "cpu_request"): "cpu_of_request",
    ("memory", "memory_limit"): "memory_share",
    ("memory_all", "memory_limit"): "memory_share",
    ("memory_rss", "memory_limit"): "memory_share",
    ("node_memory_free", "node_memory_total"): "node_memory_free_share",
    ("node_disk_free", "node_disk_total"): "node_disk_free_share",
    ("node_retransmits", "node_segments"): "node_retransmit_share",
    ("requests", "requests"): "error_share",
    ("errors", "requests"): "error_share",
    ("failed_calls", "calls"): "failed_share",
    ("open_files", "open_files_most"): "open_files_share",
    ("db_connections", "db_connections_most"): "db_connections_share",
    ("cache_hits", "cache_misses"): "cache_ratio",
    ("node_disk_time", "node_disk_operations"): "node_disk_wait",
}
_BAD = re.compile(r"[45]\.|5xx|error|!~?\"?[23]", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Meant:
    signal: Signal
    scale: float
    quantile: str = ""


def is_expression(text: str) -> bool:
    return _IS_EXPRESSION.search(text) is not None


def meant_by(text: str) -> Meant | None:
    """The signal of an expression whose metrics are known; None where they are not."""
    plain = _GROUPING.sub(" ", _BRACED.sub(" ", text))
    names = [name for name in _NAME.findall(plain) if name.lower() not in _WORDS]
    roles = [role for name in names if (role := _role(name, text)) and role.form != "ignored"]
    if not roles:
        return None
    hundred = 0.01 if re.search(r"\*\s*100\b|\b100\s*\*", plain) else 1.0
    quantile = _QUANTILE.search(text)
    if quantile:
        scale = (
            roles[0].scale if not re.search(r"/\s*1000\b", plain) or len({role.scale for role in roles}) > 1 else 1.0
        )
        return Meant(roles[0].signal, 1.0 if len({role.scale for role in roles}) > 1 else scale, quantile[1])
    parts = _divided(names, plain)
    if parts and len(roles) > 1:
        return _share(roles, hundred)
    return _alone(roles, text, plain, hundred)


def _role(name: str, text: str) -> Role | None:
    if name not in ROLES and f"{name}_total" not in ROLES and name.removesuffix("_total") not in ROLES:
        return None
    matchers = re.search(re.escape(name) + r"\s*\{([^{}]*)\}", text)
    labels = dict(_MATCHER.findall(matchers[1])) if matchers else {}
    found = known(name, labels)
    if found and found.form == "ignored" and not labels:
        return ROLES[name][0] if name in ROLES else found
    return found


def _divided(names: list[str], plain: str) -> bool:
    return len(names) > 1 and re.search(r"[)\w\s]/\s*[\w(]", plain) is not None


def _share(roles: list[Role], hundred: float) -> Meant | None:
    first, last = (
        roles[0],
        next((role for role in roles[1:] if role.signal != roles[0].signal or role.form != roles[0].form), roles[1]),
    )
    if {first.form, last.form} == {"sum", "count"}:
        return Meant(first.signal, first.scale, "mean")
    signal = _SHARES.get((first.signal, last.signal))
    return Meant(signal, hundred) if signal else None


def _alone(roles: list[Role], text: str, plain: str, hundred: float) -> Meant | None:
    role = roles[0]
    if role.signal == "node_cpu_modes":
        return _of_modes(text, plain, hundred)
    if role.form == "count":
        rate = {"latency": "requests", "call_latency": "calls", "edge_latency": "edge_requests"}.get(role.signal)
        return Meant(rate, 1.0) if rate else None
    if role.form in {"bucket", "sum"}:
        return None
    signal = role.signal
    if signal in {"requests", "calls"} and _asks_for_bad(text):
        signal = {"requests": "errors", "calls": "failed_calls"}[signal]
    if signal == "cpu_usage" and hundred != 1.0:
        return Meant("cpu_usage", hundred)
    return Meant(signal, role.scale * hundred)


def _asks_for_bad(text: str) -> bool:
    return any(
        re.search(r"code|status|class|outcome|result", key, re.IGNORECASE) and _BAD.search(value)
        for body in _MATCHERS.findall(text)
        for key, value in _MATCHER.findall(body)
    )


def _of_modes(text: str, plain: str, hundred: float) -> Meant | None:
    if "iowait" in text:
        return Meant("node_iowait", hundred)
    if "steal" in text:
        return Meant("node_steal", hundred)
    if re.search(r"\b100\s*-", plain):
        return Meant("node_cpu", 0.01)
    if re.search(r"\b1\s*-", plain) or re.search(r"mode\s*!=", text):
        return Meant("node_cpu", hundred)
    return None
