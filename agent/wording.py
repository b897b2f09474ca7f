"""Saying what is known, in Chinese and English, each line with the evidence it stands on.

Two callers: the graph turns what it gathered into findings, and the offline planner turns findings, or bare tool outputs, into lines. A
language model is given the same findings to word. A failed source gets a line of its own; nothing is smoothed over.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from core.language import Language, Text

MAX_ROWS = 10
MAX_LINE = 400
_LISTS = ("rows", "alerts", "patterns", "series", "metrics", "hits", "workloads", "pods", "events")
_FAILED = Text("{tool} could not be read: {why}", "{tool} 读取失败：{why}")
_MISSING = Text("Not read: {what}: {why}. {how}", "未能读取：{what}：{why}。{how}")
_MORE = Text("... and {count} more.", "……另有 {count} 项。")
_NOTHING = Text(
    "I found nothing to read for this question. Name an object, a namespace, an alert or a PromQL expression, "
    "or ask how something is done.",
    "这个问题没有找到可以读取的内容。请给出对象、命名空间、告警或 PromQL 表达式，或者询问某件事怎么处理。",
)


def cite(text: str, evidence: Sequence[str]) -> str:
    marks = "".join(f"[{each}]" for each in evidence)
    return f"{text.strip()} {marks}".strip()


def say_findings(findings: Mapping[str, Any]) -> str:
    lines = [cite(str(item["say"]), item.get("evidence", [])) for item in findings.get("items", [])]
    language: Language = "zh" if findings.get("language") == "zh" else "en"
    return "\n".join(lines) if lines else _NOTHING(language)


def say_outputs(outputs: Sequence[Mapping[str, Any]], language: Language) -> str:
    read = any(output.get("tool") != "list_objects" and output.get("ok") for output in outputs)
    # A list that only served to find where an object lives is a step, not an answer.
    told = [output for output in outputs if not (read and output.get("tool") == "list_objects" and output.get("ok"))]
    lines = [line for output in told for line in output_lines(output, language)]
    return "\n".join(lines) if lines else _NOTHING(language)


def output_lines(output: Mapping[str, Any], language: Language) -> list[str]:
    evidence = [str(each) for each in output.get("evidence", [])]
    if not output.get("ok"):
        return [cite(failed(output, language), evidence)]
    summary = str(output.get("summary", "")).strip().splitlines()
    rows = row_lines(output.get("data") or {}, language) if len(summary) <= 1 else []
    return [cite(line, evidence) for line in [*summary[:MAX_ROWS], *rows, *missing_lines(output, language)]]


def failed(output: Mapping[str, Any], language: Language) -> str:
    return _FAILED(language, tool=output.get("tool", ""), why=output.get("error", ""))


def missing_lines(output: Mapping[str, Any], language: Language) -> list[str]:
    return [gap_line(gap, language) for gap in output.get("missing") or []]


def gap_line(gap: Mapping[str, Any], language: Language) -> str:
    why = str(gap.get("why", "")).rstrip(".。")
    return _MISSING(language, what=gap.get("what", ""), why=why, how=gap.get("how") or "").strip()


def row_lines(data: Mapping[str, Any], language: Language) -> list[str]:
    """The rows of a result's first list, one line each, the unusual ones being first already."""
    rows: list[Any] = next((data[name] for name in _LISTS if isinstance(data.get(name), list) and data[name]), [])
    lines = [f"- {line}"[:MAX_LINE] for line in (_row(row) for row in rows[:MAX_ROWS] if isinstance(row, dict)) if line]
    left = len(rows) - MAX_ROWS
    return [*lines, _MORE(language, count=left)] if left > 0 else lines


def _row(row: Mapping[str, Any]) -> str:
    if "pattern" in row:
        return f"{row.get('count')}x {row.get('level') or ''} {row.get('example') or row['pattern']}".replace("  ", " ")
    if "labels" in row and "last" in row:
        labels = ", ".join(f"{name}={value}" for name, value in row["labels"].items())
        return f"{{{labels}}}: {row['last']}"
    place = f"{row['namespace']}/" if row.get("namespace") else ""
    said = [str(row[name]) for name in ("severity", "state", "status", "type") if row.get(name)]
    why = next((str(row[name]) for name in ("why", "summary", "help", "quote") if row.get(name)), "")
    title = row.get("name") or row.get("title") or ""
    return f"{place}{title}: {', '.join(said)}{'; ' if said and why else ''}{why}" if title else ""
