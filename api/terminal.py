"""What the command line prints: streamed answers, tool steps, diffs, and the one question that matters, whether to go ahead."""

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import orjson
import yaml
from rich.console import Console
from rich.panel import Panel
from rich.syntax import Syntax
from rich.table import Table
from rich.text import Text

from alerts.escalation.duty import lines as duty_lines
from api.auth.tables import TokenRow
from api.client import Client, connect
from api.report.daily import page
from api.report.writing import put
from core.config import Loaded
from core.errors import Invalid
from core.language import Language, detect, pick

MAX_ROWS = 40
MAX_COLUMNS = 8
NAME_WIDTH = 28
out = Console(highlight=False)
err = Console(stderr=True, highlight=False)


async def ask(
    question: str,
    *,
    mode: str,
    session: str | None,
    alert: str | None,
    refuse: bool,
    server: str,
    token: str,
    as_json: bool,
) -> None:
    language = detect(question)
    body = {"question": question, "mode": mode, "session_id": session, "alert": alert}
    async with connect(server, token) as client:
        talk = _Talk(client, language, as_json=as_json, refuse=refuse)
        async for event in client.ask(body):
            talk.show(event)
        while talk.pending:
            if not talk.can_decide():
                return
            run_id, seq = await talk.decide()
            async for event in client.follow(run_id, seq):
                talk.show(event)


class _Talk:
    """Prints the events of one run as they come, and remembers the approval it is asked for."""

    def __init__(self, client: Client, language: Language, *, as_json: bool, refuse: bool) -> None:
        self._client = client
        self._language: Language = language
        self._as_json = as_json
        self._refuse = refuse
        self._in_text = False
        self._progress = ""
        self.pending: dict[str, Any] | None = None

    def show(self, event: dict[str, Any]) -> None:
        if event["type"] == "approval_required":
            self.pending = {**event["data"], "run_id": event["run_id"]}
        if self.pending is not None:
            self.pending["seq"] = event["seq"]
        if self._as_json:
            sys.stdout.write(orjson.dumps(event).decode() + "\n")
            return
        printer = getattr(self, f"on_{event['type']}", None)
        if event["type"] != "token" and self._in_text:
            out.print()
            self._in_text = False
        if printer:
            printer(event["data"])

    def can_decide(self) -> bool:
        """Nobody at the terminal is not a refusal: the plan goes on waiting, and it is said how to answer it."""
        if self._refuse or sys.stdin.isatty():
            return True
        plan_id = (self.pending or {}).get("plan_id", "")
        waits = pick(self._language, "The repair waits for a word", "修复正在等待批准")
        err.print(f"{waits}: POST /api/v1/autofix/plans/{plan_id}/approve | /reject", markup=False)
        return False

    async def decide(self) -> tuple[str, int]:
        pending, self.pending = self.pending or {}, None
        question = pick(
            self._language, "Carry out this repair? Type yes to approve: ", "执行这项修复吗？输入 yes 批准："
        )
        word = "" if self._refuse else await _line(question)
        approved = word.strip().lower() in {"yes", "是", "同意"}
        decision = {"plan_id": pending["plan_id"], "hash": pending["hash"], "approved": approved}
        await self._client.post(f"/assistant/runs/{pending['run_id']}/decision", decision)
        return pending["run_id"], pending["seq"]

    def on_token(self, data: dict[str, Any]) -> None:
        self._in_text = True
        out.print(data["text"], end="", markup=False)

    def on_tool_started(self, data: dict[str, Any]) -> None:
        arguments = " ".join(f"{key}={value}" for key, value in data.get("arguments", {}).items())
        _faint(f"  → {data['name']} {arguments}")

    def on_tool_progress(self, data: dict[str, Any]) -> None:
        if data["message"] != self._progress:
            _faint(f"    … {data['message']}")
        self._progress = data["message"]

    def on_tool_finished(self, data: dict[str, Any]) -> None:
        mark, style = ("✓", "green") if data.get("ok") else ("✗", "red")
        summary = str(data.get("summary", "")).splitlines() or [""]
        out.print(
            f"  {mark} {data['name']}: {summary[0]}", style=style, markup=False, no_wrap=True, overflow="ellipsis"
        )

    def on_warning(self, data: dict[str, Any]) -> None:
        out.print(f"! {data['message']}", style="yellow", markup=False)

    def on_error(self, data: dict[str, Any]) -> None:
        out.print(f"✗ {data['message']}", style="bold red", markup=False)

    def on_approval_required(self, data: dict[str, Any]) -> None:
        out.print(
            Panel(
                Syntax(data.get("diff", ""), "diff", word_wrap=True), title=f"{data['title']} · {data.get('risk', '')}"
            )
        )

    def on_approval_recorded(self, data: dict[str, Any]) -> None:
        word = (
            pick(self._language, "approved", "已批准")
            if data.get("approved")
            else pick(self._language, "refused", "已拒绝")
        )
        out.print(f"  {word}: {data.get('by', '')}", style="bold", markup=False)

    def on_answer(self, data: dict[str, Any]) -> None:
        for one in data.get("citations", []):
            dated = str(one.get("updated_at") or "")[:10]
            _faint(
                f"  [{one['number']}] {one['title']} > {one['heading']} ({one['path']}{', ' if dated else ''}{dated})"
            )
        shown = {one.get("evidence") for one in data.get("citations", [])}
        cited = {one for statement in data.get("statements", []) for one in statement.get("evidence", [])} - shown
        for evidence in data.get("evidence", []):
            if evidence.get("id") in cited:
                _faint(
                    f"  [{evidence['id']}] {evidence.get('source', '')} {evidence.get('ref', '')}: {evidence.get('quote', '')}"
                )


