"""Clients that a database or a cache does not let in: because they have a wrong password, or because their rights were withdrawn.

Both say "access denied". What the client was given is compared with what the store was set up with: where they differ, the client is
wrong. Where they agree, or where a client that had worked for long is refused without having changed, or several clients at once, the
store has changed its mind. A right that is missing for one table, or a locked account, is never a wrong password.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from core.language import Text
from tools.engines.analyzers.databases import store_meant
from tools.engines.diagnosis import Component, Evidence
from tools.engines.finding import Finding, evidence
from tools.engines.graph import Graph
from tools.engines.heard import Heard, as_evidence, heard, silence
from tools.engines.objects import dig, when
from tools.engines.program import Program
from tools.engines.snapshot import Snapshot
from tools.engines.stores import CACHES, Dial, Stores, Value, engine_of, expected_by, given_to
from tools.engines.unwell import had_run_well, is_unwell

HAD_WORKED = timedelta(minutes=10)
_SQL = ("access_denied",)
_RIGHTS = ("permission_denied_db", "account_locked")


@dataclass(frozen=True, slots=True)
class Refusal:
    """A client that is not let in, with the store and how the two settings compare."""

    client: Program
    server: Component
    lines: list[Heard]
    given: Value | None
    expected: Value | None
    odd: Value | None = None
    """What it was given where all other clients of the store were given something else."""
    had_worked: bool = False
    """It ran for a good while before it was first refused, and did not change since."""
    outlived: bool = False
    """The store was started after all of the client's pods."""

    @property
    def differs(self) -> bool:
        return bool(self.odd) or bool(self.given and self.expected and self.given.differs(self.expected))

    @property
    def agrees(self) -> bool:
        return bool(self.given and self.expected and not self.given.differs(self.expected))

    @property
    def known_server(self) -> bool:
        return self.server != self.client.component

    @property
    def user(self) -> str:
        return next((one.said.target for one in self.lines if one.said.target), "")

    @property
    def since(self) -> datetime | None:
        return _since(self.lines)


def _had_worked(snapshot: Snapshot, client: Program, lines: list[Heard]) -> bool:
    """By the clock of the log that says so, because an application's need not be the cluster's."""
    if had_run_well(snapshot, client):
        return True
    began = {one.key: snapshot.logs[one.key].first for one in lines if one.key in snapshot.logs}
    # Pods of an older revision may have worked well: it is the youngest that count.
    return bool(began) and all(
        (start := began.get(one.key)) is not None and one.said.first is not None and one.said.first - start > HAD_WORKED
        for one in lines
    )


def _outlived(client: Program, server: Program | None) -> bool:
    mine, its = _born(client), _born(server) if server else None
    return bool(mine and its and its > mine)


def _born(program: Program) -> datetime | None:
    times = [when(dig(pod, "metadata", "creationTimestamp")) for pod in program.pods]
    return max((at for at in times if at), default=None)


def _since(lines: list[Heard]) -> datetime | None:
    return min((one.said.first for one in lines if one.said.first), default=None)


def clients_that_a_database_refuses(snapshot: Snapshot, graph: Graph) -> Iterable[Finding]:
    yield from _refused(snapshot, graph, caches=False)


def clients_that_a_cache_refuses(snapshot: Snapshot, graph: Graph) -> Iterable[Finding]:
    yield from _refused(snapshot, graph, caches=True)


def _refused(snapshot: Snapshot, graph: Graph, *, caches: bool) -> Iterator[Finding]:
    by_server: dict[Component, list[Refusal]] = {}
    for refusal in _refusals(snapshot, Stores(snapshot, graph), caches=caches):
        by_server.setdefault(refusal.server, []).append(refusal)
    for server, refusals in by_server.items():
        if _server_changed(refusals, caches=caches):
            yield _withdrawn(server, refusals, caches=caches)
            continue
        wrong = [one for one in refusals if one.differs]
        others = [one for one in refusals if not one.differs]
        yield from (_wrong_credentials(snapshot, one, caches=caches) for one in wrong)
        if others and _are_locked_out(others):
            yield _withdrawn(server, others, caches=caches)
        else:
            yield from (_wrong_credentials(snapshot, one, caches=caches) for one in others)


def _are_locked_out(refusals: list[Refusal]) -> bool:
    return refusals[0].known_server and (len(refusals) > 1 or all(one.had_worked or one.agrees for one in refusals))


def _server_changed(refusals: list[Refusal], *, caches: bool) -> bool:
    """Whether a cache asks for another password than all its clients have: it is what started last, or all clients agree.

    A database keeps its passwords in its data, where its settings no longer reach them, so of a database this cannot be said.
    """
    told = [one for one in refusals if one.lines]
    if not caches or not told or not told[0].known_server or any(one.odd for one in told):
        return False
    given = {one.given.text for one in told if one.given}
    return all(one.had_worked or one.outlived for one in told) or (len(told) > 1 and len(given) == 1)


def _refusals(snapshot: Snapshot, stores: Stores, *, caches: bool) -> Iterator[Refusal]:
    for program in [*snapshot.programs, *snapshot.unseen]:
        if engine_of(program):
            continue
        every = stores.dials_of(program)
        dials = [dial for dial in every if (dial.engine in CACHES) == caches]
        only = len({dial.where for dial in every}) == 1
        lines = heard(snapshot, program, *(("cache_auth",) if caches else _SQL))
        server = store_meant(stores, lines[0], program, caches=caches) if lines else None
        compared = _compared(snapshot, dials, server, lines, only=only)
        if lines or (compared and compared[1].differs(compared[2])):
            dial, given, expected = compared or (None, None, None)
            place = server or (dial.servers[0].component if dial and dial.servers else program.component)
            odd = _odd(snapshot, stores, program, place) if lines else None
            worked, outlived = _had_worked(snapshot, program, lines), _outlived(program, snapshot.program(place))
            yield Refusal(program, place, lines, given, expected, odd, worked, outlived)


