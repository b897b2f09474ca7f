"""Clients and the stores they stand on: credentials, ports, rights, connections, and stores that take no writes."""

from collections.abc import Iterable

from tests.evaluation.casebook import complaints
from tests.evaluation.casebook.acts import answer, last_words
from tests.evaluation.casebook.addresses import key_of, readdress
from tests.evaluation.casebook.model import Answer, Call, Program
from tests.evaluation.casebook.scene import Scene
from tests.evaluation.casebook.things import add_secret
from tests.evaluation.casebook.ways import way


def client_of(scene: Scene, engine: str, *, role: str = "database") -> tuple[Program, Call]:
    """A caller of a store of an engine, with its call; never a proxy."""
    found = [
        (one, call)
        for one in scene.programs
        if one.language != "nginx"
        for call in one.calls
        if call.callee.role == role and (not engine or call.callee.language == engine)
    ]
    if not found:
        raise LookupError(f"nobody calls {engine}")
    return scene.dice.choice(found)


def complain(scene: Scene, caller: Program, call: Call, how: str, *, times: int = 8, depth: int = 1) -> None:
    """A client's log about its store, and those who call it in their turn."""
    for pod in caller.pods:
        for _ in range(times):
            at = scene.onset + (scene.taken_at - scene.onset) * scene.dice.uniform(0.02, 0.99)
            level, lines = complaints.complaint(caller, call, how, scene.dice)
            scene.say(pod, level, lines, at=at)
    scene.bend(caller, "errors", to=0.6)
    if depth:
        scene.starve(caller, "failed", depth=depth, times=3)


def dies_of_it(scene: Scene, caller: Program, call: Call, how: str, pods: Iterable[object]) -> None:
    """A client that needs its store to start: its pods end with the same complaint."""
    for pod in (one for one in caller.pods if one in list(pods)):
        level, lines = complaints.complaint(caller, call, how, scene.dice)
        scene.crashing(pod, 1, lived=6)
        last_words(scene, pod, level, lines)
    if not any(pod.is_ready for pod in caller.pods):
        scene.starve(caller, "refused", times=4)


# --- credentials and port: the client's fault -------------------------------------------------------------------------------------


@way("mysql_invalid_credentials", wants=("mysql",))
def client_reads_another_secret(scene: Scene) -> Answer:
    caller, call = client_of(scene, "mysql")
    name = f"{caller.name}-db"
    add_secret(scene, name, caller.namespace, ["password"], value="other")

    def edit(one: Program) -> None:
        ref = one.env(f"{key_of(call.callee)}_PASSWORD")
        assert ref is not None
        ref["valueFrom"] = {"secretKeyRef": {"name": name, "key": "password"}}

    pods = scene.afflict(caller, edit, how=scene.dice.choice(["recreate", "roll_out"]))
    dies_of_it(scene, caller, call, "denied", pods)
    _server_says_denied(scene, caller, call)
    return answer("mysql_invalid_credentials", caller, "logs")


@way("mysql_invalid_credentials", wants=("mysql",))
def client_logs_in_as_somebody_else(scene: Scene) -> Answer:
    caller, call = client_of(scene, "mysql")
    user = scene.dice.choice(["admin", f"{caller.name.split('-')[0]}_rw", "svc_app", "dbuser"])
    pods = scene.afflict(
        caller,
        lambda one: one.set_env(f"{key_of(call.callee)}_USER", user),
        how=scene.dice.choice(["recreate", "first"]),
    )
    complain(scene, caller, call, "denied")
    _server_says_denied(scene, caller, call)
    for pod in pods:
        if scene.dice.random() < 0.5:
            scene.unready(pod)
            scene.event(
                pod,
                "Unhealthy",
                "Readiness probe failed: HTTP probe failed with statuscode: 503",
                count=60,
                container=caller.main,
            )
    return answer("mysql_invalid_credentials", caller, "logs")


@way("mysql_invalid_credentials", wants=("mysql",))
def password_written_into_the_template(scene: Scene) -> Answer:
    """As a plain value, where the server has it from its Secret."""
    caller, call = client_of(scene, "mysql")

    def edit(one: Program) -> None:
        one.set_env(f"{key_of(call.callee)}_PASSWORD", "changeme-2023")

    pods = scene.afflict(caller, edit)
    if scene.dice.random() < 0.5:
        dies_of_it(scene, caller, call, "denied", pods)
    else:
        complain(scene, caller, call, "denied")
    return answer("mysql_invalid_credentials", caller, "logs")


def _server_says_denied(scene: Scene, caller: Program, call: Call) -> None:
    user = complaints.user_of(caller, call)
    for pod in call.callee.pods:
        ip = caller.pods[0].ip if caller.pods else "10.244.1.9"
        scene.keeps_saying(
            pod, "INFO", f"[MY-010926] [Server] Access denied for user '{user}'@'{ip}' (using password: YES)", times=9
        )


def _wrong_port(scene: Scene, right: int) -> int:
    return scene.dice.choice([one for one in (3307, 33060, 3360, 5432, 13306) if one != right])


