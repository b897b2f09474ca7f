"""What becomes of a process that is started: it stays, it ends by itself, or the runtime cannot start it at all.

Each check looks at one thing a start needs and tells how the process ends for want of it; the first one that does decides, in the order
in which a program would find out.
"""

from __future__ import annotations

from collections.abc import Callable

from simulator.programs import commands, configuration, last_words, shell
from simulator.programs.ends import Exit, Note
from simulator.programs.launch import Launch, Refusal
from simulator.programs.ports import listening

Check = Callable[[Launch], Exit | None]
FORMAT_EXIT = 255


def refusal(launch: Launch) -> Refusal | None:
    """The container runtime's own reason not to start the process."""
    return commands.refusal(launch)


def come_up(launch: Launch) -> Exit | None:
    """How the process ends by itself; None: it stays up."""
    for check in _CHECKS:
        if (end := check(launch)) is not None:
            return end
    return None


def _architecture(launch: Launch) -> Exit | None:
    if launch.runs_here:
        return None
    return Exit(FORMAT_EXIT, 0.1, (f"exec {commands.program(launch)}: exec format error",))


def _script(launch: Launch) -> Exit | None:
    return shell.run(launch) if shell.is_script(launch) else None


def _task(launch: Launch) -> Exit | None:
    """A tool that has its work to do and is done."""
    tool = launch.tool
    if tool is None or tool.seconds is None or shell.is_script(launch):
        return None
    return Exit(tool.exit_code, tool.seconds * (0.9 + 0.2 * launch.dice), tool.lines)


def _variables(launch: Launch) -> Exit | None:
    app = launch.app
    if app is None:
        return None
    missing = [name for name in app.needs if name not in launch.env]
    return Exit(1, 0.4 + launch.dice, last_words.missing_variable(app, missing[0])) if missing else None


def _settings(launch: Launch) -> Exit | None:
    app = launch.app
    wrong = configuration.wrong(app, launch.env, launch.files) if app else None
    if app is None or wrong is None:
        return None
    return Exit(1, 0.5 + launch.dice, last_words.bad_configuration(app, wrong))


def _data(launch: Launch) -> Exit | None:
    app = launch.app
    if app is None or not app.data_dir or launch.may_write:
        return None
    return Exit(1, 0.3 + launch.dice, last_words.permission_denied(app))


def _ports(launch: Launch) -> Exit | None:
    taken = [
        port for port in listening(launch.app, launch.tool, launch.words, launch.env) if port in launch.ports_taken
    ]
    if not taken:
        return None
    if launch.app is None:
        said: tuple[Note | str, ...] = (f"listen tcp 0.0.0.0:{taken[0]}: bind: address already in use",)
    else:
        said = last_words.address_in_use(launch.app, taken[0])
    return Exit(1, 0.6 + launch.dice, said)


_CHECKS: tuple[Check, ...] = (_architecture, _script, _task, _variables, _settings, _data, _ports)
