"""What was seen before that is like this: what is asked for it, and how it is said.

A past case is a hint and no evidence of the present cause: it is asked for after the diagnosis, changes nothing in it, and is told in the
past tense with the reasons why it is alike, so that a person can compare.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from agent.envelope import clip
from agent.state import State, Step
from agent.terms import moment
from core.language import Language, Text

TOOL = "similar_incidents"
MAX_SHOWN = 2
MAX_TEXT, MAX_LINE, MAX_LINES, MAX_VALUE, MAX_LABELS = 4_000, 2_000, 10, 253, 40
MAX_SAID, MAX_WHY = 200, 3
_SEEN = Text(
    "Seen before, on {at}{draft}: {title}. Cause then: {cause} What helped then: {fix}{took} Alike: {why}.",
    "以前见过（{at}{draft}）：{title}。当时的原因：{cause} 当时的处理：{fix}{took} 相似之处：{why}。",
)
_DRAFT = Text(", a case that nobody has confirmed", "，该案例未经人工确认")
_TOOK = Text(" It took {minutes} min.", " 用时 {minutes} 分钟。")


def wanted(cause: Mapping[str, Any] | None, steps: Sequence[Step]) -> dict[str, Any] | None:
    """What the past is asked by: the alert and the component of the first cause; None where neither is known."""
    alert = _alert(steps)
    if cause is None and not alert:
        return None
    component, evidence = (cause or {}).get("component") or {}, (cause or {}).get("evidence") or []
    labels = {name: str(value) for name, value in (alert.get("labels") or {}).items() if len(str(value)) <= MAX_VALUE}
    logs = [str(each["quote"])[:MAX_LINE] for each in evidence if each.get("source") == "log"]
    said = [str((cause or {}).get("statement", "")), str(alert.get("summary", ""))]
    asked = {
        "alert": str(alert.get("name", "")),
        "labels": dict(list(labels.items())[:MAX_LABELS]),
        "namespace": component.get("namespace") or labels.get("namespace", ""),
        "component": component.get("name", ""),
        "logs": logs[:MAX_LINES],
        "text": "\n".join(filter(None, said))[:MAX_TEXT],
    }
    return {name: value for name, value in asked.items() if value}


def findings(state: State, language: Language) -> list[dict[str, Any]]:
    """Each case cites its own place among the cases, never the evidence of the cause."""
    steps = [step for step in state.get("steps", []) if step["tool"] == TOOL and step["ok"]]
    return [
        {"say": _said(case, language), "evidence": [mark]}
        for step in steps
        for case, mark in list(zip(step["data"].get("cases") or [], step["evidence"][1:], strict=False))[:MAX_SHOWN]
    ]


def quotes(step: Step) -> list[dict[str, str]]:
    """The cases of a result, as pieces that can be cited on their own."""
    return [
        {
            "source": "case",
            "ref": f"cases/{case['id']}",
            "quote": " ".join([str(case["title"]), str(case["cause"]), str(case["fix"])]),
            "at": str(case.get("at") or ""),
        }
        for case in step["data"].get("cases") or []
    ]


def _said(case: Mapping[str, Any], language: Language) -> str:
    minutes = case.get("minutes")
    return _SEEN(
        language,
        at=moment(str(case["at"])),
        draft="" if case.get("state") == "confirmed" else _DRAFT(language),
        title=clip(str(case["title"]), MAX_SAID),
        cause=clip(str(case["cause"]), MAX_SAID),
        fix=clip(str(case["fix"]), MAX_SAID),
        took=_TOOK(language, minutes=minutes) if minutes is not None else "",
        why=("；" if language == "zh" else "; ").join(case["why"][:MAX_WHY]),
    )


def _alert(steps: Sequence[Step]) -> Mapping[str, Any]:
    found = next((step["data"] for step in steps if step["tool"] == "get_alert" and step["ok"]), {})
    return found.get("alert") or found
