"""What a run found, as findings: one sentence each, with the ids of the evidence it stands on.

This is where a diagnosis, a plan, its outcome and the runbooks become sentences. Both kinds of model word the same findings; the offline
planner says them as they are.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from agent import precedents
from agent.envelope import clip
from agent.quoting import brief, repair_hit, undoes
from agent.state import Evidence, State, Step
from agent.terms import moment, term
from agent.wording import failed, gap_line, missing_lines, pressing_first
from core.language import Language, Text

Finding = dict[str, Any]
MAX_CAUSES = 3
MAX_SYMPTOMS = 3
MAX_GAPS = 6
MAX_PROOFS = 2
MAX_PROOF = 140
MAX_MARKS = 3
_CAUSE = Text("Most likely cause ({confidence:.0%}): {statement}", "最可能的原因（{confidence:.0%}）：{statement}")
_OTHER = Text("Also possible ({confidence:.0%}): {statement}", "另一种可能（{confidence:.0%}）：{statement}")
_ALSO = Text("Also found ({confidence:.0%}): {statement}", "另外发现（{confidence:.0%}）：{statement}")
_EVIDENCE = Text("Evidence: {quotes}", "证据：{quotes}")
_QUOTE = Text("{ref} says “{quote}”", "{ref} 显示“{quote}”")
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
_SEE = Text("Runbook: “{title}” > {heading} ({path})", "手册：《{title}》> {heading}（{path}）")
_UNDO_WITH_CARE = Text(
    "Read `kubectl rollout history` before `rollout undo`: it goes back to the revision before, which after a rollback is the bad one.",
    "执行 `rollout undo` 之前先看 `kubectl rollout history`：它回到上一个版本，如果刚回滚过，上一个版本正是有问题的那个。",
)
ROLLBACK = "rollback_rollout"
_PLAN = Text("Proposed repair ({risk} risk): {title}. {effect}", "建议的修复（风险：{risk}）：{title}。{effect}")
_WAITING = Text(
    "Nothing has been changed: the repair is waiting for your approval until {until}.",
    "目前没有做任何改动：修复正在等待你的批准，{until} 前有效。",
)
_THEN = Text("On approval it is carried out and verified ({checks}){undo}.", "批准后会执行并验证（{checks}）{undo}。")
_UNDO = Text("; if it does not help, it is taken back", "；如果无效会自动撤销")
_REFUSED = Text(
    "The repair was refused by {by}{note}; nothing was changed.", "修复被 {by} 拒绝{note}；没有做任何改动。"
)
_DONE = Text("{title}: {state}. Approved by {by}{note}.", "{title}：{state}。由 {by} 批准{note}。")
_NO_REMEDY = Text(
    "No repair can be proposed: no cause with a known repair was found.",
    "无法提出修复方案：没有找到有已知修复办法的原因。",
)
_UNKNOWN = Text(
    "Nothing called {name} was found in any namespace (read: {kinds}).",
    "在所有命名空间中都没有找到名为 {name} 的对象（已查：{kinds}）。",
)
_MISSED = Text(
    "There is nothing called {name} in {place}, so all of {place} was examined.",
    "{place} 中没有名为 {name} 的对象，因此检查了整个 {place}。",
)
_NOT_MEANT = Text(
    "No repair is proposed, because {name} is not there; name the object that is meant.",
    "由于 {name} 不存在，没有提出修复方案；请说明具体是哪个对象。",
)
_ALERT = Text(
    "Alert {name} ({severity}) is {state}{since}{summary}", "告警 {name}（{severity}）{state}{since}{summary}"
)
_SINCE = Text(" since {at}", "，自 {at} 起")
_WHICH = Text(
    "Say which alert is meant, by its name or fingerprint; nothing was acknowledged.",
    "请用名称或指纹说明是哪条告警；没有认领任何告警。",
)
_CHECKS = re.compile(r"^(?P<lead>[^✓✗]*?)\s*[:：]\s*(?P<checks>[✓✗?] .+)$", re.DOTALL)


def of_run(state: State, language: Language) -> list[Finding]:
    """Everything the run knows, the most important first; after a decision, only what came of it."""
    if state.get("decision"):
        applied = [step for step in state.get("steps", []) if step["tool"] == "apply_plan"]
        return [*_outcome(state, language), *(item for step in applied for item in gaps(step, language))]
    found = [*_taken(state, language), *_not_found(state, language)]
    diagnoses = sorted(_named(state, "diagnose"), key=_sureness, reverse=True)
    for step in diagnoses:
        found += diagnosis(step, state.get("evidence", []), language)
    if state["route"]["route"] == "diagnosis" and not diagnoses:
        found += _undiagnosed(state)
    found += [*_alert(state, language), *precedents.findings(state, language)]
    found += [*_plan(state, language), *_from_pages(state, language)]
    found += [item for step in state.get("steps", []) if not _is_retold(step, state) for item in gaps(step, language)]
    return found


def diagnosis(step: Step, evidence: Sequence[Evidence], language: Language) -> list[Finding]:
    found, own = step["data"], step["evidence"][:1]
    causes = found.get("causes", [])[:MAX_CAUSES]
    if not causes:
        verdict = {"say": _verdict(found)(language, subject=found.get("subject", "")), "evidence": own}
        symptoms = [_SYMPTOM(language, statement=each["statement"]) for each in found.get("symptoms", [])]
        return [verdict, *({"say": said, "evidence": own} for said in symptoms[:MAX_SYMPTOMS])]
    known = {(each["ref"], each["quote"]): each["id"] for each in evidence if each["id"] in step["evidence"]}
    items = [_caused(_CAUSE, causes[0], known, own, language), *_proof(causes[0], known, own, language)]
    if causes[0].get("affected"):
        names = ", ".join(_component(each) for each in causes[0]["affected"][:5])
        items.append({"say": _AFFECTED(language, names=names), "evidence": own})
    for cause in causes[1:]:
        rival = cause["component"] == causes[0]["component"]
        items.append(_caused(_OTHER if rival else _ALSO, cause, known, own, language))
    return items


_Known = Mapping[tuple[str, str], str]


def _caused(text: Text, cause: Mapping[str, Any], known: _Known, own: Sequence[str], language: Language) -> Finding:
    ids = [known[key] for item in cause["evidence"] if (key := (item["ref"], item["quote"])) in known]
    said = text(language, confidence=cause["confidence"], statement=cause["statement"])
    return {"say": said, "evidence": [*ids[:MAX_MARKS], *own]}


def _proof(cause: Mapping[str, Any], known: _Known, own: Sequence[str], language: Language) -> list[Finding]:
    """The weightiest evidence in its own words, each with its mark."""
    heaviest = sorted(cause["evidence"], key=lambda item: -float(item.get("weight", 1)))
    shown = list({item["quote"]: item for item in heaviest}.values())[:MAX_PROOFS]
    quotes = [_QUOTE(language, ref=item["ref"], quote=clip(item["quote"], MAX_PROOF)) for item in shown]
    ids = [known[key] for item in shown if (key := (item["ref"], item["quote"])) in known]
    joined = ("；" if language == "zh" else "; ").join(quotes)
    return [{"say": _EVIDENCE(language, quotes=joined), "evidence": ids or list(own)}]


def gaps(step: Step, language: Language) -> list[Finding]:
    """What could not be read in one step: never left out of an answer."""
    if not step["ok"]:
        return [{"say": failed(step, language), "evidence": step["evidence"][:1]}]
    lines = missing_lines(step, language)
    lines += [gap_line(gap, language) for gap in step["data"].get("gaps") or []]
    return [{"say": line, "evidence": step["evidence"][:1]} for line in list(dict.fromkeys(lines))[:MAX_GAPS]]


def _undiagnosed(state: State) -> list[Finding]:
    """There was nothing to diagnose: an object that nobody knows, or an estate without trouble."""
    if state["route"].get("name") and _named(state, "list_objects"):
        return []
    read = pressing_first([*_named(state, "list_alerts"), *_named(state, "cluster_overview")])
    return [{"say": step["summary"], "evidence": step["evidence"][:1]} for step in read]


def _not_found(state: State, language: Language) -> list[Finding]:
    """A name that leads nowhere is said first: what follows is about something else."""
    route = state["route"]
    looked = _named(state, "list_objects")
    if route["route"] != "diagnosis":
        return []
    nobodys = route.get("unknown") or (route.get("name") if not _tried(state, "diagnose") else "")
    if nobodys and looked:
        kinds = ", ".join(dict.fromkeys(str(step["arguments"].get("kind")) for step in looked))
        ids = [step["evidence"][0] for step in looked]
        return [{"say": _UNKNOWN(language, name=nobodys, kinds=kinds), "evidence": ids}]
    absent = [step for step in state.get("steps", []) if _is_retold(step, state)]
    places = dict.fromkeys(str(step["arguments"].get("namespace", "")) for step in absent)
    return (
        [
            {
                "say": _MISSED(language, name=route.get("missed"), place=", ".join(places)),
                "evidence": [step["evidence"][0] for step in absent],
            }
        ]
        if absent
        else []
    )


def _is_retold(step: Step, state: State) -> bool:
    """A refused diagnosis of an object that is not there, after which the whole place was examined."""
    absent = step["tool"] == "diagnose" and step["error_kind"] == "not_found"
    return absent and bool(state["route"].get("missed")) and bool(_named(state, "diagnose"))


def _named(state: State, tool: str) -> list[Step]:
    return [step for step in _tried(state, tool) if step["ok"]]


def _tried(state: State, tool: str) -> list[Step]:
    return [step for step in state.get("steps", []) if step["tool"] == tool]


def _sureness(step: Step) -> float:
    return max((float(cause["confidence"]) for cause in step["data"].get("causes") or []), default=0.0)


def _taken(state: State, language: Language) -> list[Finding]:
    """What came of the wish to take an alert; the tool's sentence says by whom."""
    if not state["route"].get("taken"):
        return []
    done = _tried(state, "acknowledge_alert")
    if done:
        return [{"say": step["summary"], "evidence": step["evidence"][:1]} for step in done if step["ok"]]
    listed = _named(state, "list_alerts")
    ids = [step["evidence"][0] for step in listed]
    said = [{"say": step["summary"], "evidence": step["evidence"][:1]} for step in listed]
    return [*said, {"say": _WHICH(language), "evidence": ids}]


