"""Slow for what others do: more requests, retries, a cold cache, a callee that is slow by itself, an autoscaler at its end."""

from tests.evaluation.casebook.acts import answer, server
from tests.evaluation.casebook.complaints import complaint
from tests.evaluation.casebook.faults.routing_edge import backend, domain, ingress
from tests.evaluation.casebook.faults.telling import slow, steady, told
from tests.evaluation.casebook.model import Answer, Object, Program, stamp
from tests.evaluation.casebook.scene import Curve, Scene
from tests.evaluation.casebook.telemetry import STEP, row, sample, times_of
from tests.evaluation.casebook.ways import way


def counter(scene: Scene, program: Program, name: str, rate: float, after: float, **labels: str) -> None:
    """A store's exporter: one counter, whose rate changes at the onset."""
    times = times_of(scene)
    total, values = scene.dice.uniform(1e4, 1e6), []
    for each in sample(scene, Curve(rate, after, scene.onset), times):
        total += each * STEP
        values.append(total)
    place = {
        "__name__": name,
        "namespace": program.namespace,
        "service": program.name,
        "pod": program.pods[0].name,
        **labels,
    }
    scene.series.append((name, [row(place, times, values)]))


# --- a callee that is slow by itself ----------------------------------------------------------------------------------------------

_SLOW_LOG = {
    "mysql": [
        "# Time: {at}",
        "# User@Host: app[app] @  [10.244.1.17]  Id:   412",
        "# Query_time: {took}  Lock_time: 0.000012 Rows_sent: 1  Rows_examined: 4822193",
        "SELECT * FROM entries WHERE LOWER(note) LIKE '%x%' ORDER BY created;",
    ],
    "postgres": [
        "duration: {millis}.117 ms  statement: SELECT * FROM entries WHERE lower(note) LIKE '%x%' ORDER BY created"
    ],
    "mongo": ["Slow query", "planSummary: COLLSCAN docsExamined:4822193 durationMillis:{millis}"],
}


@way("slow_dependency")
def store_with_slow_queries(scene: Scene) -> Answer:
    store = scene.pick("database", where=lambda one: bool(scene.callers(one)))
    steady(scene, store)
    took = scene.dice.uniform(2.5, 7)
    for pod in store.pods:
        for _ in range(9):
            lines = [
                one.format(at=stamp(scene.taken_at), took=f"{took:.6f}", millis=int(took * 1000))
                for one in _SLOW_LOG[store.language]
            ]
            scene.say(pod, "RAW" if store.language == "mysql" else "INFO", lines)
    slow(scene, store, by=took * 0.5)
    scene.starve(store, "slow", times=4)
    scene.sources.metrics = [scene.dice.choice(["app", "computed", "istio"])] if scene.dice.random() < 0.7 else []
    return answer("slow_dependency", store, "logs")


@way("slow_dependency")
def last_of_a_chain_is_slow(scene: Scene) -> Answer:
    """Its own processor, network and load are as always; everybody above waits for it, the edge most visibly."""
    program = scene.pick("service", where=lambda one: bool(scene.callers(one)))
    steady(scene, program)
    slow(scene, program, by=scene.dice.uniform(0.8, 3.0))
    scene.starve(program, "slow", times=4, depth=1)
    needs = told(
        scene,
        (
            "ServiceLatencyHigh",
            f"{program.name} answers in {scene.dice.choice(['2.8s', '3.4s'])} (95th percentile), its callers wait for it",
            {"namespace": program.namespace, "service": program.name},
        ),
        dialects=("computed",),
    )
    return answer("slow_dependency", program, needs, "logs")


