from datetime import timedelta
from pathlib import Path

import pytest

from api.auth.doorkeeper import CODE_LIFE, SESSION_LIFE, Doorkeeper
from core.clock import ManualClock
from core.database import Database
from core.errors import Conflict, Invalid, NotFound
from tools.spec import Caller

ADMIN = "an-admin-token-for-tests"
ANN = Caller(name="ann", role="operator", via="console")


@pytest.fixture
async def door(tmp_path: Path, clock: ManualClock) -> Doorkeeper:
    database = Database(f"sqlite:///{tmp_path / 'doors.db'}")
    await database.create_tables()
    return Doorkeeper(admin_token=ADMIN, key="a-key-for-tests-only", database=database, clock=clock)


async def test_the_administrators_token_opens_every_door(door: Doorkeeper) -> None:
    assert await door.who(ADMIN, "http") == Caller(name="admin", role="admin", via="http")


@pytest.mark.parametrize("token", ["", "wrong", "x" * 10_000, ADMIN[:-1], "a.b", "<secret:000000000000>", "票据"])
async def test_anything_else_opens_none(door: Doorkeeper, token: str) -> None:
    assert await door.who(token, "http") is None


async def test_a_named_token_has_its_role_until_it_is_removed(door: Doorkeeper) -> None:
    token = await door.add("ide", "viewer", days=None)
    assert await door.who(token, "mcp") == Caller(name="ide", role="viewer", via="mcp")
    await door.remove("ide")
    assert await door.who(token, "mcp") is None


async def test_a_named_token_expires(door: Doorkeeper, clock: ManualClock) -> None:
    token = await door.add("guest", "viewer", days=1)
    assert await door.who(token, "http") is not None
    await clock.advance(timedelta(days=1).total_seconds())
    assert await door.who(token, "http") is None


async def test_only_a_proof_of_the_token_is_stored(door: Doorkeeper) -> None:
    token = await door.add("ide", "viewer", days=None)
    row = (await door.tokens())[0]
    assert token not in (row.proof, row.name, row.role)


async def test_a_name_is_taken_once_and_an_unknown_one_cannot_be_removed(door: Doorkeeper) -> None:
    await door.add("ide", "viewer", days=None)
    with pytest.raises(Conflict, match="ide"):
        await door.add("ide", "operator", days=None)
    with pytest.raises(NotFound, match="nobody"):
        await door.remove("nobody")


async def test_a_link_works_once(door: Doorkeeper) -> None:
    code = door.one_time_code(ANN)
    session = door.redeem(code)
    assert session is not None
    assert door.session(session, "console") == ANN
    assert door.redeem(code) is None


async def test_a_link_goes_stale(door: Doorkeeper, clock: ManualClock) -> None:
    code = door.one_time_code(ANN)
    await clock.advance(CODE_LIFE.total_seconds())
    assert door.redeem(code) is None


async def test_a_session_ends(door: Doorkeeper, clock: ManualClock) -> None:
    session = door.redeem(door.one_time_code(ANN)) or ""
    assert door.session(session, "console") == ANN
    await clock.advance(SESSION_LIFE.total_seconds())
    assert door.session(session, "console") is None


async def test_a_session_opens_the_console_and_no_other_door(door: Doorkeeper) -> None:
    session = door.redeem(door.one_time_code(ANN)) or ""
    assert await door.who(session, "http") is None


async def test_a_session_ends_when_the_token_behind_it_is_removed(door: Doorkeeper) -> None:
    await door.add("ann", "operator", days=None)
    session = door.redeem(door.one_time_code(ANN)) or ""
    await door.look()
    assert door.session(session, "console") == ANN
    await door.remove("ann")
    await door.look()
    assert door.session(session, "console") is None


async def test_a_new_token_of_an_old_name_does_not_revive_its_sessions(door: Doorkeeper, clock: ManualClock) -> None:
    await door.add("ann", "operator", days=None)
    session = door.redeem(door.one_time_code(ANN)) or ""
    await door.remove("ann")
    await clock.advance(60)
    await door.add("ann", "operator", days=None)
    await door.look()
    assert door.session(session, "console") is None


@pytest.mark.parametrize("name", ["admin", "captain"])
async def test_the_administrators_names_are_not_given_away(door: Doorkeeper, name: str) -> None:
    with pytest.raises(Invalid, match=name):
        await door.add(name, "viewer", days=None)


async def test_a_session_of_another_server_is_nobody(door: Doorkeeper, tmp_path: Path, clock: ManualClock) -> None:
    other = Doorkeeper(
        admin_token=ADMIN,
        key="another key altogether",
        database=Database(f"sqlite:///{tmp_path}/other.db"),
        clock=clock,
    )
    session = other.redeem(other.one_time_code(ANN)) or ""
    assert door.session(session, "console") is None