@way("mysql_invalid_port", wants=("mysql",))
def client_is_told_a_wrong_port(scene: Scene) -> Answer:
    caller, call = client_of(scene, "mysql")
    port = _wrong_port(scene, call.port)
    how = scene.dice.choice(["refused", "timed_out"])
    pods = scene.afflict(caller, lambda one: readdress(scene, one, call, port=port))
    dies_of_it(scene, caller, call, how, pods)
    return answer("mysql_invalid_port", caller, "objects")


@way("mysql_invalid_port", wants=("mysql",))
def client_with_a_wrong_port_keeps_trying(scene: Scene) -> Answer:
    caller, call = client_of(scene, "mysql")
    port = _wrong_port(scene, call.port)
    scene.afflict(caller, lambda one: readdress(scene, one, call, port=port), how="recreate")
    complain(scene, caller, call, scene.dice.choice(["refused", "timed_out"]))
    for pod in caller.pods:
        if scene.dice.random() < 0.5:
            scene.unready(pod)
            scene.event(
                pod,
                "Unhealthy",
                "Readiness probe failed: HTTP probe failed with statuscode: 503",
                count=45,
                container=caller.main,
            )
    return answer("mysql_invalid_port", caller, "objects")


# --- the store's own fault --------------------------------------------------------------------------------------------------------


def all_clients(scene: Scene, store: Program) -> list[tuple[Program, Call]]:
    return [
        (one, call) for one in scene.programs if one.language != "nginx" for call in one.calls if call.callee is store
    ]


def _everyone_complains(scene: Scene, store: Program, how: str) -> None:
    for caller, call in all_clients(scene, store):
        complain(scene, caller, call, how, times=5)
    if scene.dice.random() < 0.4:
        victim, _ = scene.dice.choice(all_clients(scene, store))
        scene.alert(
            "HttpErrorRateHigh", f"{victim.name}: 5xx above 5%", namespace=victim.namespace, service=victim.name
        )


def _store(scene: Scene, *engines: str) -> Program:
    return scene.pick("database", where=lambda one: one.language in engines and bool(all_clients(scene, one)))


@way("db_read_only", wants=("mysql",))
def mysql_started_read_only(scene: Scene) -> Answer:
    store = _store(scene, "mysql")
    flag, how = scene.dice.choice(
        [("--read-only=ON", "read_only"), ("--super-read-only=1", "super_read_only"), ("--read_only=1", "read_only")]
    )
    scene.recreate(store, lambda one: one.container.update(args=[flag, "--innodb-buffer-pool-size=256M"]), revise=True)
    _everyone_complains(scene, store, how)
    return answer("db_read_only", store, "objects", "logs")


@way("db_read_only", wants=("mysql",))
def mysql_set_read_only_by_hand(scene: Scene) -> Answer:
    """SET GLOBAL read_only=1 in a session: only the clients tell."""
    store = _store(scene, "mysql")
    _everyone_complains(scene, store, scene.dice.choice(["read_only", "super_read_only"]))
    return answer("db_read_only", store, "logs")


@way("db_read_only", wants=("postgres",))
def postgres_takes_no_writes(scene: Scene) -> Answer:
    store = _store(scene, "postgres")
    if scene.dice.random() < 0.5:
        scene.recreate(
            store, lambda one: one.container.update(args=["-c", "default_transaction_read_only=on"]), revise=True
        )
    _everyone_complains(scene, store, "read_only")
    for pod in store.pods:
        scene.keeps_saying(
            pod,
            "ERROR",
            [
                "cannot execute INSERT in a read-only transaction",
                "STATEMENT:  INSERT INTO entries (id, amount) VALUES ($1, $2)",
            ],
            times=8,
        )
    return answer("db_read_only", store, "logs")


@way("db_read_only", wants=("mysql",))
def mysql_read_only_in_its_file(scene: Scene) -> Answer:
    store = _store(scene, "mysql")
    name = f"{store.name}-cnf"
    scene.add(
        "ConfigMap",
        name,
        store.namespace,
        data={"my.cnf": "[mysqld]\nskip-name-resolve\nread_only = ON\nmax_connections = 300\n"},
    )

    def edit(one: Program) -> None:
        one.container.setdefault("volumeMounts", []).append({"name": "cnf", "mountPath": "/etc/mysql/conf.d"})
        one.pod_spec.setdefault("volumes", []).append({"name": "cnf", "configMap": {"name": name, "defaultMode": 420}})

    scene.recreate(store, edit, revise=True)
    _everyone_complains(scene, store, "read_only")
    return answer("db_read_only", store, "objects", "logs")


@way("db_connection_exhaustion", wants=("mysql",))
def mysql_with_few_connections(scene: Scene) -> Answer:
    store = _store(scene, "mysql")
    scene.recreate(
        store,
        lambda one: one.container.update(args=[f"--max-connections={scene.dice.choice([5, 10, 20])}"]),
        revise=True,
    )
    _everyone_complains(scene, store, "too_many")
    return answer("db_connection_exhaustion", store, "logs")


