"""A finished run told in one JSON body, for those who do not stream: the same facts as its events, none added."""

from collections.abc import Iterable
from typing import Any

from agent.events import RunEvent


def answer_of(events: Iterable[RunEvent], session_id: str) -> dict[str, Any]:
    by_type: dict[str, list[dict[str, Any]]] = {}
    run_id = ""
    for event in events:
        run_id = event.run_id
        by_type.setdefault(event.type, []).append(event.data)
    answer = _last(by_type, "answer")
    finished = _last(by_type, "run_finished")
    route = _last(by_type, "routed").get("route", "")
    return {
        "answer": answer.get("text", ""),
        "mode": "rag" if route == "knowledge" else "mcp",
        "route": route,
        "session_id": session_id,
        "run_id": run_id,
        "state": finished.get("state", "running"),
        "statements": answer.get("statements", []),
        "evidence": answer.get("evidence", []),
        "unsupported": answer.get("unsupported", []),
        "sources": _sources(answer),
        "citations": answer.get("citations", []),
        "answered": answer.get("answered", True),
        "tool_calls": _tool_calls(by_type),
        "diagnosis": _last(by_type, "diagnosis") or None,
        "plan": _last(by_type, "plan") or None,
        "approval_required": _last(by_type, "approval_required") or None,
        "suggestions": answer.get("suggestions", []),
        "warnings": [warning.get("message", "") for warning in by_type.get("warning", [])],
        "errors": [error.get("message", "") for error in by_type.get("error", [])],
        "metadata": {
            "processing_time": finished.get("seconds"),
            "tools_used": len(by_type.get("tool_started", [])),
            "context_docs_used": len({one.get("path") for one in answer.get("citations", [])}),
            "cached": answer.get("cached"),
            "usage": by_type.get("usage", []),
        },
    }


def _sources(answer: dict[str, Any]) -> list[dict[str, Any]]:
    """The passages that the answer cites, or the systems that were read where it cites none."""
    passages = [_source(one) for one in answer.get("citations", [])]
    return passages or answer.get("sources", [])


def _source(citation: dict[str, Any]) -> dict[str, Any]:
    return {
        "title": citation.get("title"),
        "content": citation.get("quote"),
        "relevance_score": citation.get("score"),
        "source_type": "knowledge_base",
        "file_path": citation.get("path"),
        **{name: citation.get(name) for name in ("number", "page", "heading", "language", "updated_at", "valid_until")},
    }


def _last(by_type: dict[str, list[dict[str, Any]]], kind: str) -> dict[str, Any]:
    found = by_type.get(kind)
    return found[-1] if found else {}


def _tool_calls(by_type: dict[str, list[dict[str, Any]]]) -> list[dict[str, Any]]:
    arguments = {started.get("id"): started.get("arguments", {}) for started in by_type.get("tool_started", [])}
    return [
        {
            "tool_name": done.get("name"),
            "parameters": arguments.get(done.get("id"), {}),
            "execution_time": done.get("seconds"),
            "status": "success" if done.get("ok") else "error",
            "result": done.get("summary"),
        }
        for done in by_type.get("tool_finished", [])
    ]
