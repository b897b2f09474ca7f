"""Every door asks the Doorkeeper who is there.

Three kinds of key open: the administrator's token (from the settings, or made at the first start and kept in the data folder), named
tokens with a role (rows; only a keyed hash is stored), and console sessions. A console session begins with a one-time code in a link:
the code works once and for minutes, so a link that leaks into a shell history or a chat opens nothing later. A session is signed, not
stored, and opens the console alone: it cannot be used as a token or turned into another session. It ends with its hours, or when the
named token behind it is removed, which a loop here notices within seconds.
"""

import secrets
from collections import OrderedDict
from datetime import datetime, timedelta
from typing import cast

from sqlalchemy import delete, select

from api.auth.tables import TokenRow
from core.clock import Clock
from core.database import Database
from core.errors import Conflict, FirstmateError, Invalid, NotFound
from core.logs import get
from core.secrets import fingerprint, new_token, same, sign, verify
from tools.spec import Caller, Role

CODE_LIFE = timedelta(minutes=15)
SESSION_LIFE = timedelta(hours=12)
MAX_CODES = 1_000
MAX_TOKENS = 1_000
LOOK_SECONDS = 5.0
UNNAMED = frozenset({"admin", "captain"})
"""Who comes by the administrator's token or by the demo's link; no named token may take these names."""
_log = get(__name__)


class Doorkeeper:
    def __init__(self, *, admin_token: str, key: str, database: Database, clock: Clock) -> None:
        self._admin_token = admin_token
        self._key = key
        self._session_key = fingerprint(key, "console sessions")
        self._database = database
        self._clock = clock
        self._codes: OrderedDict[str, tuple[Caller, datetime]] = OrderedDict()
        self._live: dict[str, datetime] = {}

    async def run(self) -> None:
        while True:
            try:
                await self.look()
            except FirstmateError as error:
                _log.warning("the tokens could not be read", reason=error.sentence)
            await self._clock.sleep(LOOK_SECONDS)

    async def look(self) -> None:
        """Learn which named tokens there still are."""
        now = self._clock.now()
        self._live = {
            row.name: row.created_at for row in await self.tokens() if not row.expires_at or row.expires_at > now
        }

    async def who(self, token: str, via: str) -> Caller | None:
        if not token or len(token) > 4096:
            return None
        if same(token, self._admin_token):
            return Caller(name="admin", role="admin", via=via)
        return await self._named(token, via)

    async def for_mcp(self, token: str) -> Caller | None:
        return await self.who(token, "mcp")

    def session(self, token: str, via: str) -> Caller | None:
        """Whose console session this is; None once it is over."""
        said = verify(self._session_key, token) if len(token) <= 4096 else None
        if said is None or datetime.fromisoformat(said["expires"]) <= self._clock.now():
            return None
        if said["name"] not in UNNAMED and not self._is_live(said["name"], datetime.fromisoformat(said["issued"])):
            return None
        return Caller(name=said["name"], role=cast("Role", said["role"]), via=via)

    def one_time_code(self, caller: Caller) -> str:
        code = secrets.token_urlsafe(24)
        self._codes[fingerprint(self._key, code)] = (caller, self._clock.now() + CODE_LIFE)
        if len(self._codes) > MAX_CODES:
            self._codes.popitem(last=False)
        return code

    def redeem(self, code: str) -> str | None:
        """A session token for a one-time code, once."""
        found = self._codes.pop(fingerprint(self._key, code), None)
        if found is None or found[1] <= self._clock.now():
            return None
        caller, _ = found
        now = self._clock.now()
        if caller.name not in UNNAMED:
            self._live.setdefault(caller.name, now)
        session = {
            "name": caller.name,
            "role": caller.role,
            "issued": now.isoformat(),
            "expires": (now + SESSION_LIFE).isoformat(),
        }
        return sign(self._session_key, session)

    def _is_live(self, name: str, issued: datetime) -> bool:
        since = self._live.get(name)
        return since is not None and issued >= since

    async def add(self, name: str, role: Role, days: int | None) -> str:
        """A new named token; this is the only time it is seen."""
        if name in UNNAMED:
            raise Invalid(f"The name {name} is taken by the administrator.", field="name")
        token = new_token()
        now = self._clock.now()
        expires = now + timedelta(days=days) if days else None
        async with self._database.write() as session:
            if await session.get(TokenRow, name):
                raise Conflict(f"There is already a token named {name}; remove it first.")
            session.add(
                TokenRow(name=name, role=role, proof=fingerprint(self._key, token), created_at=now, expires_at=expires)
            )
        return token

    async def remove(self, name: str) -> None:
        async with self._database.write() as session:
            removed = await session.execute(delete(TokenRow).where(TokenRow.name == name).returning(TokenRow.name))
            if removed.first() is None:
                raise NotFound(f"There is no token named {name}.")

    async def tokens(self) -> list[TokenRow]:
        async with self._database.read() as session:
            return list(await session.scalars(select(TokenRow).order_by(TokenRow.name).limit(MAX_TOKENS)))

    async def _named(self, token: str, via: str) -> Caller | None:
        async with self._database.read() as session:
            row = await session.scalar(select(TokenRow).where(TokenRow.proof == fingerprint(self._key, token)))
        if row is None or (row.expires_at and row.expires_at <= self._clock.now()):
            return None
        return Caller(name=row.name, role=cast("Role", row.role), via=via)