@way("db_connection_exhaustion", wants=("mysql",))
def mysql_filled_by_its_clients(scene: Scene) -> Answer:
    """No setting says so. Pools wait, then some are refused."""
    store = _store(scene, "mysql")
    for number, (caller, call) in enumerate(all_clients(scene, store)):
        complain(scene, caller, call, "too_many" if number == 0 else scene.dice.choice(["too_many", "pool"]), times=6)
    for pod in store.pods:
        scene.keeps_saying(pod, "WARN", "[MY-010055] [Server] Too many connections", times=6)
    return answer("db_connection_exhaustion", store, "logs")


@way("db_connection_exhaustion", wants=("postgres",))
def postgres_has_too_many_clients(scene: Scene) -> Answer:
    store = _store(scene, "postgres")
    if scene.dice.random() < 0.5:
        scene.recreate(store, lambda one: one.container.update(args=["-c", "max_connections=15"]), revise=True)
    _everyone_complains(scene, store, "too_many")
    text = scene.dice.choice(
        [
            "sorry, too many clients already",
            "remaining connection slots are reserved for non-replication superuser connections",
        ]
    )
    for pod in store.pods:
        scene.keeps_saying(pod, "FATAL", text, times=14)
    return answer("db_connection_exhaustion", store, "logs")


@way("db_auth_revoked", wants=("mysql",))
def rights_on_tables_were_revoked(scene: Scene) -> Answer:
    store = _store(scene, "mysql")
    _everyone_complains(scene, store, "revoked")
    return answer("db_auth_revoked", store, "logs")


@way("db_auth_revoked", wants=("mysql",))
def right_to_the_database_was_revoked(scene: Scene) -> Answer:
    store = _store(scene, "mysql")
    _everyone_complains(scene, store, "no_database")
    return answer("db_auth_revoked", store, "logs")


@way("db_auth_revoked", wants=("postgres",))
def postgres_denies_its_tables(scene: Scene) -> Answer:
    store = _store(scene, "postgres")
    _everyone_complains(scene, store, "revoked")
    for pod in store.pods:
        scene.keeps_saying(
            pod,
            "ERROR",
            ["permission denied for table entries", "STATEMENT:  SELECT id, amount FROM entries WHERE owner = $1"],
            times=9,
        )
    return answer("db_auth_revoked", store, "logs")


@way("db_auth_revoked", wants=("mongo",))
def mongo_role_was_taken(scene: Scene) -> Answer:
    store = _store(scene, "mongo")
    _everyone_complains(scene, store, "revoked")
    return answer("db_auth_revoked", store, "logs")


def _cache(scene: Scene) -> Program:
    return scene.pick("cache", where=lambda one: bool(all_clients(scene, one)))


def _take_passwords(scene: Scene, cache: Program) -> None:
    """Until now the cache asked for none, and no client has one."""
    for caller, _ in all_clients(scene, cache):
        name = f"{key_of(cache)}_PASSWORD"
        caller.container["env"] = [one for one in caller.container["env"] if one["name"] != name]


@way("cache_auth_failed", wants=("cache",))
def cache_now_wants_a_password(scene: Scene) -> Answer:
    """Until the onset it ran without; its clients have none."""
    cache = _cache(scene)
    _take_passwords(scene, cache)
    old = cache.revisions[-1]
    new_args = list(cache.container["args"])
    cache.container["args"] = ["--maxmemory", "256mb"]
    assert old.template is cache.template
    scene.recreate(cache, lambda one: one.container.update(args=new_args), revise=True)
    for caller, call in all_clients(scene, cache):
        complain(scene, caller, call, "noauth", times=6)
    return answer("cache_auth_failed", cache, "logs")


@way("cache_auth_failed", wants=("cache",))
def cache_has_another_password_than_its_clients(scene: Scene) -> Answer:
    cache = _cache(scene)
    fresh = f"{cache.name}-credentials-v2"
    add_secret(scene, fresh, cache.namespace, ["redis-password"], value="rotated")

    def edit(one: Program) -> None:
        ref = one.env("REDIS_PASSWORD")
        assert ref is not None
        ref["valueFrom"] = {"secretKeyRef": {"name": fresh, "key": "redis-password"}}

    scene.recreate(cache, edit, revise=True)
    for caller, call in all_clients(scene, cache):
        complain(scene, caller, call, "wrongpass", times=6)
    return answer("cache_auth_failed", cache, "logs")


@way("cache_auth_failed", wants=("cache",))
def cache_password_changed_at_runtime(scene: Scene) -> Answer:
    """CONFIG SET requirepass: every client is turned away, nothing else changed."""
    cache = _cache(scene)
    how = scene.dice.choice(["wrongpass", "noauth"])
    for caller, call in all_clients(scene, cache):
        complain(scene, caller, call, how, times=8)
    return answer("cache_auth_failed", cache, "logs")
