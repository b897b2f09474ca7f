"""What only grows, and what stands still: memory, threads, descriptors, and programs that wait for themselves."""

from datetime import timedelta

from tests.evaluation.casebook.acts import answer, lives_with_restarts, server
from tests.evaluation.casebook.model import Answer, Pod, Program
from tests.evaluation.casebook.scene import Scene
from tests.evaluation.casebook.ways import way

MIB = 1024**2


def _settled(scene: Scene, program: Program) -> None:
    """Its pods were there before the window of the metrics."""
    for pod in program.pods:
        pod.created = min(pod.created, scene.ago(hours=6))


def _limit(program: Program) -> int:
    text = str(program.container["resources"]["limits"]["memory"])
    return int(text.removesuffix("Mi")) * MIB


@way("memory_leak")
def memory_that_only_grows(scene: Scene) -> Answer:
    program = server(scene)
    _settled(scene, program)
    for pod in program.pods:
        scene.curve(pod, "memory").base = _limit(program) * 0.35
        scene.curve(pod, "memory").noise = 0.01
        scene.bend(
            pod,
            "memory",
            to=_limit(program) * scene.dice.uniform(0.85, 0.95),
            shape="ramp",
            since=scene.ago(minutes=68),
        )
    if scene.dice.random() < 0.5:
        scene.alert(
            "ContainerMemoryNearLimit",
            f"{program.pods[0].name} uses more than 85% of its memory limit",
            namespace=program.namespace,
            pod=program.pods[0].name,
        )
    _metrics(scene, "cadvisor", "computed")
    return answer("memory_leak", program, "metrics")


@way("memory_leak")
def memory_grows_until_it_is_killed(scene: Scene) -> Answer:
    """A saw: it climbs for half an hour, is killed, and climbs again."""
    program = server(scene)
    _settled(scene, program)
    for pod in program.pods:
        scene.curve(pod, "memory").base = _limit(program) * 0.3
        scene.curve(pod, "memory").noise = 0.01
        died = scene.ago(minutes=scene.dice.uniform(44, 52))
        lives_with_restarts(scene, pod, scene.dice.randrange(2, 6), 137, "OOMKilled", last=died)
        scene.bend(pod, "memory", to=_limit(program) * scene.dice.uniform(0.82, 0.95), shape="ramp", since=died)
    _metrics(scene, "cadvisor", "computed")
    return answer("memory_leak", program, "metrics", also=("oom_killed",))


@way("memory_leak", wants=("java",))
def heap_fills_and_collections_get_longer(scene: Scene) -> Answer:
    program = server(scene, "java", called=False)
    _settled(scene, program)
    for pod in program.pods:
        scene.curve(pod, "memory").base = _limit(program) * 0.4
        scene.curve(pod, "memory").noise = 0.012
        scene.bend(pod, "memory", to=_limit(program) * 0.93, shape="ramp", since=scene.ago(minutes=70))
        scene.bend(pod, "cpu", times=4, shape="ramp", since=scene.ago(minutes=30))
        scene.keeps_saying(
            pod, "WARN", "java.lang.OutOfMemoryError: Java heap space", times=2, since=scene.ago(minutes=6)
        )
        scene.keeps_saying(
            pod,
            "WARN",
            f"[gc] Pause Full (G1 Compaction Pause) {int(_limit(program) / MIB * 0.9)}M->{int(_limit(program) / MIB * 0.88)}M 1843.220ms",
            times=4,
            since=scene.ago(minutes=15),
        )
    _metrics(scene, "cadvisor", "spring")
    scene.sources.logs = True
    return answer("memory_leak", program, "metrics")


def _metrics(scene: Scene, *dialects: str) -> None:
    """A case that needs numbers has them in a dialect that has these numbers."""
    scene.sources.metrics = [
        scene.dice.choice(dialects),
        *(one for one in scene.sources.metrics if one not in dialects),
    ]


_THREADS = {
    "java": [
        "Handler dispatch failed: java.lang.OutOfMemoryError: unable to create native thread: possibly out of memory or process/resource limits reached"
    ],
    "go": [
        "runtime: failed to create new OS thread (have 1021 already; errno=11)",
        "runtime: may need to increase max user processes (ulimit -u)",
        "fatal error: newosproc",
    ],
    "python": [
        "Exception in worker",
        "Traceback (most recent call last):",
        '  File "/usr/local/lib/python3.11/threading.py", line 964, in start',
        "RuntimeError: can't start new thread",
    ],
    "node": [
        "Error: spawn /usr/bin/convert EAGAIN",
        "    at ChildProcess._handle.onexit (node:internal/child_process:286:19)",
    ],
    "dotnet": [
        "System.OutOfMemoryException: Insufficient memory to continue the execution of the program.",
        "   at System.Threading.Thread.StartCore()",
    ],
}