def _odd(snapshot: Snapshot, stores: Stores, client: Program, server: Component) -> Value | None:
    """The user, or else the password, that only this client was given."""
    mine: list[tuple[Value | None, Value | None]] = []
    others: list[tuple[Value | None, Value | None]] = []
    for dial in stores.dials:
        if any(one.component == server for one in dial.servers):
            (mine if dial.client.component == client.component else others).append(given_to(snapshot, dial, only=False))
    for place in (0, 1):
        told = [value.text for pair in others if (value := pair[place])]
        own = next((value for pair in mine if (value := pair[place])), None)
        if own and len(told) > 1 and len(set(told)) == 1 and own.text not in told:
            return own
    return None


def _compared(
    snapshot: Snapshot, dials: list[Dial], server: Component | None, lines: list[Heard], *, only: bool
) -> tuple[Dial, Value, Value] | None:
    for dial in dials:
        if server and not any(one.component == server for one in dial.servers):
            continue
        user, password = given_to(snapshot, dial, only=only)
        name = user.text if user else next((one.said.target for one in lines), "")
        expected = expected_by(snapshot, dial, name)
        if password and expected:
            return dial, password, expected
    return None


def _wrong_credentials(snapshot: Snapshot, one: Refusal, *, caches: bool) -> Finding:
    who, server = one.client.component, one.server
    named = f" as user {one.user}" if one.user and not caches else ""
    named_zh = f"（用户 {one.user}）" if one.user and not caches else ""
    where = one.odd.path if one.odd else one.given.path if one.given else ""
    place, place_zh = (f" Correct {where}.", f"请修正 {where}。") if where else ("", "请核对其用户名和密码。")
    target, target_zh = (f"{server}", f"{server}") if one.known_server else ("the database", "数据库")
    return Finding(
        fault="cache_auth_failed" if caches else "mysql_invalid_credentials",
        category="runtime",
        component=who,
        words=Text(
            f"{who} is not let in{named} by {target}: its password is not the one expected.{place}",
            f"{who} 被 {target_zh} 拒绝登录{named_zh}：密码与服务端不一致。{place_zh}",
        ),
        evidence=(*as_evidence(one.lines, 0.8), *_comparison(one), *_oddity(one)),
        against=tuple(silence(snapshot, one.client, 0.6)) if not one.lines else (),
        onset=one.since,
        latent=not one.lines and not is_unwell(snapshot, one.client),
        facts={"user": one.user, "path": where},
    )


def _comparison(one: Refusal) -> Iterator[Evidence]:
    if one.given and one.expected:
        equal = "differs from" if one.given.differs(one.expected) else "is the same as"
        weight = 0.7 if one.given.differs(one.expected) else 0.2
        yield evidence("kubernetes", one.given.path, f"the value {equal} {one.expected.path}", weight=weight)


def _oddity(one: Refusal) -> Iterator[Evidence]:
    if one.odd:
        yield evidence(
            "kubernetes", one.odd.path, "differs from what every other client of the store was given", weight=0.5
        )


def _withdrawn(server: Component, refusals: list[Refusal], *, caches: bool) -> Finding:
    clients = ", ".join(str(one.client.component) for one in refusals[:3])
    lines = [line for one in refusals for line in one.lines]
    user = next((one.user for one in refusals if one.user), "")
    named, named_zh = (f" of user {user}", f"用户 {user} 的") if user and not caches else ("", "")
    what, what_zh = ("password", "密码") if caches else (f"rights{named}", f"{named_zh}权限")
    return Finding(
        fault="cache_auth_failed" if caches else "db_auth_revoked",
        category="runtime",
        component=server,
        words=Text(
            f"{server} no longer lets in {clients}, which had not changed: the {what} changed on the server. Restore it there, "
            f"or give the clients the new one.",
            f"{server} 不再接受 {clients} 的登录，而客户端并未变更：服务端的{what_zh}已被修改。请在服务端恢复，或同步更新客户端。",
        ),
        evidence=(*as_evidence(lines, 0.8), *(item for one in refusals for item in _comparison(one))),
        onset=min((one.since for one in refusals if one.since), default=None),
        harms=tuple(one.client.component for one in refusals),
        facts={"user": user},
    )


def databases_that_withdrew_rights(snapshot: Snapshot, graph: Graph) -> Iterable[Finding]:
    stores = Stores(snapshot, graph)
    by_server: dict[Component, list[tuple[Program, Heard]]] = {}
    for program in snapshot.speakers:
        for one in heard(snapshot, program, *_RIGHTS) if not engine_of(program) else ():
            by_server.setdefault(store_meant(stores, one, program, caches=False), []).append((program, one))
    for server, told in by_server.items():
        yield _revoked(server, told)


def _revoked(server: Component, told: list[tuple[Program, Heard]]) -> Finding:
    lines = [one for _, one in told]
    user = next((one.said.target for one in lines if one.said.target), "")
    of_user, of_user_zh = (f" of user {user}", f"用户 {user} 的") if user else ("", "")
    return Finding(
        fault="db_auth_revoked",
        category="runtime",
        component=server,
        words=Text(
            f"{server} lets its client in but denies what it asks: rights{of_user} are missing or the account is locked. Grant them again.",
            f"{server} 接受了连接却拒绝其操作：{of_user_zh}权限被收回或账号被锁定。请重新授权。",
        ),
        evidence=as_evidence(lines, 0.85),
        onset=_since(lines),
        harms=tuple(dict.fromkeys(program.component for program, _ in told if program.component != server)),
        facts={"user": user},
    )
