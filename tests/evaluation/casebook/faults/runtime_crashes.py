"""Programs that end by themselves: a bug, a variable that is not set, a file that cannot be read, a port that is taken."""

from tests.evaluation.casebook.acts import answer, as_it_is, last_words, lives_with_restarts, server, suffer
from tests.evaluation.casebook.model import Answer, Pod, Program
from tests.evaluation.casebook.scene import Scene
from tests.evaluation.casebook.ways import way

_PANICS: dict[str, tuple[int, list[str]]] = {
    "go": (
        2,
        [
            "panic: runtime error: invalid memory address or nil pointer dereference",
            "[signal SIGSEGV: segmentation violation code=0x1 addr=0x18 pc=0x7d1f2a]",
            "",
            "goroutine 1 [running]:",
            "main.(*Planner).load(0x0, {0xc000120000, 0x1c})",
            "\t/src/internal/planner/load.go:61 +0x4a",
            "main.main()",
            "\t/src/cmd/server/main.go:38 +0x1e5",
        ],
    ),
    "java": (
        1,
        [
            "Application run failed",
            "org.springframework.beans.factory.BeanCreationException: Error creating bean with name 'tariffTable': Invocation of init method failed",
            "\tat org.springframework.beans.factory.annotation.InitDestroyAnnotationBeanPostProcessor.postProcessBeforeInitialization(InitDestroyAnnotationBeanPostProcessor.java:222)",
            'Caused by: java.lang.NullPointerException: Cannot invoke "java.util.List.size()" because "this.rows" is null',
            "\tat com.app.tariff.TariffTable.index(TariffTable.java:44)",
            "\t... 18 common frames omitted",
        ],
    ),
    "python": (
        1,
        [
            "Traceback (most recent call last):",
            '  File "/app/main.py", line 12, in <module>',
            "    from app.routes import router",
            '  File "/app/routes.py", line 7, in <module>',
            "    from app.pricing import round_half_even",
            "ImportError: cannot import name 'round_half_even' from 'app.pricing' (/app/pricing.py)",
        ],
    ),
    "node": (
        1,
        [
            "/app/dist/plans.js:88",
            "    return plans.reduce((a, b) => a + b.amount, 0);",
            "                 ^",
            "TypeError: Cannot read properties of undefined (reading 'reduce')",
            "    at summarize (/app/dist/plans.js:88:18)",
            "    at Object.<anonymous> (/app/dist/main.js:14:1)",
            "Node.js v20.11.1",
        ],
    ),
    "dotnet": (
        134,
        [
            "Unhandled exception. System.NullReferenceException: Object reference not set to an instance of an object.",
            "   at App.Plans.PlanStore..ctor(IOptions`1 options) in /src/Plans/PlanStore.cs:line 31",
            "   at Program.<Main>$(String[] args) in /src/Program.cs:line 19",
        ],
    ),
}


def crash(scene: Scene, pod: Pod, code: int, lines: list[str], *, lived: float = 3.0) -> None:
    scene.crashing(pod, code, lived=lived)
    last_words(scene, pod, "RAW", lines, raw=True)


def _new_image(scene: Scene, program: Program) -> None:
    head, _, tag = program.container["image"].rpartition(":")
    program.container["image"] = f"{head}:{tag}-{scene.letters(4)}" if scene.dice.random() < 0.3 else f"{head}:{tag}1"


@way("application_crash")
def crashes_at_its_start(scene: Scene) -> Answer:
    """A Recreate strategy or nodes that were drained: no old pod is left, and no change is to be seen."""
    program = server(scene)
    code, lines = _PANICS[program.language]
    for pod in scene.afflict(program, as_it_is, how=scene.dice.choice(["recreate", "first"])):
        crash(scene, pod, code, lines)
    suffer(scene, program)
    return answer("application_crash", program, "objects", "logs", also=("bad_rollout",))


