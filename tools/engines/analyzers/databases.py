"""Databases that refuse to write or to let in one more, and clients that ask at a port where no database is.

What a client's log says names the fault; which store it means is known from the client's addresses. The component is the store where it
runs in the cluster, because that is what has to change; of a store outside it is the client, since nothing else can be named.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import datetime

from core.language import Text
from tools.engines.analyzers.distance import signs_of_distance
from tools.engines.diagnosis import Component, Evidence
from tools.engines.finding import Finding, evidence
from tools.engines.graph import Graph
from tools.engines.heard import Heard, as_evidence, heard, silence
from tools.engines.metrics.scene import scene_of
from tools.engines.objects import component, listed
from tools.engines.program import Program
from tools.engines.snapshot import Snapshot
from tools.engines.stores import CACHES, Dial, Stores, engine_of, ports_served
from tools.engines.unwell import is_unwell

_AWAY = ("refused", "timed_out", "communications_link_failure", "no_route", "unreachable", "reset", "pool_exhausted")
_READ_ONLY_SETTINGS = (
    "--read-only",
    "--read_only",
    "--super-read-only",
    "super_read_only",
    "default_transaction_read_only=on",
)
_OFF = ("=0", "=off", "=false", "=no")


def databases_asked_at_a_wrong_port(snapshot: Snapshot, graph: Graph) -> Iterable[Finding]:
    stores, found = Stores(snapshot, graph), set[Component]()
    for dial in (*stores.dials, *_dialled_in_logs(snapshot, stores)):
        served = ports_served(dial) if dial.meant.service else []
        wrong = served and dial.address.port and dial.address.port not in served and dial.engine not in CACHES
        if wrong and dial.client.component not in found:
            found.add(dial.client.component)
            yield _wrong_port(snapshot, dial, served)


def _dialled_in_logs(snapshot: Snapshot, stores: Stores) -> Iterator[Dial]:
    for program in snapshot.speakers:
        seen: set[str] = set()
        for one in heard(snapshot, program, *_AWAY) if not engine_of(program) else ():
            host, _, port = one.said.target.rpartition(":")
            if one.said.target in seen or not host or not port.isdigit():
                continue
            seen.add(one.said.target)
            if dial := stores.dialled_in_log(program, host, int(port), str(one.key)):
                yield dial


def _wrong_port(snapshot: Snapshot, dial: Dial, served: list[int]) -> Finding:
    client, asked, right = dial.client, dial.address.port, served[0]
    service = component(dial.meant.service or {})
    lines = [one for one in heard(snapshot, client, *_AWAY) if _may_be(one, dial)]
    place = f"{dial.address.path}" + ("" if dial.address.name in dial.address.path else f" {dial.address.name}")
    proof = (
        evidence(
            "kubernetes", place, f"{dial.address} is asked; {service} serves {', '.join(map(str, served))}", weight=0.85
        ),
        *as_evidence(lines, 0.5),
    )
    return Finding(
        fault="mysql_invalid_port",
        category="runtime",
        component=client.component,
        words=Text(
            f"{client.component} asks the database {service.name} at port {asked}, but {service} serves {right}. "
            f"Set the port in {dial.address.path} to {right}.",
            f"{client.component} 以端口 {asked} 连接数据库 {service.name}，而 {service} 提供的端口是 {right}。"
            f"请把 {dial.address.path} 中的端口改为 {right}。",
        ),
        evidence=proof,
        against=tuple(silence(snapshot, client, 0.3)) if not lines else (),
        onset=_onset(lines),
        latent=not lines and not is_unwell(snapshot, client),
        facts={"asked": asked, "served": served, "path": dial.address.path},
    )


def _may_be(one: Heard, dial: Dial) -> bool:
    """Whether a sentence can be about this address: it names it, or its port, or names nothing."""
    host, _, port = one.said.target.rpartition(":")
    if not one.said.target or not port.isdigit():
        return not one.said.target or one.said.target.split(".")[0] == dial.address.host.split(".")[0]
    return port == str(dial.address.port) or host.split(".")[0] == dial.address.host.split(".")[0]


def databases_that_only_read(snapshot: Snapshot, graph: Graph) -> Iterable[Finding]:
    told = _told_by_clients(snapshot, graph, ("read_only",))
    for where, lines in told.items():
        server = snapshot.program(where)
        proof = [*as_evidence(lines, 0.85), *(_set_read_only(server) if server else ())]
        yield Finding(
            fault="db_read_only",
            category="runtime",
            component=where,
            words=Text(
                f"{where} refuses to write: it runs read-only, as its clients are told. Switch it back to read and write, "
                f"or let the clients write to the primary.",
                f"{where} 处于只读状态，客户端的写入被拒绝。请恢复为可读写，或让客户端写入主库。",
            ),
            evidence=tuple(proof),
            onset=_onset(lines),
        )


def _set_read_only(server: Program) -> Iterator[Evidence]:
    for container in server.containers:
        for key in ("command", "args"):
            for word in listed(container, key):
                if isinstance(word, str) and _is_read_only(word):
                    yield evidence(
                        "kubernetes", f"{server.ref}.containers[{container.get('name')}].{key}", word, weight=0.6
                    )
                    return


def _is_read_only(word: str) -> bool:
    low = word.lower().replace(" ", "")
    return any(one in low for one in _READ_ONLY_SETTINGS) and not low.endswith(_OFF)


def databases_without_free_connections(snapshot: Snapshot, graph: Graph) -> Iterable[Finding]:
    sure = _told_by_clients(snapshot, graph, ("too_many_connections",))
    for program in snapshot.speakers:
        if engine_of(program) and (lines := heard(snapshot, program, "too_many_connections")):
            sure.setdefault(program.component, []).extend(lines)
    waiting = {
        where: lines
        for where, told in _told_by_clients(snapshot, graph, ("pool_exhausted",), alone=_AWAY[:4]).items()
        if (lines := [one for one in told if not _is_hard_to_reach(snapshot, graph, one)])
    }
    _gather_with_the_server(snapshot, sure)
    for where in dict.fromkeys([*sure, *waiting]):
        lines, queued = sure.get(where, []), waiting.get(where, [])
        clients = () if lines else _speakers(snapshot, queued)
        weight = 0.45 if len({one.key.pod for one in queued}) > 1 else 0.35
        proof = (*as_evidence(lines, 0.85), *as_evidence(queued, weight))
        yield Finding(
            fault="db_connection_exhaustion",
            category="runtime",
            component=where,
            words=Text(
                f"{where} has no connection left for its clients. Raise its limit, or find who holds connections without giving them back.",
                f"{where} 的连接已用尽，客户端无法再建立连接。请提高连接上限，或找出占用连接不释放的客户端。",
            ),
            evidence=proof,
            onset=_onset(lines or queued),
            explainable=not lines,
            told_by=clients,
        )


def _is_hard_to_reach(snapshot: Snapshot, graph: Graph, one: Heard) -> bool:
    """Whether the client itself is not reached in time: then its own network, and no store, is why it waits for connections."""
    return bool(signs_of_distance(scene_of(snapshot, graph), snapshot.speaker_of(one.key)))


def _speakers(snapshot: Snapshot, lines: list[Heard]) -> tuple[Component, ...]:
    return tuple(dict.fromkeys(snapshot.speaker_of(one.key) for one in lines))


def _gather_with_the_server(snapshot: Snapshot, sure: dict[Component, list[Heard]]) -> None:
    """Clients whose store is not known mean the one database that says the same of itself."""
    full = [where for where in sure if (program := snapshot.program(where)) and engine_of(program)]
    if len(full) == 1:
        for where in [one for one in sure if one not in full]:
            sure[full[0]].extend(sure.pop(where))


def _told_by_clients(
    snapshot: Snapshot, graph: Graph, meanings: tuple[str, ...], alone: tuple[str, ...] = ()
) -> dict[Component, list[Heard]]:
    """By the store that is meant, what its clients' logs say; not where they say something of `alone` as well."""
    stores, found = Stores(snapshot, graph), defaultdict[Component, list[Heard]](list)
    for program in snapshot.speakers:
        if engine_of(program) or not (lines := heard(snapshot, program, *meanings)):
            continue
        if alone and heard(snapshot, program, *alone):
            continue
        for one in lines:
            found[store_meant(stores, one, program)].append(one)
    return dict(found)


