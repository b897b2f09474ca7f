"""How much one question, one run and the whole room may take; everything that could grow has its bound here."""

from collections import OrderedDict
from dataclasses import dataclass

from core.errors import Invalid, Upstream

MODES = ("auto", "rag", "mcp")
ROLES = ("viewer", "operator", "admin")


@dataclass(frozen=True, slots=True)
class Limits:
    runs_at_once: int = 8
    runs_a_session: int = 3
    tool_calls: int = 16
    hops: int = 6
    namespaces: int = 3
    question_bytes: int = 16 * 1024
    run_seconds: float = 1800.0
    step_bytes: int = 60_000
    shown_bytes: int = 12_000
    history_turns: int = 6
    history_chars: int = 1500
    runs_remembered: int = 64
    events_a_run: int = 20_000


def check_question(question: str, mode: str, role: str, limits: Limits) -> str:
    """The question as it will be asked, or Invalid with the field that is wrong."""
    if not question.strip():
        raise Invalid("The question is empty.", field="question")
    size = len(question.encode("utf-8", errors="replace"))
    if size > limits.question_bytes:
        raise Invalid(f"The question has {size} bytes; at most {limits.question_bytes} are read.", field="question")
    if mode not in MODES:
        raise Invalid(f"The mode {mode} is unknown.", field="mode", allowed=MODES)
    if role not in ROLES:
        raise Invalid(f"The role {role} is unknown.", field="role", allowed=ROLES)
    return question.strip().encode("utf-8", errors="replace").decode()


class Admission:
    """Counts what is under way: a full house answers at once instead of letting a queue grow."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._runs: OrderedDict[str, str] = OrderedDict()

    def enter(self, run_id: str, session_id: str) -> None:
        if len(self._runs) >= self._limits.runs_at_once:
            raise Upstream(
                "The assistant",
                f"is busy with {len(self._runs)} questions; ask again in a moment",
                retryable=True,
                status=429,
            )
        waiting = sum(1 for session in self._runs.values() if session == session_id)
        if waiting >= self._limits.runs_a_session:
            raise Upstream(
                "The assistant", f"still has {waiting} questions of this session to answer", retryable=True, status=429
            )
        self.admit(run_id, session_id)

    def admit(self, run_id: str, session_id: str) -> None:
        self._runs[run_id] = session_id

    def leave(self, run_id: str) -> None:
        self._runs.pop(run_id, None)

    def others_in(self, session_id: str) -> bool:
        return session_id in self._runs.values()