@way("thread_exhaustion")
def threads_that_are_never_ended(scene: Scene) -> Answer:
    program = server(scene)
    _settled(scene, program)
    for pod in program.pods:
        scene.curve(pod, "threads").noise = 0.02
        scene.bend(pod, "threads", to=scene.dice.uniform(1800, 4000), shape="ramp", since=scene.ago(minutes=60))
    scene.bend(program, "latency", times=4)
    scene.sources.metrics = ["computed", *(one for one in scene.sources.metrics if one != "computed")]
    return answer("thread_exhaustion", program, "metrics")


@way("thread_exhaustion")
def no_new_thread_can_be_made(scene: Scene) -> Answer:
    """Only the log says so."""
    program = server(
        scene,
        scene.dice.choice(
            [
                one.language
                for one in scene.programs
                if one.role == "service" and one.language in ("java", "python", "go") and scene.callers(one)
            ]
            or [""]
        ),
    )
    for pod in program.pods:
        scene.keeps_saying(pod, "ERROR", _THREADS[program.language], times=9)
    if program.language in ("node", "dotnet"):
        for pod in program.pods:
            scene.bend(pod, "threads", to=2900, shape="ramp", since=scene.ago(minutes=60))
        scene.sources.metrics = ["computed"]
    scene.starve(program, "slow", times=5)
    return answer(
        "thread_exhaustion", program, "logs", *(["metrics"] if program.language in ("node", "dotnet") else [])
    )


@way("thread_exhaustion", wants=("java",))
def threads_with_both_number_and_word(scene: Scene) -> Answer:
    program = server(scene, "java", called=False)
    _settled(scene, program)
    for pod in program.pods:
        scene.bend(pod, "threads", to=2050, shape="ramp", since=scene.ago(minutes=64))
        scene.keeps_saying(pod, "ERROR", _THREADS["java"], times=6, since=scene.ago(minutes=7))
    scene.sources.metrics = ["spring"]
    scene.sources.logs = True
    return answer("thread_exhaustion", program, "logs")


_FILES = {
    "go": ["http: Accept error: accept tcp [::]:{port}: accept4: too many open files; retrying in 1s"],
    "java": [
        "Socket accept failed",
        "java.io.IOException: Too many open files",
        "\tat java.base/sun.nio.ch.Net.accept(Native Method)",
        "\tat org.apache.tomcat.util.net.NioEndpoint.serverSocketAccept(NioEndpoint.java:520)",
    ],
    "python": ["socket.accept() out of system resource", "OSError: [Errno 24] Too many open files"],
    "node": ["Error: EMFILE: too many open files, open '/app/templates/mail.html'"],
    "dotnet": [
        "System.Net.Sockets.SocketException (24): Too many open files",
        "   at System.Net.Sockets.Socket.AcceptAsync()",
    ],
}


@way("file_descriptor_exhaustion")
def descriptors_that_are_never_closed(scene: Scene) -> Answer:
    program = server(scene)
    _settled(scene, program)
    for pod in program.pods:
        scene.curve(pod, "fds").noise = 0.02
        scene.bend(
            pod, "fds", to=scene.dice.choice([1015, 1020, 4080, 65000]), shape="ramp", since=scene.ago(minutes=66)
        )
    scene.sources.metrics = ["computed", *(one for one in scene.sources.metrics if one != "computed")]
    return answer("file_descriptor_exhaustion", program, "metrics")


@way("file_descriptor_exhaustion")
def too_many_open_files_in_the_log(scene: Scene) -> Answer:
    program = server(scene)
    for pod in program.pods:
        scene.keeps_saying(
            pod, "ERROR", [one.format(port=program.listens) for one in _FILES[program.language]], times=10
        )
    scene.starve(program, scene.dice.choice(["slow", "reset"]), times=5)
    return answer("file_descriptor_exhaustion", program, "logs")