@way("application_crash")
def crashes_on_some_requests(scene: Scene) -> Answer:
    program = server(scene)
    code, lines = _PANICS[program.language]
    for pod in program.pods:
        pod.created = min(pod.created, scene.ago(hours=3))
        lives_with_restarts(scene, pod, scene.dice.randrange(3, 8), code, "Error")
        at = scene.ago(seconds=500)
        scene.say(pod, "INFO", "POST /api/v1/import 202 18ms", at=at, previous=True)
        scene.say(pod, "RAW", lines, at=scene.ago(seconds=410), previous=True)
        scene.event(
            pod,
            "BackOff",
            f"Back-off restarting failed container {program.main} in pod {pod.name}_{pod.namespace}({pod.uid})",
            count=4,
            container=program.main,
        )
    scene.starve(program, "reset", times=4)
    return answer("application_crash", program, "objects", "logs")


@way("application_crash")
def worker_killed_by_a_signal_of_its_own(scene: Scene) -> Answer:
    """A native library: no last word but the exit code."""
    program = scene.pick("worker", "service")
    code = scene.dice.choice([139, 134])
    for pod in scene.afflict(program, as_it_is, how="recreate"):
        scene.crashing(pod, code, lived=scene.dice.uniform(4, 40))
        told = "double free or corruption (!prev)" if code == 134 else "Segmentation fault (core dumped)"
        last_words(scene, pod, "RAW", [told], raw=True)
    suffer(scene, program)
    return answer("application_crash", program, "objects", also=("bad_rollout",))


def _unset(program: Program, name: str, where: str) -> tuple[int, list[str]]:
    return {
        "go": (
            2,
            [
                f"panic: required environment variable {name} is not set",
                "",
                "goroutine 1 [running]:",
                "main.main()",
                "\t/src/main.go:21 +0x8d",
            ],
        ),
        "java": (
            1,
            [
                "Application run failed",
                f"org.springframework.beans.factory.BeanCreationException: Error creating bean with name '{where}Client': Injection of autowired dependencies failed",
                f"Caused by: java.lang.IllegalArgumentException: Could not resolve placeholder '{name}' in value \"${{{name}}}\"",
                "\tat org.springframework.util.PropertyPlaceholderHelper.parseStringValue(PropertyPlaceholderHelper.java:180)",
            ],
        ),
        "python": (
            1,
            [
                "Traceback (most recent call last):",
                '  File "/app/settings.py", line 9, in <module>',
                f'    KEY = os.environ["{name}"]',
                '  File "<frozen os>", line 685, in __getitem__',
                f"KeyError: '{name}'",
            ],
        ),
        "node": (
            1,
            [
                f"Error: Missing required environment variable: {name}",
                "    at Object.<anonymous> (/app/config.js:7:9)",
                "    at Module._compile (node:internal/modules/cjs/loader:1376:14)",
            ],
        ),
        "dotnet": (
            134,
            [
                f"Unhandled exception. System.InvalidOperationException: Configuration value '{name}' is not set.",
                "   at Program.<Main>$(String[] args) in /src/Program.cs:line 14",
            ],
        ),
    }[program.language]


_NAMES = (
    "BILLING_API_KEY",
    "SIGNING_KEY_ID",
    "UPSTREAM_REGION",
    "TENANT_ID",
    "STORAGE_BUCKET",
    "MAIL_FROM",
    "FEATURES_URL",
)


@way("missing_env_var")
def variable_left_out_of_the_new_template(scene: Scene) -> Answer:
    program = scene.pick("service")
    name = scene.dice.choice(_NAMES)
    program.set_env(name, "x1")  # the old revision had it

    def edit(one: Program) -> None:
        one.container["env"] = [each for each in one.container["env"] if each["name"] != name]

    code, lines = _unset(program, name, "billing")
    for pod in scene.afflict(program, edit, how=scene.dice.choice(["roll_out", "recreate"])):
        crash(scene, pod, code, lines)
    suffer(scene, program)
    return answer("missing_env_var", program, "objects", "logs")