@way("slow_dependency")
def partner_outside_is_slow(scene: Scene) -> Answer:
    """The one that calls the partner says so; it is where something can be changed."""
    program = server(scene)
    steady(scene, program)
    host = scene.dice.choice(["api.partner-rates.example", "geo.mapprovider.example", "sms.gateway.example"])
    for pod in program.pods:
        for _ in range(8):
            scene.say(
                pod,
                "WARN",
                f"external call to https://{host}/v2/quote took {scene.dice.randrange(4100, 9900)}ms (usual 80ms)",
            )
    slow(scene, program, by=scene.dice.uniform(2, 5))
    scene.starve(program, "slow", times=3, depth=2)
    scene.sources.metrics = [scene.dice.choice(["app", "computed", "istio"])] if scene.dice.random() < 0.6 else []
    return answer("slow_dependency", program, "logs")


# --- more requests ----------------------------------------------------------------------------------------------------------------


def _surge(scene: Scene, program: Program, times: float, seen: set[str]) -> None:
    """More requests for it and for all that it calls; each busier in proportion."""
    if program.name in seen:
        return
    seen.add(program.name)
    steady(scene, program)
    if not program.is_data:
        scene.bend(program, "requests", times=times)
        curve = scene.curve(program, "latency")
        scene.bend(program, "latency", to=curve.base * scene.dice.uniform(3, 9))
    for pod in program.pods:
        for role in ("cpu", "rx", "tx"):
            scene.bend(pod, role, times=times * scene.dice.uniform(0.8, 1.1))
    for call in program.calls:
        _surge(scene, call.callee, times * 0.9, seen)


@way("traffic_surge")
def many_more_come_in_at_the_edge(scene: Scene) -> Answer:
    edge = scene.programs[0]
    more = scene.dice.uniform(5, 14)
    _surge(scene, edge, more, set())
    needs = told(
        scene,
        (
            "RequestRateAnomaly",
            f"{edge.name} receives {more:.0f} times as many requests as an hour ago",
            {"namespace": edge.namespace, "service": edge.name},
        ),
        dialects=("computed",),
    )
    scene.sources.points = 0
    return answer("traffic_surge", edge, needs)


@way("traffic_surge")
def one_service_is_called_much_more(scene: Scene) -> Answer:
    program = server(scene)
    ingress(scene, f"{program.name}-partners", domain(scene), {"/": backend(program)})  # they come in past the edge
    more = scene.dice.uniform(6, 12)
    _surge(scene, program, more, set())
    slow(scene, program, by=0.4)
    needs = told(
        scene,
        (
            "RequestRateAnomaly",
            f"request rate of {program.name} is {more:.0f} times its usual value",
            {"namespace": program.namespace, "service": program.name},
        ),
        dialects=("computed",),
    )
    scene.sources.points = 0
    return answer("traffic_surge", program, needs)


def hpa(scene: Scene, program: Program, *, least: int, most: int, use: int, limited: bool, target: int = 60) -> Object:
    conditions = [
        {
            "type": "AbleToScale",
            "status": "True",
            "reason": "ReadyForNewScale",
            "message": "recommended size matches current size",
        },
        {
            "type": "ScalingActive",
            "status": "True",
            "reason": "ValidMetricFound",
            "message": "the HPA was able to successfully calculate a replica count from cpu resource utilization (percentage of request)",
        },
        {
            "type": "ScalingLimited",
            "status": "True",
            "reason": "TooManyReplicas",
            "message": "the desired replica count is more than the maximum replica count",
        }
        if limited
        else {
            "type": "ScalingLimited",
            "status": "False",
            "reason": "DesiredWithinRange",
            "message": "the desired count is within the acceptable range",
        },
    ]
    spec = {
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": program.kind, "name": program.name},
        "minReplicas": least,
        "maxReplicas": most,
        "metrics": [
            {
                "type": "Resource",
                "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": target}},
            }
        ],
    }
    status = {
        "currentReplicas": program.replicas,
        "desiredReplicas": program.replicas,
        "lastScaleTime": stamp(scene.onset),
        "conditions": [{**one, "lastTransitionTime": stamp(scene.onset)} for one in conditions],
        "currentMetrics": [
            {
                "type": "Resource",
                "resource": {"name": "cpu", "current": {"averageUtilization": use, "averageValue": f"{use}m"}},
            }
        ],
    }
    return scene.add(
        "HorizontalPodAutoscaler", program.name, program.namespace, api="autoscaling/v2", spec=spec, status=status
    )


