from typing import Any

import pytest
from mcp import Client
from mcp.types import CallToolResult, ElicitResult, TextContent

from tests.mcp_server.fakes import CHINESE, Desk, note, server, text_of


class Human:
    """Answers one question, and remembers what was on the screen."""

    def __init__(self, action: Any = "accept", approve: bool = True) -> None:
        self._answer = ElicitResult(action=action, content={"approve": approve} if action == "accept" else None)
        self.shown: list[str] = []

    async def __call__(self, context: Any, params: Any) -> ElicitResult:  # noqa: ARG002 - the library names it
        self.shown.append(params.message)
        return self._answer


async def call(desk: Desk, tool: str, human: Human | None, mode: Any = "auto", **arguments: str) -> CallToolResult:
    async with Client(server(desk)[0], elicitation_callback=human, mode=mode) as client:
        return await client.call_tool(tool, arguments or {"plan_id": "p1"})


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_a_human_who_accepts_approves_exactly_what_was_shown_and_then_it_is_applied(mode: Any) -> None:
    desk, human = Desk(), Human()
    result = await call(desk, "apply_plan", human, mode)
    assert not result.is_error
    assert desk.approved == [("p1", "h1", "ada")]
    assert desk.done == ["apply p1"]
    assert all(part in human.shown[0] for part in ("Restart web", "- a\n+ b", "h1", "low"))


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_the_question_before_an_undo_shows_what_undoing_would_change(mode: Any) -> None:
    human = Human()
    await call(Desk(), "undo_plan", human, mode)
    assert "- b\n+ a" in human.shown[0]
    assert "- a\n+ b" not in human.shown[0]


@pytest.mark.parametrize("mode", ["auto", "legacy"])
@pytest.mark.parametrize("human", [Human("decline"), Human("cancel"), Human(approve=False)])
@pytest.mark.parametrize("tool", ["apply_plan", "undo_plan"])
async def test_a_human_who_does_not_say_yes_changes_nothing(mode: Any, human: Human, tool: str) -> None:
    desk = Desk()
    result = await call(desk, tool, human, mode)
    assert result.is_error
    assert "declined" in text_of(result)
    assert desk.approved == []
    assert desk.done == []


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_a_client_that_cannot_ask_is_told_where_to_approve(mode: Any) -> None:
    desk = Desk()
    result = await call(desk, "apply_plan", None, mode)
    assert result.is_error
    assert "POST /api/v1/autofix/plans/p1/approve" in text_of(result)
    assert desk.done == []


async def test_a_client_that_cannot_ask_does_not_undo() -> None:
    desk = Desk()
    result = await call(desk, "undo_plan", None)
    assert "/undo" in text_of(result)
    assert desk.done == []


async def test_a_plan_that_was_approved_elsewhere_is_not_asked_for_again() -> None:
    desk, human = Desk(), Human()
    desk.plans["p1"]["state"] = "approved"
    assert not (await call(desk, "apply_plan", human)).is_error
    assert human.shown == []
    assert desk.done == ["apply p1"]


async def test_undo_asks_and_needs_no_approval_record() -> None:
    desk, human = Desk(), Human()
    assert not (await call(desk, "undo_plan", human)).is_error
    assert human.shown[0].startswith("Undo this repair?")
    assert desk.approved == []
    assert desk.done == ["undo p1"]


async def test_an_answer_for_a_plan_that_changed_meanwhile_approves_nothing() -> None:
    desk = Desk()

    class Slow(Human):
        async def __call__(self, context: Any, params: Any) -> ElicitResult:
            desk.plans["p1"]["hash"] = "h2"
            return await super().__call__(context, params)

    result = await call(desk, "apply_plan", Slow())
    assert result.is_error
    assert "changed after the human was asked" in text_of(result)
    assert desk.approved == []
    assert desk.done == []


async def test_an_answer_nobody_was_asked_for_is_worth_nothing() -> None:
    desk = Desk()
    yes: Any = {"approval": ElicitResult(action="accept", content={"approve": True})}
    async with Client(server(desk)[0]) as client:
        result = await client.call_tool("apply_plan", {"plan_id": "p1"}, input_responses=yes)
    assert result.is_error
    assert desk.done == []


async def test_an_unknown_plan_is_said_before_anybody_is_asked() -> None:
    human = Human()
    result = await call(Desk(), "apply_plan", human, plan_id="nope")
    assert "There is no plan nope" in text_of(result)
    assert human.shown == []


async def test_a_missing_plan_id_is_the_toolboxs_word() -> None:
    human = Human()
    result = await call(Desk(), "apply_plan", human, plan="p1")
    assert "Unknown field plan" in text_of(result) or "plan_id" in text_of(result)
    assert human.shown == []


async def test_our_own_agent_is_never_asked_because_the_front_desk_records_its_approvals() -> None:
    desk, human = Desk(), Human()
    async with Client(server(desk)[0], elicitation_callback=human) as client:
        result = await client.call_tool("apply_plan", {"plan_id": "p1"}, meta=note())
    assert not result.is_error
    assert human.shown == []


async def test_a_long_diff_is_cut_on_the_screen() -> None:
    desk, human = Desk(), Human()
    desk.plans["p1"]["diff"] = "+" * 10_000
    await call(desk, "apply_plan", human)
    assert len(human.shown[0]) < 4_200


async def test_the_question_is_in_the_callers_language() -> None:
    desk, human = Desk(), Human()
    async with Client(server(desk)[0], elicitation_callback=human) as client:
        result = await client.call_tool("apply_plan", {"plan_id": "p1"}, meta=CHINESE)
    assert human.shown[0].startswith("执行这个修复方案？")
    assert isinstance(result.content[0], TextContent)