@way("missing_env_var")
def new_release_wants_a_variable_it_was_not_given(scene: Scene) -> Answer:
    program = scene.pick("service", "worker")
    name = scene.dice.choice(_NAMES)
    code, lines = _unset(program, name, "storage")
    if program.language == "python" and scene.dice.random() < 0.5:
        lines = [
            "pydantic_core._pydantic_core.ValidationError: 1 validation error for Settings",
            name,
            "  Field required [type=missing, input_value={}, input_type=dict]",
        ]
    if program.language == "go" and scene.dice.random() < 0.5:
        code, lines = 1, [f"2024/05/04 10:11:12 required key {name} missing value"]
    for pod in scene.afflict(program, lambda one: _new_image(scene, one)):
        crash(scene, pod, code, lines)
    suffer(scene, program)
    return answer("missing_env_var", program, "objects", "logs")


@way("missing_env_var")
def store_without_its_first_password(scene: Scene) -> Answer:
    program = scene.pick("database", where=lambda one: one.language in ("mysql", "postgres"))

    def edit(one: Program) -> None:
        gone = ("MYSQL_RANDOM_ROOT_PASSWORD", "POSTGRES_PASSWORD", "MYSQL_PASSWORD")
        one.container["env"] = [each for each in one.container["env"] if each["name"] not in gone]

    lines = [
        "[ERROR] [Entrypoint]: Database is uninitialized and password option is not specified",
        "    You need to specify one of the following as an environment variable:",
        "    - MYSQL_ROOT_PASSWORD",
        "    - MYSQL_ALLOW_EMPTY_PASSWORD",
        "    - MYSQL_RANDOM_ROOT_PASSWORD",
    ]
    if program.language == "postgres":
        lines = [
            "Error: Database is uninitialized and superuser password is not specified.",
            "       You must specify POSTGRES_PASSWORD to a non-empty value for the",
            '       superuser. For example, "-e POSTGRES_PASSWORD=password" on "docker run".',
        ]
    for pod in scene.afflict(program, edit, how="first"):
        scene.crashing(pod, 1, lived=2)
        last_words(scene, pod, "RAW", lines, raw=True, start=False)
    suffer(scene, program)
    return answer("missing_env_var", program, "objects", "logs")


# --- configuration that cannot be read --------------------------------------------------------------------------------------------


def _mount(scene: Scene, program: Program, name: str, key: str, path: str, text: str) -> None:
    scene.add("ConfigMap", name, program.namespace, created=scene.onset, data={key: text})
    program.container.setdefault("volumeMounts", []).append(
        {"name": "settings", "mountPath": path, "subPath": key, "readOnly": True}
    )
    program.pod_spec.setdefault("volumes", []).append(
        {"name": "settings", "configMap": {"name": name, "defaultMode": 420}}
    )


_BROKEN: dict[str, tuple[str, str, int, list[str]]] = {
    "go": (
        "config.yaml",
        "server:\n  port: 8080\nlimits:\n  daily 4000\n  monthly: 90000\n",
        1,
        ["failed to load /etc/app/config.yaml: yaml: line 4: could not find expected ':'"],
    ),
    "java": (
        "application.yml",
        "server:\n  port: 8080\nspring:\n  datasource:\n url: jdbc:x\n",
        1,
        [
            "Application run failed",
            "org.yaml.snakeyaml.scanner.ScannerException: mapping values are not allowed here",
            " in 'reader', line 5, column 5:",
            "     url: jdbc:x",
            "        ^",
        ],
    ),
    "python": (
        "settings.toml",
        "[server]\nport = 8000\nworkers = four\n",
        1,
        [
            "Traceback (most recent call last):",
            '  File "/app/settings.py", line 17, in load',
            "tomllib.TOMLDecodeError: Invalid value (at line 3, column 11)",
        ],
    ),
    "node": (
        "config.json",
        '{\n  "port": 3000,\n  "limits": {"daily": 400,}\n}\n',
        1,
        [
            "SyntaxError: Expected double-quoted property name in JSON at position 44",
            "    at JSON.parse (<anonymous>)",
            "    at load (/app/dist/config.js:12:21)",
        ],
    ),
    "dotnet": (
        "appsettings.json",
        '{\n  "Kestrel": {"Port": 8080\n  "Logging": {}\n}\n',
        134,
        [
            "Unhandled exception. System.IO.InvalidDataException: Failed to load configuration from file '/app/appsettings.json'.",
            " ---> System.FormatException: Could not parse the JSON file.",
            " ---> System.Text.Json.JsonReaderException: '\"' is invalid after a value. Expected either ',', '}', or ']'. LineNumber: 2 | BytePositionInLine: 2.",
        ],
    ),
}


