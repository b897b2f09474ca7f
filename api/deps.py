"""What a route may ask for: the house it stands in, and who is at the door."""

from typing import Annotated, cast

from fastapi import Depends, Query, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBasic, HTTPBasicCredentials, HTTPBearer

from api.wiring import House
from core.errors import Forbidden, Unauthenticated
from tools.spec import Caller, Risk

_bearer = HTTPBearer(
    auto_error=False, description="The token that `firstmate` printed at its first start, or a named one."
)

_basic = HTTPBasic(auto_error=False, description="For clients that know no bearer tokens: the token as password.")


def house(request: Request) -> House:
    return cast("House", request.app.state.house)


TheHouse = Annotated[House, Depends(house)]


async def caller(
    the_house: TheHouse,
    credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
    by_name: Annotated[HTTPBasicCredentials | None, Depends(_basic)],
) -> Caller:
    """By a bearer token, or by basic authentication with the token as password; the name given with it says nothing."""
    token = credentials.credentials if credentials else by_name.password if by_name else None
    if token is None:
        raise Unauthenticated("A bearer token is needed: Authorization: Bearer <token>.")
    found = await the_house.doorkeeper.who(token, "http")
    if found is None:
        raise Unauthenticated("This token is unknown or has expired.")
    return found


TheCaller = Annotated[Caller, Depends(caller)]


async def operator(found: TheCaller) -> Caller:
    return demand(found, "write")


TheOperator = Annotated[Caller, Depends(operator)]


def demand(found: Caller, risk: Risk) -> Caller:
    if not found.may(risk):
        raise Forbidden(f"This needs the role operator; {found.name} is a {found.role}.", permission="operator")
    return found


Limit = Annotated[int, Query(ge=1, le=500)]
Offset = Annotated[int, Query(ge=0, le=1_000_000)]
