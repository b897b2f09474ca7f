"""Asking the human behind an outside client before a repair is carried out or undone.

MCP asks in two ways. Since 2026-07-28 the server answers a call with the question and the client calls again with what the human said; the
hash that was shown comes back sealed, so an answer counts only for the plan that was on the screen. Older clients are asked in the
middle of the call. A client that cannot ask at all gets the sentence that says where to approve. A plan that a human approved elsewhere
(console, HTTP, command line) is not asked for again.
"""

import json
from dataclasses import dataclass
from typing import Any, Protocol

from mcp.shared.exceptions import MCPError, NoBackChannelError
from mcp.types import CallToolRequestParams, ElicitRequest, ElicitRequestFormParams, ElicitResult, InputRequiredResult
from mcp_types.version import MODERN_PROTOCOL_VERSIONS

from core.errors import Conflict, Forbidden, Upstream
from core.language import Language, Text
from mcp_server.guard import Guest, Request
from tools.spec import Caller

ASKED_FIRST = frozenset({"apply_plan", "undo_plan"})
ANSWER = "approval"
MAX_DIFF = 4000
_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"approve": {"type": "boolean", "title": "Approve"}},
    "required": ["approve"],
}
_QUESTIONS = {
    "apply_plan": Text("Carry out this repair?", "执行这个修复方案？"),
    "undo_plan": Text("Undo this repair?", "撤销这次修复？"),
}
_DIFFS = {"apply_plan": "diff", "undo_plan": "undo_diff"}
_DECLINED = Text(
    "{tool} was declined by the human who was asked; nothing was changed.", "被询问的人拒绝了 {tool}；没有做任何改动。"
)
_CANNOT_ASK = {
    "apply_plan": Text(
        "Plan {id} is not approved yet and this client cannot ask its user. Approve it in the console, with "
        "`POST /api/v1/autofix/plans/{id}/approve`, or in the terminal with `firstmate ask`, then call apply_plan again.",
        "方案 {id} 尚未批准，而这个客户端无法询问用户。请在控制台、通过 "
        "`POST /api/v1/autofix/plans/{id}/approve` 或在终端用 `firstmate ask` 批准，然后再调用 apply_plan。",
    ),
    "undo_plan": Text(
        "Undoing plan {id} needs a human's word and this client cannot ask its user. Undo it in the console or with "
        "`POST /api/v1/autofix/plans/{id}/undo`.",
        "撤销方案 {id} 需要人的确认，而这个客户端无法询问用户。请在控制台或通过 `POST /api/v1/autofix/plans/{id}/undo` 撤销。",
    ),
}


class Approvals(Protocol):
    async def plan(self, plan_id: str) -> dict[str, Any]:
        """The plan as JSON, with at least title, diff, undo_diff, hash, state and risk."""
        ...

    async def approve(self, plan_id: str, plan_hash: str, caller: Caller) -> None: ...


@dataclass(frozen=True, slots=True)
class Shown:
    """What the human saw when asked: an answer is good for this and nothing else."""

    tool: str
    plan_id: str
    plan_hash: str

    def sealed(self) -> str:
        return json.dumps({"tool": self.tool, "plan_id": self.plan_id, "plan_hash": self.plan_hash})


class Consent:
    def __init__(self, approvals: Approvals) -> None:
        self._approvals = approvals

    async def seek(self, request: Request, asked: CallToolRequestParams, guest: Guest) -> InputRequiredResult | None:
        """None when the call may go on; a question to put to the human; or an error that says why not."""
        plan_id = str((asked.arguments or {}).get("plan_id", ""))
        if guest.ours or asked.name not in ASKED_FIRST or not plan_id or not guest.caller.may("destructive"):
            return None  # the toolbox has its own word on roles and missing fields
        plan = await self._approvals.plan(plan_id)
        if not _needs_word(asked.name, str(plan.get("state"))):
            return None
        shown = Shown(asked.name, plan_id, str(plan.get("hash", "")))
        answer = _answered(asked, shown)
        if answer is None and not _can_ask(request):
            raise Forbidden(_CANNOT_ASK[asked.name](guest.language, id=plan_id), rule="approval")
        if answer is None and request.protocol_version in MODERN_PROTOCOL_VERSIONS:
            form = ElicitRequest(params=_form(asked.name, plan, guest.language))
            return InputRequiredResult(input_requests={ANSWER: form}, request_state=shown.sealed())
        if answer is None:
            answer = await _ask_now(request, _form(asked.name, plan, guest.language), shown, guest.language)
        await self._take(answer, shown, guest)
        return None

    async def _take(self, answer: ElicitResult, shown: Shown, guest: Guest) -> None:
        if answer.action != "accept" or not (answer.content or {}).get("approve"):
            raise Forbidden(_DECLINED(guest.language, tool=shown.tool), rule="approval")
        if shown.tool == "apply_plan":
            await self._approvals.approve(shown.plan_id, shown.plan_hash, guest.caller)


async def _ask_now(request: Request, form: ElicitRequestFormParams, shown: Shown, language: Language) -> ElicitResult:
    try:
        return await request.session.elicit_form(form.message, form.requested_schema, request.request_id)
    except NoBackChannelError as error:
        raise Forbidden(_CANNOT_ASK[shown.tool](language, id=shown.plan_id), rule="approval") from error
    except MCPError as error:
        raise Upstream("The MCP client", f"could not ask its user: {error.message}", retryable=True) from error


def _needs_word(tool: str, state: str) -> bool:
    # An approved plan already has a human's word, and any other state is refused by the plan itself.
    return state == "proposed" if tool == "apply_plan" else True


def _answered(asked: CallToolRequestParams, shown: Shown) -> ElicitResult | None:
    answer = (asked.input_responses or {}).get(ANSWER)
    if not isinstance(answer, ElicitResult):
        return None
    if asked.request_state != shown.sealed():
        raise Conflict(
            f"The plan {shown.plan_id} changed after the human was asked; nothing was done.", found=shown.plan_hash
        )
    return answer


def _can_ask(request: Request) -> bool:
    capabilities = request.session.client_capabilities
    asks = capabilities.elicitation if capabilities else None
    by_form = asks is not None and (asks.form is not None or asks.url is None)
    return by_form and (request.protocol_version in MODERN_PROTOCOL_VERSIONS or request.session.can_send_request)


def _form(tool: str, plan: dict[str, Any], language: Language) -> ElicitRequestFormParams:
    diff = str(plan.get(_DIFFS[tool]) or "")
    cut = diff if len(diff) <= MAX_DIFF else f"{diff[:MAX_DIFF]}\n..."
    lines = [_QUESTIONS[tool](language), f"{plan.get('title')} ({plan.get('risk')})", cut, f"hash {plan.get('hash')}"]
    return ElicitRequestFormParams(message="\n".join(line for line in lines if line), requested_schema=_SCHEMA)
