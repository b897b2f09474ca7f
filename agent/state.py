"""What a run carries from node to node: JSON and messages, nothing else, so that a checkpoint can be read back by any later version."""

import operator
from typing import Annotated, Any, NotRequired, TypedDict

from langchain_core.messages import AnyMessage


class Evidence(TypedDict):
    id: str
    source: str
    ref: str
    quote: str
    at: str
    passage: NotRequired[dict[str, Any]]
    """Of a page's passage: its number in this run, page, title, heading, path, language, score and dates."""


class Step(TypedDict):
    """One tool call and what came of it."""

    id: str
    tool: str
    arguments: dict[str, Any]
    ok: bool
    summary: str
    data: dict[str, Any]
    source: list[dict[str, str]]
    seen_at: str
    missing: list[dict[str, str]]
    error: str
    error_kind: str
    error_system: str
    evidence: list[str]


class Decision(TypedDict):
    approved: bool
    by: str
    role: str
    note: str
    evidence: list[str]


class State(TypedDict, total=False):
    question: str
    mode: str
    max_docs: int
    alert: str
    focus: dict[str, str]
    history: list[dict[str, str]]
    route: dict[str, Any]
    places: list[str]
    messages: Annotated[list[AnyMessage], operator.add]
    hops: int
    steps: Annotated[list[Step], operator.add]
    evidence: Annotated[list[Evidence], operator.add]
    plan: dict[str, Any] | None
    decision: Decision | None
    draft: str
    edition: str
    remembered: dict[str, Any]
    answer: dict[str, Any]
