"""What a program writes before it dies, in the manner of its language: a Go panic, a traceback, a stack trace with its causes."""

from __future__ import annotations

import hashlib

from simulator.apps import App
from simulator.programs.configuration import Wrong
from simulator.programs.ends import Line, Note

Lines = tuple[Line, ...]


def missing_variable(app: App, name: str) -> Lines:
    if app.log_style == "postgres":
        return (
            "Error: Database is uninitialized and superuser password is not specified.",
            f"       You must specify {name} to a non-empty value for the",
            '       superuser. For example, "-e POSTGRES_PASSWORD=password" on "docker run".',
        )
    return {
        "go": (
            Note("error", "invalid configuration", {"error": f"required environment variable {name} is not set"}),
            f"panic: config: required key {name} missing value",
            *_go_stack(app, "config.MustLoad", "internal/config/config.go", 41),
        ),
        "python": (
            *_traceback(
                app,
                ("main.py", 12, "<module>", "settings = Settings.load()"),
                ("settings.py", 31, "load", f'url = os.environ["{name}"]'),
            ),
            f"KeyError: '{name}'",
        ),
        "java": (
            *_java(
                app,
                f"java.lang.IllegalStateException: Could not resolve placeholder '{name}' in value \"${{{name}}}\"",
                "config.Settings.require",
                57,
            ),
        ),
        "node": (*_node(app, f"Error: Missing required environment variable: {name}", "config.js", 18),),
        "c": (f"FATAL: {name} is not set",),
    }[app.language]


def bad_configuration(app: App, wrong: Wrong) -> Lines:
    where = f"{wrong.source}:{wrong.line}" if wrong.line else wrong.source
    return _bad_file(app, wrong, where) if wrong.line else _bad_variable(app, wrong)


def _bad_variable(app: App, wrong: Wrong) -> Lines:
    name, value, kind = wrong.source, wrong.value, wrong.problem
    return {
        "go": (
            Note("error", "invalid configuration", {"error": f'parsing {name}: "{value}" is not a valid {kind}'}),
            f'panic: config: parsing {name}: "{value}" is not a valid {kind}',
            *_go_stack(app, "config.MustLoad", "internal/config/config.go", 58),
        ),
        "python": (
            *_traceback(
                app,
                ("main.py", 12, "<module>", "settings = Settings.load()"),
                ("settings.py", 44, "load", f'parse(env["{name}"])'),
            ),
            f"ValueError: {name}: {value!r} is not a valid {kind}",
        ),
        "java": _java(
            app,
            f"java.lang.IllegalArgumentException: Failed to convert {name}='{value}' to {kind}",
            "config.Settings.parse",
            71,
        ),
        "node": _node(app, f'Error: Invalid value for {name}: "{value}" is not a valid {kind}', "config.js", 33),
        "c": (f'FATAL: invalid value for parameter "{name}": "{value}"',),
    }[app.language]


def _bad_file(app: App, wrong: Wrong, where: str) -> Lines:
    problem = wrong.problem
    return {
        "go": (
            Note(
                "error", "cannot read configuration", {"file": wrong.source, "error": f"line {wrong.line}: {problem}"}
            ),
            f"panic: config: {wrong.source}: line {wrong.line}: {problem}",
            *_go_stack(app, "config.MustRead", "internal/config/file.go", 29),
        ),
        "python": (
            *_traceback(
                app,
                ("main.py", 12, "<module>", "settings = Settings.load()"),
                ("settings.py", 22, "load", "yaml.safe_load(file)"),
            ),
            f"yaml.scanner.ScannerError: {problem}",
            f'  in "{wrong.source}", line {wrong.line}, column 1',
        ),
        "java": _java(
            app, f"org.yaml.snakeyaml.scanner.ScannerException: {problem} in {where}", "config.Settings.read", 38
        ),
        "node": _node(app, f"YAMLException: {problem} at {where}", "config.js", 21),
        "c": (f'FATAL: configuration file "{wrong.source}" contains errors near line {wrong.line}: {problem}',),
    }[app.language]


def permission_denied(app: App) -> Lines:
    path = app.data_dir
    if app.log_style == "postgres":
        return (f'initdb: error: could not change permissions of directory "{path}": Permission denied',)
    if app.log_style == "redis":
        return (Note("error", f"Can't open or create append-only dir appendonlydir in {path}: Permission denied"),)
    if app.log_style == "rabbitmq":
        return (f"Failed to create directory {path}/mnesia: permission denied (eacces)", "Init terminating in do_boot")
    return {
        "go": (Note("error", "cannot open data directory", {"error": f"open {path}/LOCK: permission denied"}),),
        "python": (
            *_traceback(
                app,
                ("main.py", 19, "<module>", "store = Store(DATA_DIR)"),
                ("store.py", 14, "__init__", "open(lock, 'w')"),
            ),
            f"PermissionError: [Errno 13] Permission denied: '{path}/LOCK'",
        ),
        "java": _java(
            app, f"java.nio.file.AccessDeniedException: {path}/LOCK: permission denied", "store.DataDirectory.open", 46
        ),
        "node": _node(app, f"Error: EACCES: permission denied, open '{path}/LOCK'", "store.js", 27),
        "c": (f"FATAL: could not open {path}/LOCK: Permission denied",),
    }[app.language]


