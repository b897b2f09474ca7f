"""Every door asks the Doorkeeper who is there.

Three kinds of key open: the administrator's token (from the settings, or made at the first start and kept in the data folder), named
tokens with a role (rows; only a keyed hash is stored), and console sessions. A console session begins with a one-time code in a link:
the code works once and for minutes, so a link that leaks into a shell history or a chat opens nothing later. A session is signed, not
stored; its key is derived from the server's.
"""

import secrets
from collections import OrderedDict
from datetime import datetime, timedelta
from typing import cast

from sqlalchemy import delete, select

from api.auth.tables import TokenRow
from core.clock import Clock
from core.database import Database
from core.errors import Conflict, NotFound
from core.secrets import fingerprint, new_token, same, sign, verify
from tools.spec import Caller, Role

CODE_LIFE = timedelta(minutes=15)
SESSION_LIFE = timedelta(hours=12)
MAX_CODES = 1_000


class Doorkeeper:
    def __init__(self, *, admin_token: str, key: str, database: Database, clock: Clock) -> None:
        self._admin_token = admin_token
        self._key = key
        self._session_key = fingerprint(key, "console sessions")
        self._database = database
        self._clock = clock
        self._codes: OrderedDict[str, tuple[Caller, datetime]] = OrderedDict()

    async def who(self, token: str, via: str) -> Caller | None:
        if not token or len(token) > 4096:
            return None
        if same(token, self._admin_token):
            return Caller(name="admin", role="admin", via=via)
        return self.session(token, via) or await self._named(token, via)

    async def for_mcp(self, token: str) -> Caller | None:
        return await self.who(token, "mcp")

    def session(self, token: str, via: str) -> Caller | None:
        said = verify(self._session_key, token)
        if said is None or datetime.fromisoformat(said["expires"]) <= self._clock.now():
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
        expires = (self._clock.now() + SESSION_LIFE).isoformat()
        return sign(self._session_key, {"name": caller.name, "role": caller.role, "expires": expires})

    async def add(self, name: str, role: Role, days: int | None) -> str:
        """A new named token; this is the only time it is seen."""
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
            return list(await session.scalars(select(TokenRow).order_by(TokenRow.name).limit(1_000)))

    async def _named(self, token: str, via: str) -> Caller | None:
        async with self._database.read() as session:
            row = await session.scalar(select(TokenRow).where(TokenRow.proof == fingerprint(self._key, token)))
        if row is None or (row.expires_at and row.expires_at <= self._clock.now()):
            return None
        return Caller(name=row.name, role=cast("Role", row.role), via=via)
