"""Saying what is known, in Chinese and English, each line with the evidence it stands on.

Two callers: the graph turns what it gathered into findings, and the offline planner turns findings, or bare tool outputs, into lines. A
language model is given the same findings to word. A failed source gets a line of its own; nothing is smoothed over.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from agent.terms import term
from core.language import Language, Text

MAX_ROWS = 10
MAX_LINE = 400
_LISTS = ("rows", "alerts", "patterns", "series", "metrics", "hits", "workloads", "pods", "events")
_TOLD_BY_ROWS = {"list_alerts", "read_logs"}
"""Their summaries name after a colon what the rows say again, in full."""
_FAILED = Text("{tool} could not be read: {why}", "{tool} 读取失败：{why}")
_MISSING = Text("Not read: {what}: {why}.{how}", "未能读取：{what}：{why}。{how}")
_HOW = Text(" What helps: {how}.", "解决办法：{how}。")
_MORE = Text("- … and more", "- ……等")
NOTHING = Text(
    "Ask about an object, a namespace, an alert or a PromQL expression, or how something is done; "
    "for example “what is wrong?” or “which alerts are firing?”.",
    "可以询问某个对象、命名空间、告警或 PromQL 表达式，或者某件事怎么处理；例如“出了什么问题？”“有哪些告警？”。",
)
NOT_DONE = Text(
    "Nothing was changed: I delete and stop nothing. I read, explain, and propose repairs that a human approves; "
    "ask “what is wrong with ...?” or “fix ...”.",
    "没有做任何改动：我不会删除或停止任何对象。我只读取、解释，并提出需要人工批准的修复方案；可以问“……怎么了？”或“修复……”。",
)
_NOBODY = Text("Nothing called {name} was found (read: {kinds}).", "没有找到名为 {name} 的对象（已查：{kinds}）。")


def cite(text: str, evidence: Sequence[str]) -> str:
    marks = "".join(f"[{each}]" for each in evidence)
    return f"{text.strip()} {marks}".strip()


def say_findings(findings: Mapping[str, Any]) -> str:
    lines = [cite(str(item["say"]), item.get("evidence", [])) for item in findings.get("items", [])]
    language: Language = "zh" if findings.get("language") == "zh" else "en"
    return "\n".join(lines) if lines else NOTHING(language)


def say_outputs(outputs: Sequence[Mapping[str, Any]], language: Language) -> str:
    read = any(output.get("tool") != "list_objects" and output.get("ok") for output in outputs)
    # A list that only served to find where an object lives is a step, not an answer.
    told = [output for output in outputs if not (read and output.get("tool") == "list_objects" and output.get("ok"))]
    if not read and (nobody := _nobody(told, language)):
        return nobody
    lines = [line for output in pressing_first(told) for line in output_lines(output, language)]
    return "\n".join(lines) if lines else NOTHING(language)


def pressing_first(outputs: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Alerts before everything else, and beside one, or where they could not be read, no word that nothing is unusual."""
    lists = [output for output in outputs if output.get("tool") == "list_alerts"]
    others = [output for output in outputs if output.get("tool") != "list_alerts"]
    contradict = [each for each in lists if not each.get("ok") or (each.get("data") or {}).get("alerts")]
    if not contradict:
        return [*others, *lists[:1]]  # that none fires says enough; that none is pending goes without saying
    return [*contradict, *(_without_calm(output) for output in others)]


def _without_calm(output: Mapping[str, Any]) -> Mapping[str, Any]:
    calm = str((output.get("data") or {}).get("calm") or "")
    summary = str(output.get("summary", ""))
    if not calm or calm not in summary:
        return output
    before, after = summary.rsplit(calm, 1)
    return {**output, "summary": before.rstrip(" .") + after}


def _nobody(outputs: Sequence[Mapping[str, Any]], language: Language) -> str:
    """One line for a name that no list holds."""
    empty = all(output.get("ok") and not (output.get("data") or {}).get("rows") for output in outputs)
    names = {str((output.get("arguments") or {}).get("name") or "") for output in outputs}
    if not outputs or not empty or len(names) != 1 or "" in names:
        return ""
    kinds = ", ".join(str(output["arguments"].get("kind")) for output in outputs)
    marks = [str(each) for output in outputs for each in output.get("evidence", [])[:1]]
    return cite(_NOBODY(language, name=names.pop(), kinds=kinds), marks)


def output_lines(output: Mapping[str, Any], language: Language) -> list[str]:
    evidence = [str(each) for each in output.get("evidence", [])]
    if not output.get("ok"):
        return [cite(failed(output, language), evidence)]
    summary = str(output.get("summary", "")).strip().splitlines()
    rows = row_lines(output.get("data") or {}, language) if len(summary) <= 1 else []
    if rows and output.get("tool") in _TOLD_BY_ROWS:
        summary = [_heading(summary[0], str(output.get("tool"))) + ("：" if language == "zh" else ":")]
    return [cite(line, evidence) for line in [*summary[:MAX_ROWS], *rows, *missing_lines(output, language)]]


def _heading(summary: str, tool: str) -> str:
    """What stands before the names: of alerts with their counts, "Alerts: 1 firing, 2 pending"."""
    counted = re.match(r"(?P<counts>\w+(?:: |：)\d[^.。]*)(?:\. |。)", summary) if tool == "list_alerts" else None
    return counted["counts"] if counted else re.split(r": |：", summary)[0]


def failed(output: Mapping[str, Any], language: Language) -> str:
    return _FAILED(language, tool=output.get("tool", ""), why=output.get("error", ""))


def missing_lines(output: Mapping[str, Any], language: Language) -> list[str]:
    return [gap_line(gap, language) for gap in output.get("missing") or []]


def gap_line(gap: Mapping[str, Any], language: Language) -> str:
    why = str(gap.get("why", "")).rstrip(".。")
    how = str(gap.get("how") or "").rstrip(".。")
    helps = _HOW(language, how=how) if how else ""
    return _MISSING(language, what=gap.get("what", ""), why=why, how=helps).strip()


def row_lines(data: Mapping[str, Any], language: Language) -> list[str]:
    """The rows of a result's first list, one line each, the unusual ones being first already."""
    rows: list[Any] = next((data[name] for name in _LISTS if isinstance(data.get(name), list) and data[name]), [])
    lines = [
        f"- {line}"[:MAX_LINE]
        for line in (_row(row, language) for row in rows[:MAX_ROWS] if isinstance(row, dict))
        if line
    ]
    return [*lines, _MORE(language)] if len(rows) > MAX_ROWS else lines


def _row(row: Mapping[str, Any], language: Language) -> str:
    if "pattern" in row:
        return f"{row.get('count')}x {row.get('level') or ''} {row.get('example') or row['pattern']}".replace("  ", " ")
    if "labels" in row and "last" in row:
        labels = ", ".join(f"{name}={value}" for name, value in row["labels"].items())
        return f"{{{labels}}}: {row['last']}"
    place = f"{row['namespace']}/" if row.get("namespace") else ""
    said = [term(str(row[name]), language) for name in ("severity", "state", "status", "type") if row.get(name)]
    why = next((str(row[name]) for name in ("why", "summary", "help", "quote") if row.get(name)), "")
    title = row.get("name") or row.get("title") or ""
    return f"{place}{title}: {', '.join(said)}{'; ' if said and why else ''}{why}" if title else ""
