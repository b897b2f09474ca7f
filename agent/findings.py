"""What a run found, as findings: one sentence each, with the ids of the evidence it stands on.

This is where a diagnosis, a plan, its outcome and the runbooks become sentences. Both kinds of model word the same findings; the offline
planner says them as they are.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from agent.state import Evidence, State, Step
from agent.wording import failed, gap_line, missing_lines
from core.language import Language, Text

Finding = dict[str, Any]
MAX_CAUSES = 3
MAX_SYMPTOMS = 3
MAX_GAPS = 6
MAX_PAGES = 3
_CAUSE = Text("Most likely cause ({confidence:.0%}): {statement}", "最可能的原因（{confidence:.0%}）：{statement}")
_OTHER = Text("Also possible ({confidence:.0%}): {statement}", "另一种可能（{confidence:.0%}）：{statement}")
_AFFECTED = Text("Affected: {names}", "受影响：{names}")
_SYMPTOM = Text("Symptom: {statement}", "症状：{statement}")
_HEALTHY = Text(
    "No fault was found in {subject}, and every source that could contradict this was read.",
    "在 {subject} 中没有发现故障，并且所有可能推翻这一结论的来源都已读取。",
)
_UNSURE = Text(
    "No cause was found in {subject}, but that is not proof of health, because not everything could be read.",
    "在 {subject} 中没有找到原因，但由于有些来源没有读到，不能据此认为是健康的。",
)
_CALM = Text("No cause was found in {subject}.", "在 {subject} 中没有找到原因。")
_RUNBOOK = Text("Runbook “{title}” > {heading}: {quote}", "手册《{title}》> {heading}：{quote}")
_NO_PAGE = Text("The knowledge base has nothing on this. {reason}", "知识库中没有相关内容。{reason}")
_PLAN = Text(
    "Proposed repair: {title}. Risk: {risk}. Expected effect: {effect}",
    "建议的修复：{title}。风险：{risk}。预期效果：{effect}",
)
_REFUSED = Text(
    "The repair was refused by {by}{note}; nothing was changed.", "修复被 {by} 拒绝{note}；没有做任何改动。"
)
_OUTCOME = Text("The plan “{title}” is now {state}. {reason}", "方案“{title}”现在的状态是 {state}。{reason}")
_STATES = {
    "applying": "执行中",
    "verifying": "验证中",
    "undoing": "撤销中",
    "succeeded": "已成功",
    "undone": "已撤销",
    "failed": "失败",
    "superseded": "已作废",
    "expired": "已过期",
}
_NO_REMEDY = Text(
    "No repair can be proposed: no cause with a known repair was found.",
    "无法提出修复方案：没有找到有已知修复办法的原因。",
)
_UNKNOWN = Text(
    "Nothing called {name} was found in any namespace (read: {kinds}).",
    "在所有命名空间中都没有找到名为 {name} 的对象（已查：{kinds}）。",
)
_ALERT = Text("The alert {name} is {state}{since}{summary}", "告警 {name} 状态为 {state}{since}{summary}")


def of_run(state: State, language: Language) -> list[Finding]:
    """Everything the run knows, in the order a person wants to hear it; after a decision, only what came of it."""
    if state.get("decision"):
        applied = [step for step in state.get("steps", []) if step["tool"] == "apply_plan"]
        return [*_outcome(state, language), *(item for step in applied for item in gaps(step, language))]
    found = _alert(state, language)
    for step in _named(state, "diagnose"):
        found += diagnosis(step, state.get("evidence", []), language)
    if state["route"]["route"] == "diagnosis" and not _named(state, "diagnose"):
        found += _undiagnosed(state, language)
    most = MAX_PAGES if state["route"]["route"] == "knowledge" else 1
    found += [item for step in _named(state, "search_knowledge") for item in pages(step, language, most)]
    found += _plan(state, language)
    found += [item for step in state.get("steps", []) for item in gaps(step, language)]
    return found


def diagnosis(step: Step, evidence: Sequence[Evidence], language: Language) -> list[Finding]:
    found = step["data"]
    by_cause = _evidence_by_cause(step, evidence)
    items: list[Finding] = []
    for index, cause in enumerate(found.get("causes", [])[:MAX_CAUSES]):
        said = (_OTHER if index else _CAUSE)(language, confidence=cause["confidence"], statement=cause["statement"])
        ids = [*by_cause.get(index, []), *step["evidence"][:1]]
        items.append({"say": said, "evidence": ids})
        if not index and cause.get("affected"):
            names = ", ".join(_component(each) for each in cause["affected"][:5])
            items.append({"say": _AFFECTED(language, names=names), "evidence": step["evidence"][:1]})
    if not items:
        items.append(
            {"say": _verdict(found)(language, subject=found.get("subject", "")), "evidence": step["evidence"][:1]}
        )
        items += [
            {"say": _SYMPTOM(language, statement=each["statement"]), "evidence": step["evidence"][:1]}
            for each in found.get("symptoms", [])[:MAX_SYMPTOMS]
        ]
    return items


def pages(step: Step, language: Language, most: int) -> list[Finding]:
    if not step["ok"]:
        return []
    hits = step["data"].get("hits", [])
    if not hits:
        return [{"say": _NO_PAGE(language, reason=step["data"].get("reason", "")), "evidence": step["evidence"][:1]}]
    shown = zip(hits[:most], step["evidence"][1:], strict=False)
    return [
        {"say": _RUNBOOK(language, title=hit["title"], heading=hit["heading"], quote=_line(hit)), "evidence": [found]}
        for hit, found in shown
    ]


def gaps(step: Step, language: Language) -> list[Finding]:
    """What could not be read in one step: never left out of an answer."""
    if not step["ok"]:
        return [{"say": failed(step, language), "evidence": step["evidence"][:1]}]
    lines = missing_lines(step, language)
    lines += [gap_line(gap, language) for gap in step["data"].get("gaps") or []]
    return [{"say": line, "evidence": step["evidence"][:1]} for line in list(dict.fromkeys(lines))[:MAX_GAPS]]


def no_remedy(language: Language) -> str:
    return _NO_REMEDY(language)


def _undiagnosed(state: State, language: Language) -> list[Finding]:
    """There was nothing to diagnose: an object that nobody knows, or an estate without trouble."""
    looked = _named(state, "list_objects")
    name = state["route"].get("name")
    if name and looked:
        kinds = ", ".join(dict.fromkeys(str(step["arguments"].get("kind")) for step in looked))
        return [
            {"say": _UNKNOWN(language, name=name, kinds=kinds), "evidence": [step["evidence"][0] for step in looked]}
        ]
    calm = [*_named(state, "list_alerts"), *_named(state, "cluster_overview")]
    return [{"say": step["summary"], "evidence": step["evidence"][:1]} for step in calm]


def _named(state: State, tool: str) -> list[Step]:
    return [step for step in state.get("steps", []) if step["tool"] == tool and step["ok"]]


def _alert(state: State, language: Language) -> list[Finding]:
    items: list[Finding] = []
    for step in _named(state, "get_alert"):
        alert = step["data"].get("alert") or step["data"]
        summary = alert.get("summary") or (alert.get("annotations") or {}).get("summary", "")
        since = f" ({alert['starts_at']})" if alert.get("starts_at") else ""
        said = _ALERT(
            language,
            name=alert.get("name", ""),
            state=alert.get("state", ""),
            since=since,
            summary=f": {summary}" if summary else "",
        )
        items.append({"say": said, "evidence": step["evidence"][:1]})
    return items


def _plan(state: State, language: Language) -> list[Finding]:
    plan = state.get("plan")
    if plan:
        proposed = _named(state, "propose_fix")
        ids = proposed[-1]["evidence"][:1] if proposed else []
        said = _PLAN(
            language, title=plan.get("title", ""), risk=plan.get("risk", ""), effect=plan.get("expected_effect", "")
        )
        return [{"say": said, "evidence": ids}]
    wanted = state["route"].get("fix") and _named(state, "diagnose")
    tried = any(step["tool"] == "propose_fix" for step in state.get("steps", []))
    ids = [step["evidence"][0] for step in _named(state, "diagnose")]
    return [{"say": _NO_REMEDY(language), "evidence": ids}] if wanted and not tried else []


def _outcome(state: State, language: Language) -> list[Finding]:
    decision, plan = state.get("decision"), state.get("plan")
    if not decision or not plan:
        return []
    if not decision["approved"]:
        note = f" ({decision['note']})" if decision.get("note") else ""
        return [{"say": _REFUSED(language, by=decision["by"], note=note), "evidence": decision["evidence"]}]
    applied = next((step for step in reversed(state["steps"]) if step["tool"] == "apply_plan"), None)
    if applied is None or not applied["ok"]:
        return []
    done = applied["data"].get("plan") or applied["data"]
    state_name = str(done.get("state", ""))
    shown = _STATES.get(state_name, state_name) if language == "zh" else state_name
    said = _OUTCOME(language, title=plan["title"], state=shown, reason=done.get("state_reason", ""))
    return [{"say": said.strip(), "evidence": applied["evidence"][:1]}]


def _evidence_by_cause(step: Step, evidence: Sequence[Evidence]) -> dict[int, list[str]]:
    known = {(each["ref"], each["quote"]): each["id"] for each in evidence if each["id"] in step["evidence"]}
    return {
        index: [known[key] for item in cause["evidence"] if (key := (item["ref"], item["quote"])) in known]
        for index, cause in enumerate(step["data"].get("causes", []))
    }


def _verdict(found: Mapping[str, Any]) -> Text:
    if found.get("healthy"):
        return _HEALTHY
    return _UNSURE if found.get("gaps") else _CALM


def _component(each: Mapping[str, Any]) -> str:
    return (
        f"{each['kind']} {each['namespace']}/{each['name']}"
        if each.get("namespace")
        else f"{each['kind']} {each['name']}"
    )


def _line(hit: Mapping[str, Any]) -> str:
    return " ".join(str(hit.get("quote") or hit.get("text", "")).split())[:300]