@way("hpa_maxed")
def autoscaler_is_at_its_end(scene: Scene) -> Answer:
    program = scene.pick("service", "worker")
    most = scene.dice.choice([2, 3, 4])
    scene.scale(program, most, scene.onset)
    use = scene.dice.randrange(96, 240)
    hpa(scene, program, least=1, most=most, use=use, limited=True)
    for pod in program.pods:
        scene.bend(pod, "cpu", times=6)
    scene.bend(program, "requests", times=2.5)
    slow(scene, program, by=0.7)
    if scene.dice.random() < 0.6:
        scene.alert(
            "KubeHpaMaxedOut",
            f"HPA {program.namespace}/{program.name} has been running at max replicas for longer than 15 minutes.",
            namespace=program.namespace,
            horizontalpodautoscaler=program.name,
        )
    return answer("hpa_maxed", program, "objects", keeps=("HorizontalPodAutoscaler",))


@way("hpa_maxed")
def autoscaler_of_the_first_version_is_at_its_end(scene: Scene) -> Answer:
    """No conditions, only numbers: as many as allowed, and busier than wanted."""
    program = scene.pick("service")
    most = scene.dice.choice([2, 3, 5])
    scene.scale(program, most, scene.onset)
    spec = {
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": program.name},
        "minReplicas": 1,
        "maxReplicas": most,
        "targetCPUUtilizationPercentage": 70,
    }
    status = {
        "currentReplicas": most,
        "desiredReplicas": most,
        "currentCPUUtilizationPercentage": scene.dice.randrange(120, 300),
        "lastScaleTime": stamp(scene.onset),
    }
    scene.add(
        "HorizontalPodAutoscaler", program.name, program.namespace, api="autoscaling/v1", spec=spec, status=status
    )
    slow(scene, program, by=0.9)
    scene.starve(program, "slow", times=3, depth=1)
    return answer("hpa_maxed", program, "objects", keeps=("HorizontalPodAutoscaler",))


# --- caches and retries -----------------------------------------------------------------------------------------------------------


@way("cache_stampede", wants=("cache",))
def everything_in_the_cache_ended_at_once(scene: Scene) -> Answer:
    """Hits become misses, the store behind it is asked for everything."""
    cache = scene.pick("cache", where=lambda one: bool(scene.callers(one)))
    clients = scene.callers(cache)
    store = next(
        (call.callee for one in clients for call in one.calls if call.callee.role == "database"), scene.pick("database")
    )
    for one in (cache, store, *clients):
        steady(scene, one)
    rate = scene.dice.uniform(300, 900)
    counter(scene, cache, "redis_keyspace_hits_total", rate, rate * 0.08)
    counter(scene, cache, "redis_keyspace_misses_total", rate * 0.04, rate * 0.95)
    if scene.dice.random() < 0.6:
        counter(scene, cache, "redis_expired_keys_total", 2.0, 900.0)
    name = {
        "mysql": "mysql_global_status_queries",
        "postgres": "pg_stat_database_xact_commit",
        "mongo": "mongodb_op_counters_total",
    }[store.language]
    counter(scene, store, name, rate * 0.06, rate * 0.98)
    for pod in store.pods:
        scene.bend(pod, "cpu", to=scene.dice.uniform(0.9, 1.9))
    for client in clients:
        slow(scene, client, by=scene.dice.uniform(0.5, 1.5))
        for pod in client.pods:
            scene.keeps_saying(
                pod,
                "WARN",
                f"cache miss for {scene.dice.choice(['plan', 'price', 'profile'])}:{scene.dice.randrange(999)}, loading from database",
                times=14,
            )
    scene.sources.metrics = ["cadvisor", scene.dice.choice(["app", "istio"])]
    return answer("cache_stampede", cache, "metrics", places=tuple(one.component for one in clients))


