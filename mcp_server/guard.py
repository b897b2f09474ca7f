"""Who is at the door.

Three kinds of caller come in, and each proves itself its own way. A process that speaks stdio was started by its user, so it is the local
caller named when the server was built. A request over HTTP carries a bearer token, which the front desk's verifier turns into a caller;
the token is read from that very request, never from the session, so a session cannot outlive or lend its first user's rights. The product's
own agent, in process, signs a short-lived note with the shared key. Whoever proves nothing is nobody, and nobody calls no tool.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, get_args

from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from mcp.server.auth.provider import AccessToken
from mcp.server.context import ServerRequestContext

from core.clock import Clock
from core.errors import Unauthenticated
from core.language import Language
from core.secrets import verify
from tools.spec import Caller, Role

CALLER = "firstmate/caller"
LANGUAGE = "firstmate/language"
_ROLES: dict[str, Role] = {role: role for role in get_args(Role)}
Verify = Callable[[str], Awaitable[Caller | None]]
Request = ServerRequestContext[Any, Any]


@dataclass(frozen=True, slots=True)
class Guest:
    """A caller, and whether it is our own agent: the agent's approvals are recorded by the front desk, so it is never asked here."""

    caller: Caller
    ours: bool
    language: Language


class Guard:
    def __init__(
        self,
        *,
        clock: Clock,
        key: str,
        local: Caller | None = None,
        verify_token: Verify | None = None,
        language: Language = "en",
    ) -> None:
        self._clock = clock
        self._key = key
        self._local = local
        self._verify_token = verify_token
        self._language: Language = language

    def guest(self, request: Request) -> Guest:
        meta: Mapping[str, Any] = request.meta or {}
        language = self._spoken(meta)
        signed = meta.get(CALLER)
        if signed is not None:
            return Guest(self._signed(str(signed)), ours=True, language=language)
        if request.request is not None:
            return Guest(_bearer(request.request), ours=False, language=language)
        if self._local is None:
            raise Unauthenticated("This door knows nobody without a token.")
        return Guest(self._local, ours=False, language=language)

    async def verify_token(self, token: str) -> AccessToken | None:
        """The face that the MCP library asks; the caller travels in the token's claims."""
        caller = await self._verify_token(token) if self._verify_token else None
        if caller is None:
            return None
        claims = {"name": caller.name, "role": caller.role}
        return AccessToken(token=token, client_id=caller.name, scopes=[], subject=caller.name, claims=claims)

    def _spoken(self, meta: Mapping[str, Any]) -> Language:
        wanted = meta.get(LANGUAGE)
        if wanted == "zh":
            return "zh"
        return "en" if wanted == "en" else self._language

    def _signed(self, note: str) -> Caller:
        try:
            said = verify(self._key, note)
        except ValueError:
            said = None
        if said is None:
            raise Unauthenticated("The caller's note was not signed by this product.")
        if datetime.fromisoformat(said["expires"]) <= self._clock.now():
            raise Unauthenticated("The caller's note has expired.")
        return Caller(name=said["name"], role=_role(said["role"]), via=said["via"])


def _bearer(http: Any) -> Caller:
    user = http.scope.get("user")
    if not isinstance(user, AuthenticatedUser):
        raise Unauthenticated("A bearer token is needed.")
    claims = user.access_token.claims or {}
    return Caller(name=str(claims["name"]), role=_role(str(claims["role"])), via="mcp")


def _role(name: str) -> Role:
    if name not in _ROLES:
        raise Unauthenticated(f"The role {name} is unknown.")
    return _ROLES[name]