def address_in_use(app: App, port: int) -> Lines:
    if app.log_style == "redis":
        return (Note("error", f"Could not create server TCP listening socket *:{port}: bind: Address already in use"),)
    if app.log_style == "postgres":
        return (
            Note(
                "info",
                f'could not bind IPv4 address "0.0.0.0": Address already in use (bind: address already in use, port {port})',
            ),
            Note("error", "could not create any TCP/IP sockets"),
        )
    said: dict[str, Lines] = {
        "go": (Note("error", "server failed", {"error": f"listen tcp :{port}: bind: address already in use"}),),
        "python": (
            f"OSError: [Errno 98] error while attempting to bind on address ('0.0.0.0', {port}): bind: address already in use",
        ),
        "java": _java(
            app, f"java.net.BindException: bind: Address already in use (port {port})", "server.HttpServer.start", 88
        ),
        "node": _node(app, f"Error: listen EADDRINUSE: bind: address already in use :::{port}", "server.js", 52),
        "c": (f"bind: address already in use (port {port})",),
    }
    return said[app.language]


def crash(app: App) -> Lines:
    """A bug: what each language says of a reference to nothing."""
    return {
        "go": (
            "panic: runtime error: invalid memory address or nil pointer dereference",
            "[signal SIGSEGV: segmentation violation code=0x1 addr=0x18 pc=0x7c41a6]",
            *_go_stack(app, "handler.(*Server).serve", "internal/handler/server.go", 117),
        ),
        "python": (
            *_traceback(
                app,
                ("worker.py", 88, "run", "result = self.handle(item)"),
                ("handlers.py", 143, "handle", "return cache.get(item.key).value"),
            ),
            "AttributeError: 'NoneType' object has no attribute 'value'",
        ),
        "java": _java(
            app,
            'java.lang.NullPointerException: Cannot invoke "Item.key()" because "item" is null',
            "handler.ItemHandler.handle",
            143,
        ),
        "node": _node(app, "TypeError: Cannot read properties of undefined (reading 'key')", "handlers.js", 143),
        "c": ("Segmentation fault",),
    }[app.language]


def crash_code(app: App) -> int:
    return {"go": 2, "python": 1, "java": 1, "node": 1, "c": 139}[app.language]


def _go_stack(app: App, function: str, file: str, line: int) -> Lines:
    module = f"shop.example/{app.name}"
    digits = hashlib.sha256(f"{module}{function}{line}".encode()).hexdigest()
    return (
        "",
        "goroutine 1 [running]:",
        f"{module}/{file.rpartition('/')[0]}.{function.partition('.')[2]}({{0x{digits[:6]}, 0x{digits[6:8]}}})",
        f"\t/src/{file}:{line} +0x{digits[8:11]}",
        "main.main()",
        f"\t/src/cmd/{app.name}/main.go:37 +0x{digits[11:14]}",
    )


def _traceback(app: App, *frames: tuple[str, int, str, str]) -> Lines:
    lines: list[Line] = ["Traceback (most recent call last):"]
    for file, line, function, code in frames:
        lines += [f'  File "/app/{app.name.replace("-", "_")}/{file}", line {line}, in {function}', f"    {code}"]
    return tuple(lines)


def _java(app: App, error: str, method: str, line: int) -> Lines:
    package = f"example.shop.{app.name.replace('-', '')}"
    owner = method.split(".")[-2]
    return (
        f'Exception in thread "main" java.lang.RuntimeException: {app.name} failed to start',
        f"\tat {package}.Application.run(Application.java:64)",
        f"\tat {package}.Application.main(Application.java:22)",
        f"Caused by: {error}",
        f"\tat {package}.{method}({owner}.java:{line})",
        f"\tat {package}.Application.run(Application.java:61)",
        "\t... 1 more",
    )


def _node(app: App, error: str, file: str, line: int) -> Lines:
    return (
        f"/app/src/{file}:{line}",
        "",
        error,
        f"    at Object.<anonymous> (/app/src/{file}:{line}:11)",
        "    at Module._compile (node:internal/modules/cjs/loader:1358:14)",
        f"    at Object.<anonymous> (/app/{app.name}.js:7:16)",
        "",
        "Node.js v20.15.1",
    )