@way("cache_stampede", wants=("cache",))
def keys_ended_together_as_alerts_and_logs_tell(scene: Scene) -> Answer:
    """No series at all: the exporter's alert on hits, and clients that all load the same from the database."""
    cache = scene.pick("cache", where=lambda one: any(caller.language != "nginx" for caller in scene.callers(one)))
    clients = [one for one in scene.callers(cache) if one.language != "nginx"]
    for client in clients:
        for pod in client.pods:
            for _ in range(25):
                scene.say(
                    pod,
                    "WARN",
                    f"cache miss key=price:{scene.dice.randrange(9999)} loading from database took {scene.dice.randrange(900, 4000)}ms",
                )
    scene.alert(
        "RedisHitRateLow",
        f"cache hit rate of {cache.name} fell from 95% to 6%",
        namespace=cache.namespace,
        service=cache.name,
    )
    for client in clients[:2]:
        scene.alert(
            "HighRequestLatency",
            f"95th percentile latency of {client.name} is above 1s",
            namespace=client.namespace,
            service=client.name,
        )
    scene.sources.metrics = []
    return answer("cache_stampede", cache, "alerts", "logs", places=tuple(one.component for one in clients))


@way("retry_storm")
def callers_repeat_what_fails(scene: Scene) -> Answer:
    """The edge has as many requests as always; between the two there are many times more."""
    caller, call = scene.dice.choice(
        [
            (one, call)
            for one in scene.programs
            for call in one.calls
            if call.callee.role == "service" and one.language != "nginx"
        ]
    )
    callee = call.callee
    for one in (caller, callee):
        steady(scene, one)
    attempts = scene.dice.choice([3, 5, 8])
    scene.bend(callee, "requests", times=attempts * scene.dice.uniform(0.8, 1.1))
    scene.bend(callee, "errors", to=scene.dice.uniform(0.4, 0.7))
    for pod in callee.pods:
        scene.bend(pod, "cpu", times=attempts * 0.9)
    for pod in caller.pods:
        for number in range(16):
            _, lines = complaint(caller, call, "unavailable", scene.dice)
            scene.say(
                pod,
                "WARN",
                f"attempt {number % attempts + 1}/{attempts} to call {callee.name} failed, retrying in {scene.dice.choice([10, 20, 50])}ms: {lines[-1].strip() if caller.language == 'python' else lines[0]}",
            )
        if scene.dice.random() < 0.7:
            caller.set_env("HTTP_MAX_RETRIES", str(attempts))
    slow(scene, callee, by=scene.dice.uniform(0.5, 1.8))
    scene.sources.metrics = [scene.dice.choice(["computed", "istio", "app"])]
    scene.sources.points = 0
    return answer("retry_storm", caller, "logs", "metrics", places=(callee.component,))


@way("retry_storm")
def mesh_retries_without_measure(scene: Scene) -> Answer:
    """The VirtualService says ten attempts, whoever calls."""
    caller, call = scene.dice.choice(
        [(one, call) for one in scene.programs for call in one.calls if call.callee.role == "service"]
    )
    callee = call.callee
    for one in (caller, callee):
        steady(scene, one)
    scene.add(
        "VirtualService",
        callee.name,
        callee.namespace,
        api="networking.istio.io/v1beta1",
        spec={
            "hosts": [callee.name],
            "http": [
                {
                    "route": [{"destination": {"host": callee.name}}],
                    "retries": {"attempts": 10, "perTryTimeout": "200ms", "retryOn": "5xx,reset,connect-failure"},
                }
            ],
        },
    )
    scene.bend(callee, "requests", times=8)
    scene.bend(callee, "errors", to=0.6)
    for pod in callee.pods:
        scene.bend(pod, "cpu", times=7)
    for pod in caller.pods:
        scene.keeps_saying(
            pod,
            "ERROR" if caller.language == "nginx" else "WARN",
            f"call to {callee.name} failed after 10 retries: upstream request timeout",
            times=9,
        )
    slow(scene, callee, by=0.9)
    scene.sources.metrics = ["istio"]
    return answer(
        "retry_storm", callee, "logs", "metrics", places=tuple(one.component for one in scene.callers(callee))
    )
