"""A few words of shell, as they stand in the commands of init containers, jobs and checks.

Commands are taken one after another: `sleep N` takes its time, `exit N` ends, `false` fails, a program that is not there ends with 127 and
one that may not be executed with 126. Whatever else is known succeeds. A waiting loop (`until ...; do ...; done`) is left to its condition.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from simulator.programs import commands
from simulator.programs.ends import Exit
from simulator.programs.launch import Launch

SHELLS = ("sh", "bash", "ash")
FOREVER = 10 * 365 * 86_400.0
_SEPARATOR = re.compile(r"\s*(&&|\|\||;|\n)\s*")
_WORDS = "set cd export exit sleep true false echo test [ umask ulimit trap exec wait : if then fi"
BUILT_IN = frozenset(_WORDS.split())
NOT_FOUND, NOT_EXECUTABLE = 127, 126


def is_script(launch: Launch) -> bool:
    words = launch.words
    if not words:
        return False
    name = words[0].rpartition("/")[2]
    is_shell = name in SHELLS and len(words) > 2 and words[1].lstrip("-").endswith("c")
    return is_shell or (name in ("sleep", "true", "false", "echo") and bool(launch.command or launch.app is None))


def run(launch: Launch) -> Exit | None:
    """How a script ends; None when it becomes the image's own program or waits without end."""
    name = launch.words[0].rpartition("/")[2]
    text = launch.words[2] if name in SHELLS else " ".join(launch.words)
    seconds, code, said = 0.1, 0, list[str]()
    stops = "set -e" in text
    for joint, line in _commands(text):
        if (joint == "&&" and code) or (joint == "||" and not code):
            continue
        words = line.split()
        if words[0] == "exit":
            return Exit(_number(words, 1, code), seconds, tuple(said))
        if _becomes_program(launch, words):
            return None
        step = _step(launch, name if name in SHELLS else "sh", words)
        seconds, code = seconds + step.after, step.code
        said += [str(each) for each in step.lines]
        if code and stops:
            break
    return None if seconds >= FOREVER else Exit(code, seconds, tuple(said))


def _commands(text: str) -> Iterator[tuple[str, str]]:
    """Each command with what joins it to the one before."""
    parts = _SEPARATOR.split(text.strip())
    joint = ";"
    for index, part in enumerate(parts):
        if index % 2:
            joint = part
        elif part.strip():
            yield joint, part.strip()


def _becomes_program(launch: Launch, words: list[str]) -> bool:
    name = words[1] if words[0] == "exec" and len(words) > 1 else words[0]
    path = name.rpartition("/")[2]
    return path in commands.known(launch) - commands.TOOLS and not commands.missing(launch, name)


def _step(launch: Launch, shell: str, words: list[str]) -> Exit:
    name = words[0]
    if name == "sleep":
        return Exit(0, FOREVER if words[1:] == ["infinity"] else _number(words, 1, 1))
    if name == "false":
        return Exit(1, 0.0)
    if name == "echo":
        return Exit(0, 0.0, (" ".join(words[1:]).strip("\"'"),))
    if name in BUILT_IN or "=" in name:
        return Exit(0, 0.0)
    if name in launch.files:
        return Exit(NOT_EXECUTABLE, 0.0, (f"{shell}: {name}: Permission denied",))
    if commands.missing(launch, name):
        return Exit(NOT_FOUND, 0.0, (f"{shell}: {name}: not found",))
    return Exit(0, 0.5)


def _number(words: list[str], index: int, default: int) -> int:
    return int(words[index]) if len(words) > index and words[index].isdigit() else default