@way("file_descriptor_exhaustion")
def proxy_runs_out_of_descriptors(scene: Scene) -> Answer:
    edge = scene.programs[0]
    if edge.language != "nginx":
        edge = server(scene)
    said = (
        ["accept4() failed (24: Too many open files)"]
        if edge.language == "nginx"
        else [one.format(port=edge.listens) for one in _FILES[edge.language]]
    )
    for pod in edge.pods:
        scene.keeps_saying(pod, "ERROR", said, times=12)
        scene.bend(pod, "fds", to=1022, shape="ramp", since=scene.ago(minutes=50))
    return answer("file_descriptor_exhaustion", edge, "logs")


def _stands_still(scene: Scene, program: Program) -> None:
    scene.bend(program, "requests", times=0.01)
    scene.bend(program, "latency", to=30.0)
    scene.bend(program, "errors", to=0.97)
    for pod in program.pods:
        scene.curve(pod, "cpu").base = scene.dice.uniform(0.06, 0.2)
        scene.bend(pod, "cpu", to=0.0015)
        for role in ("rx", "tx"):
            scene.bend(pod, role, times=0.02)


def _hangs(scene: Scene, pod: Pod) -> None:
    scene.unready(pod)
    url = f"http://{pod.ip}:{pod.program.listens}/healthz"
    scene.event(
        pod,
        "Unhealthy",
        f'Readiness probe failed: Get "{url}": context deadline exceeded (Client.Timeout exceeded while awaiting headers)',
        count=max(6, int((scene.taken_at - scene.onset).total_seconds() / 10)),
        container=pod.program.main,
    )


@way("deadlock", wants=("java",))
def jvm_finds_its_own_deadlock(scene: Scene) -> Answer:
    program = server(scene, "java", called=False)
    _settled(scene, program)
    _stands_still(scene, program)
    dump = [
        "Found one Java-level deadlock:",
        "=============================",
        '"settle-1":',
        "  waiting to lock monitor 0x00007f2c5c0062a8 (object 0x000000076b5a1d58, a java.lang.Object),",
        '  which is held by "settle-2"',
        '"settle-2":',
        "  waiting to lock monitor 0x00007f2c5c004e28 (object 0x000000076b5a1d48, a java.lang.Object),",
        '  which is held by "settle-1"',
    ]
    for pod in program.pods:
        scene.say(pod, "RAW", dump, at=scene.later(scene.onset, 60, 300))
        _hangs(scene, pod)
    scene.starve(program, "slow", times=4)
    return answer("deadlock", program, "logs")


@way("deadlock", wants=("go",))
def go_runtime_finds_everyone_asleep(scene: Scene) -> Answer:
    program = scene.pick("worker", "service", where=lambda one: one.language == "go")
    for pod in program.pods:
        pod.created = min(pod.created, scene.onset - timedelta(hours=1))
        lives_with_restarts(scene, pod, scene.dice.randrange(2, 5), 2, "Error")
        lines = [
            "fatal error: all goroutines are asleep - deadlock!",
            "",
            "goroutine 1 [semacquire]:",
            "sync.runtime_Semacquire(0xc0000b4018)",
            "\t/usr/local/go/src/runtime/sema.go:62 +0x25",
            "main.main()",
            "\t/src/main.go:57 +0x16f",
        ]
        scene.say(pod, "RAW", lines, at=scene.ago(seconds=500), previous=True)
    return answer("deadlock", program, "logs")


@way("deadlock")
def program_does_nothing_any_more(scene: Scene) -> Answer:
    """Runs, uses no processor, answers nothing: numbers and probes show it, and its log ends at the onset."""
    program = server(scene)
    _settled(scene, program)
    _stands_still(scene, program)
    for pod in program.pods:
        _hangs(scene, pod)
        pod.mute_since = scene.onset
        scene.bend(pod, "threads", times=1.02)
        scene.say(
            pod,
            "WARN",
            scene.dice.choice(
                [
                    "lock wait exceeded 30s in settle()",
                    "task pool saturated, 64 tasks waiting for lock",
                    "waiting for mutex held by batch-2",
                ]
            ),
            at=scene.later(scene.onset, 30, 60),
        )
    _metrics(scene, "cadvisor", "computed")
    if not any(one in scene.sources.metrics for one in ("computed", "app")):
        scene.sources.metrics = [*scene.sources.metrics, "app"]
    scene.sources.logs = scene.sources.logs and scene.dice.random() < 0.5
    scene.starve(program, "slow", times=5)
    return answer("deadlock", program, "metrics")