@way("config_parse_error")
def file_of_the_application_cannot_be_parsed(scene: Scene) -> Answer:
    program = server(scene)
    key, text, code, lines = _BROKEN[program.language]
    for pod in scene.afflict(
        program, lambda one: _mount(scene, one, f"{program.name}-settings", key, f"/etc/app/{key}", text)
    ):
        crash(scene, pod, code, lines, lived=2)
    suffer(scene, program)
    return answer("config_parse_error", program, "objects", "logs")


@way("config_parse_error")
def proxy_in_front_has_a_broken_file(scene: Scene) -> Answer:
    program = scene.programs[0]
    program.language = "nginx"
    program.container["image"] = "nginx:1.25.4"
    what = scene.dice.choice(
        [
            'unexpected "}" in /etc/nginx/conf.d/site.conf:9',
            'unknown directive "proxy_passs" in /etc/nginx/conf.d/site.conf:7',
            'directive "listen" is not terminated by ";" in /etc/nginx/conf.d/site.conf:3',
        ]
    )
    call = program.calls[0]
    text = f"server {{\n  listen 8080\n  location / {{\n    proxy_passs http://{call.host}:{call.port};\n  }}}}\n}}\n"
    for pod in scene.afflict(
        program,
        lambda one: _mount(scene, one, f"{program.name}-site", "site.conf", "/etc/nginx/conf.d/site.conf", text),
    ):
        scene.crashing(pod, 1, lived=1)
        last_words(scene, pod, "FATAL", [what], start=False)
        scene.say(pod, "RAW", f"nginx: [emerg] {what}", at=scene.ago(seconds=28))
    suffer(scene, program)
    return answer("config_parse_error", program, "objects", "logs")


@way("config_parse_error")
def store_with_an_unknown_setting(scene: Scene) -> Answer:
    program = scene.pick(
        "database",
        "cache",
        where=lambda one: one.language in ("mysql", "postgres", "redis") and bool(scene.callers(one)),
    )
    key, text, lines = {
        "mysql": (
            "extra.cnf",
            "[mysqld]\nmax_conections=400\n",
            ["[MY-000067] [Server] unknown variable 'max_conections=400'.", "[MY-010119] [Server] Aborting"],
        ),
        "postgres": (
            "postgresql.conf",
            "max_connections = many\n",
            [
                'invalid value for parameter "max_connections": "many"',
                'FATAL:  configuration file "/etc/postgresql/postgresql.conf" contains errors',
            ],
        ),
        "redis": (
            "redis.conf",
            "maxmemory 2gigs\n",
            [
                "*** FATAL CONFIG FILE ERROR (Redis 7.2.4) ***",
                "Reading the configuration file, at line 1",
                ">>> 'maxmemory 2gigs'",
                "argument must be a memory value",
            ],
        ),
    }[program.language]
    how = "roll_out" if program.kind == "StatefulSet" else "recreate"
    for pod in scene.afflict(
        program, lambda one: _mount(scene, one, f"{program.name}-conf", key, f"/etc/conf/{key}", text), how=how
    ):
        scene.crashing(pod, 1, lived=1.5)
        last_words(
            scene,
            pod,
            "RAW" if program.language == "redis" else "ERROR",
            lines,
            raw=program.language == "redis",
            start=False,
        )
    suffer(scene, program)
    return answer("config_parse_error", program, "objects", "logs")