def _alert(state: State, language: Language) -> list[Finding]:
    items: list[Finding] = []
    for step in _named(state, "get_alert"):
        alert = step["data"].get("alert") or step["data"]
        summary = alert.get("summary") or (alert.get("annotations") or {}).get("summary", "")
        colon = "：" if language == "zh" else ": "
        said = _ALERT(
            language,
            name=alert.get("name", ""),
            severity=term(str(alert.get("severity", "")), language),
            state=term(str(alert.get("state", "")), language),
            since=_SINCE(language, at=moment(str(alert["starts_at"]))) if alert.get("starts_at") else "",
            summary=f"{colon}{summary}" if summary else "",
        )
        items.append({"say": said, "evidence": step["evidence"][:1]})
    return items


def _from_pages(state: State, language: Language) -> list[Finding]:
    """After a diagnosis, the one place that is about the repair of its first cause."""
    steps = _named(state, "search_knowledge")
    cause = _first_cause(state)
    if cause is None:
        return []
    return [item for step in steps for item in _repair_page(step, cause, language)]


def _repair_page(step: Step, cause: Mapping[str, Any], language: Language) -> list[Finding]:
    hits = step["data"].get("hits", [])
    if not hits:
        return []  # the diagnosis stands without a page
    chosen = repair_hit(hits, str(cause.get("fault", "")))
    hit = hits[chosen]
    may_undo = ROLLBACK in (cause.get("remedies") or [])  # the diagnosis found that a release began it
    fault = str(cause.get("fault", ""))
    quote = brief(str(hit.get("text", "")), cause.get("component") or {}, fault=fault, may_undo=may_undo)
    said = (_RUNBOOK if quote else _SEE)(
        language, title=hit["title"], heading=hit["heading"], quote=quote, path=hit.get("path", "")
    )
    if undoes(quote):
        said = f"{said} {_UNDO_WITH_CARE(language)}"
    return [{"say": said, "evidence": step["evidence"][1 + chosen : 2 + chosen] or step["evidence"][:1]}]