async def list_tools(*, server: str, token: str, as_json: bool) -> None:
    async with connect(server, token) as client:
        tools = await client.get("/tools")
    if as_json:
        sys.stdout.write(orjson.dumps(tools).decode() + "\n")
        return
    table = Table("tool", "risk", "what it is for")
    for tool in tools:
        table.add_row(tool["name"], tool["risk"], tool["description"])
    out.print(table)


async def daily_report(
    date: str, zone: str, language: Language, output: Path | None, *, server: str, token: str, as_json: bool
) -> None:
    asked = {"format": "json", "zone": zone, **({"date": date} if date else {})}
    async with connect(server, token) as client:
        read = await client.get(f"/alerts/report?{urlencode(asked)}")
    put(orjson.dumps(read).decode() + "\n" if as_json else page(read, language), output)


async def on_duty(at: str, *, server: str, token: str, as_json: bool) -> None:
    async with connect(server, token) as client:
        read = await client.get("/escalations/duty" + (f"?{urlencode({'at': at})}" if at else ""))
    said = (
        "\n".join(duty_lines(read["rotas"]))
        or "The server has no rota: its FIRSTMATE_ESCALATIONS names a file of them."
    )
    put((orjson.dumps(read).decode() if as_json else said) + "\n", None)


async def call_tool(name: str, words: Sequence[str], *, server: str, token: str, as_json: bool) -> None:
    arguments = read_arguments(words)
    async with connect(server, token) as client:
        result = await client.post(f"/tools/{name}", arguments)
    if as_json:
        sys.stdout.write(orjson.dumps(result).decode() + "\n")
        return
    out.print(result["summary"], markup=False)
    _print_rows(result["data"])
    for missing in result.get("missing", []):
        out.print(f"? {missing['what']}: {missing['why']}", style="yellow", markup=False)
    if result.get("handle"):
        out.print(
            f"… {result['pages']} pages: firstmate tool read_more --handle {result['handle']} --page 2",
            style="dim",
            markup=False,
        )


async def _line(question: str) -> str:
    """A line from the terminal, waited for on the loop: Ctrl-C leaves at once, and the plan goes on waiting."""
    out.print(question, end="", markup=False)
    loop = asyncio.get_running_loop()
    typed: asyncio.Future[str] = loop.create_future()

    def take() -> None:
        if not typed.done():
            typed.set_result(sys.stdin.readline())

    loop.add_reader(sys.stdin.fileno(), take)
    try:
        return await typed
    finally:
        loop.remove_reader(sys.stdin.fileno())


def _faint(line: str) -> None:
    """One line, cut where the terminal ends: there to be looked up, not to be read through."""
    out.print(line.replace("\n", " "), style="dim", markup=False, no_wrap=True, overflow="ellipsis")


def _print_rows(data: dict[str, Any]) -> None:
    """The first list of objects in an answer, as a table of what can be shown in a cell."""
    rows = next(
        (value for value in data.values() if isinstance(value, list) and value and isinstance(value[0], dict)), None
    )
    if rows is None:
        return
    columns = list(dict.fromkeys(name for row in rows for name, value in row.items() if _cell(value)))[:MAX_COLUMNS]
    table = Table(box=None, header_style="dim", pad_edge=False)
    for name in columns:
        widest = max(len(_cell(row.get(name))) for row in rows[:MAX_ROWS])
        table.add_column(name, no_wrap=True, overflow="ellipsis", min_width=min(widest, NAME_WIDTH))
    for row in rows[:MAX_ROWS]:
        table.add_row(*(Text(_cell(row.get(name))) for name in columns))
    out.print(table)
    if len(rows) > MAX_ROWS:
        _faint(f"… {len(rows) - MAX_ROWS} more; --json prints all")


def _cell(value: Any) -> str:
    if isinstance(value, dict):
        return " ".join(f"{key}={item}" for key, item in value.items() if isinstance(item, (str, int, float)))
    return str(value) if isinstance(value, (str, int, float)) else ""


def read_arguments(words: Sequence[str]) -> dict[str, Any]:
    """``--name value`` pairs; a value is read as YAML, so that numbers, lists and true are what they look like."""
    arguments: dict[str, Any] = {}
    rest = list(words)
    while rest:
        word = rest.pop(0)
        if not word.startswith("--"):
            raise Invalid(f"Expected --name value, got {word}.", field=word)
        name, equals, value = word[2:].partition("=")
        if not equals:
            value = rest.pop(0) if rest and not rest[0].startswith("--") else "true"
        arguments[name.replace("-", "_")] = _value(value)
    return arguments


def _value(text: str) -> Any:
    try:
        read = yaml.safe_load(text)
    except yaml.YAMLError:
        return text  # not YAML: the words themselves, such as a PromQL expression
    return read if isinstance(read, (int, float, bool, list)) else text


def print_config(loaded: Loaded, *, as_json: bool) -> None:
    rows = loaded.rows()
    if as_json:
        shown = {
            row.name: {"value": row.value, "origin": row.origin, "variables": row.variables, "text": row.text}
            for row in rows
        }
        sys.stdout.write(orjson.dumps(shown).decode() + "\n")
        return
    table = Table("setting", "value", "from", "what it is")
    for row in rows:
        table.add_row(row.variables[0], row.value, row.origin, row.text)
    out.print(table)


def print_tokens(rows: Sequence[TokenRow]) -> None:
    table = Table("name", "role", "made", "expires")
    for row in rows:
        table.add_row(
            row.name, row.role, row.created_at.isoformat(), row.expires_at.isoformat() if row.expires_at else "never"
        )
    out.print(table)
