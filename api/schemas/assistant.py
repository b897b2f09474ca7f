"""Bodies of the assistant's routes and messages of its WebSocket."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from api.schemas import Body

Mode = Literal["auto", "rag", "mcp"]
MAX_QUESTION = 16_384
MAX_SEQ = 2**31 - 1
_NUMBERED: dict[Any, Mode] = {0: "auto", 1: "rag", 2: "mcp"}


def _mode(value: Any) -> Any:
    """The mode by number, as the first clients of this API send it, or by name."""
    return _NUMBERED.get(value, value) if isinstance(value, int) and not isinstance(value, bool) else value


SessionId = Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[A-Za-z0-9._:@-]+$")]
AskMode = Annotated[Mode, BeforeValidator(_mode)]


class Query(Body):
    question: str = Field(min_length=1, max_length=MAX_QUESTION)
    mode: AskMode = "auto"
    session_id: SessionId | None = None
    alert: str | None = Field(default=None, max_length=64, description="Fingerprint of the alert that is asked about")
    language: Literal["en", "zh"] | None = Field(default=None, description="Default: the question's own")
    max_context_docs: int = Field(default=5, ge=1, le=20)
    stream: bool = False


class NewSession(Body):
    session_id: SessionId | None = None


class Decision(Body):
    plan_id: str = Field(min_length=1, max_length=64)
    hash: str = Field(
        min_length=8, max_length=128, description="The plan's hash as it was shown to the person who decides"
    )
    approved: bool
    note: str = Field(default="", max_length=1_000)


class SocketQuery(Body):
    query: str = Field(min_length=1, max_length=MAX_QUESTION)
    session_id: SessionId | None = None
    mode: AskMode = "auto"
    alert: str | None = Field(default=None, max_length=64)
    language: Literal["en", "zh"] | None = None


class SocketAuth(Body):
    token: str = Field(min_length=1, max_length=4_096)


class SocketDecision(Decision):
    run_id: str = Field(min_length=1, max_length=64)


class SocketResume(Body):
    run_id: str = Field(min_length=1, max_length=64)
    after: int = Field(default=0, ge=0, le=MAX_SEQ)