def _first_cause(state: State) -> Mapping[str, Any] | None:
    causes = [cause for step in _named(state, "diagnose") for cause in step["data"].get("causes") or []]
    return max(causes, key=lambda cause: float(cause["confidence"]), default=None)


def _plan(state: State, language: Language) -> list[Finding]:
    plan = state.get("plan")
    if plan:
        proposed = _named(state, "propose_fix")
        return _proposed(plan, proposed[-1]["evidence"][:1] if proposed else [], language)
    if not state["route"].get("fix") or not _named(state, "diagnose") or _tried(state, "propose_fix"):
        return []
    ids = [step["evidence"][0] for step in _named(state, "diagnose")]
    missed = str(state["route"].get("missed") or "")
    cause = _first_cause(state)
    not_meant = missed and cause is not None and cause.get("remedies")
    return [{"say": _NOT_MEANT(language, name=missed) if not_meant else _NO_REMEDY(language), "evidence": ids}]


def _proposed(plan: Mapping[str, Any], ids: Sequence[str], language: Language) -> list[Finding]:
    said = [
        _PLAN(
            language,
            title=plan.get("title", ""),
            risk=term(str(plan.get("risk", "")), language),
            effect=plan.get("expected_effect", ""),
        ),
        _WAITING(language, until=moment(str(plan.get("expires_at", "")))),
    ]
    checks = [str(check.get("sentence", "")) for check in plan.get("verify") or []]
    if checks:
        joined = ("；" if language == "zh" else "; ").join(checks)
        said.append(_THEN(language, checks=joined, undo=_UNDO(language) if plan.get("undo") else ""))
    return [{"say": line.strip(), "evidence": list(ids)} for line in said]


