"""Who asks: the user and the groups behind a bearer token, and whom a user may pretend to be.

The cluster knows three people and the accounts of its namespaces. `operator` may do everything, `viewer` and `developer` what the role
bindings of the cluster say. Without a token one comes in by the back door of a test cluster, and may do everything too, under the name
that a real server gives to such a guest.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from starlette.requests import Request

MASTERS = "system:masters"
AUTHENTICATED = "system:authenticated"
UNAUTHENTICATED = "system:unauthenticated"
ANONYMOUS = "system:anonymous"
_ACCOUNT_TOKEN = "account."  # noqa: S105  (the beginning of a token, not a token)


@dataclass(frozen=True, slots=True)
class User:
    name: str
    groups: tuple[str, ...] = ()
    uid: str = ""

    @property
    def is_master(self) -> bool:
        return MASTERS in self.groups


GUEST = User(ANONYMOUS, (MASTERS, UNAUTHENTICATED))
PEOPLE = {
    "operator": User("operator", (MASTERS, AUTHENTICATED)),
    "viewer": User("viewer", ("on-call", AUTHENTICATED)),
    "developer": User("developer", ("developers", AUTHENTICATED)),
}


def token_of(request: Request) -> str:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def bearer(token: str, tokens: Mapping[str, str] | None) -> User | None:
    """None when the server must not let the bearer in. With `tokens` only those are known, and their bearers may do everything."""
    if tokens is not None:
        name = tokens.get(token)
        return None if name is None else User(name, (MASTERS, AUTHENTICATED))
    if not token:
        return GUEST
    return PEOPLE.get(token) or _account(token) or _stranger(token)


def _stranger(token: str) -> User:
    """Programs with a token of their own: let in as before there were users here, and named without giving the token away."""
    return User(f"bearer:{hashlib.sha256(token.encode()).hexdigest()[:8]}", (MASTERS, AUTHENTICATED))


def account_token(namespace: str, name: str) -> str:
    return _ACCOUNT_TOKEN + base64.urlsafe_b64encode(f"{namespace}/{name}".encode()).decode().rstrip("=")


def _account(token: str) -> User | None:
    encoded = token.removeprefix(_ACCOUNT_TOKEN)
    if encoded == token:
        return None
    try:
        namespace, _, name = base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)).decode().partition("/")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return account(namespace, name)


def account(namespace: str, name: str) -> User:
    groups = ("system:serviceaccounts", f"system:serviceaccounts:{namespace}", AUTHENTICATED)
    return User(f"system:serviceaccount:{namespace}:{name}", groups)


def named(name: str, groups: tuple[str, ...]) -> User:
    """Whom somebody else names, in a review or by impersonation."""
    known = name.split(":")
    if name.startswith("system:serviceaccount:") and len(known) == 4 and not groups:
        return account(known[2], known[3])
    if name in PEOPLE and not groups:
        return PEOPLE[name]
    guest = UNAUTHENTICATED if name == ANONYMOUS else AUTHENTICATED
    return User(name, tuple(dict.fromkeys((*groups, guest))))


def impersonated(request: Request) -> User | None:
    """The user that the headers ask to be."""
    name = request.headers.get("impersonate-user", "")
    return named(name, tuple(request.headers.getlist("impersonate-group"))) if name else None