def store_meant(stores: Stores, one: Heard, client: Program, *, caches: bool | None = None) -> Component:
    """The store that a client's sentence is about; the client itself where that is outside the cluster or cannot be told.

    It is the one whose address stands in the sentence, or whose engine speaks so, or the only one that it calls. Of a client whose
    addresses are not known it is the only store of that engine that its neighbours call, or that there is.
    """
    text = one.said.text.lower()
    dials = [dial for dial in stores.dials_of(client) if caches is None or (dial.engine in CACHES) == caches]
    known = [dial for dial in dials if dial.servers]
    named = [dial for dial in known if dial.address.host.lower() in text]
    spoken = [dial for dial in known if _speaks(dial.engine, text)]
    chosen = named or spoken or [dial for dial in known if dial.engine not in CACHES] or known
    if chosen:
        return chosen[0].servers[0].component
    engines = [
        engine for engine in _WORDS_OF if _speaks(engine, text) and (caches is None or (engine in CACHES) == caches)
    ]
    outside = any(dial.engine in engines or not engines for dial in dials)
    return client.component if outside else stores.only_one(client, engines, caches=caches) or client.component


_WORDS_OF = {
    "mysql": ("mysql", "mariadb", "hy000", "--read-only", "jdbc", "read_only"),
    "postgres": ("postgres", "pq:", "psycopg", "pgx", "npgsql", "fatal:", "read-only transaction", "sqlstate"),
    "redis": ("redis", "readonly you", "read only replica", "noauth", "wrongpass", "lettuce", "jedis"),
    "mongo": ("mongo", "primary", "not master"),
}


def _speaks(engine: str, text: str) -> bool:
    return any(word in text for word in _WORDS_OF.get(engine, ()))


def _onset(lines: list[Heard]) -> datetime | None:
    return min((one.said.first for one in lines if one.said.first), default=None)