def _outcome(state: State, language: Language) -> list[Finding]:
    decision, plan = state.get("decision"), state.get("plan")
    if not decision or not plan:
        return []
    note = f" ({decision['note']})" if decision.get("note") else ""
    if not decision["approved"]:
        return [{"say": _REFUSED(language, by=decision["by"], note=note), "evidence": decision["evidence"]}]
    applied = next((step for step in reversed(state["steps"]) if step["tool"] == "apply_plan"), None)
    if applied is None or not applied["ok"]:
        return []
    done = applied["data"].get("plan") or applied["data"]
    shown = term(str(done.get("state", "")), language)
    said = _DONE(language, title=plan["title"], state=shown, by=decision["by"], note=note)
    ids = applied["evidence"][:1]
    checked = [{"say": line, "evidence": ids} for line in _checks(done)]
    return [{"say": said, "evidence": [*decision["evidence"], *ids]}, *checked]


def _checks(done: Mapping[str, Any]) -> list[str]:
    """What was verified, one line a check, under the verdict that they led to."""
    reason = " ".join(str(done.get("state_reason", "")).split())
    found = _CHECKS.match(reason)
    if found is None:
        return [reason] if reason else []
    return [f"{found['lead']}:", *(f"- {each}" for each in re.split(r";\s+(?=[✓✗?] )", found["checks"]))]


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
