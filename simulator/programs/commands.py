"""The command of a container and the runtime's sentences about one it cannot start."""

from __future__ import annotations

from pathlib import PurePosixPath

from simulator.programs.launch import Launch, Refusal

PREFIX = (
    "failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: "
    "unable to start container process: "
)
_WORDS = "sh bash ash sleep true false echo cat ls nc wget curl test env date tail printf mkdir chown chmod cp mv rm id"
TOOLS = frozenset(_WORDS.split())
RUNTIMES = {
    "go": (),
    "java": ("java",),
    "python": ("python", "python3", "gunicorn", "uvicorn"),
    "node": ("node", "npm"),
    "c": (),
}
SERVERS = {
    "redis": ("redis-server", "redis-cli", "docker-entrypoint.sh"),
    "postgres": ("postgres", "pg_isready", "psql", "docker-entrypoint.sh"),
    "rabbitmq": ("rabbitmq-server", "rabbitmqctl", "rabbitmq-diagnostics", "docker-entrypoint.sh"),
}
DIRECTORIES = ("", "/bin", "/sbin", "/usr/bin", "/usr/sbin", "/usr/local/bin", "/app", "/opt")


def base(image: str) -> str:
    return image.rpartition("/")[2].partition(":")[0].partition("@")[0]


def known(launch: Launch) -> frozenset[str]:
    """The programs in the image, by name."""
    names = set(TOOLS) | {base(launch.image)}
    if launch.app is not None:
        names |= {launch.app.name, *RUNTIMES[launch.app.language], *SERVERS.get(launch.app.log_style, ())}
    if launch.tool is not None:
        names |= set(launch.tool.programs)
    return frozenset(names)


def program(launch: Launch) -> str:
    """The path of what is executed."""
    if launch.command:
        return launch.command[0]
    return f"/usr/local/bin/{launch.app.name if launch.app else base(launch.image)}"


def refusal(launch: Launch) -> Refusal | None:
    if not launch.command:
        return None
    said = missing(launch, launch.command[0])
    return Refusal(f"{PREFIX}{said}: unknown") if said else None


def missing(launch: Launch, wanted: str) -> str:
    """What the runtime says of a program that it cannot execute; nothing when it can."""
    path = PurePosixPath(wanted)
    if not wanted or wanted.isspace():
        return f'exec: "{wanted}": executable file not found in $PATH'
    if wanted in launch.files or wanted.endswith("/") or wanted in DIRECTORIES:
        return f'exec: "{wanted}": {"is a directory" if wanted not in launch.files else "permission denied"}'
    if path.name in known(launch) and str(path.parent) in (*DIRECTORIES, ".", "/"):
        return ""
    if "/" in wanted:
        return f'exec: "{wanted}": stat {wanted}: no such file or directory'
    return f'exec: "{wanted}": executable file not found in $PATH'
