"""On which ports a program listens: its own, or the one it is told on its command line or in PORT."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from simulator.apps import App, Tool

_FLAG = re.compile(r"^--?(?:port|listen|listen-address|web\.listen-address)=\S*?:?(\d+)$")


def listening(app: App | None, tool: Tool | None, words: Sequence[str], env: Mapping[str, str]) -> tuple[int, ...]:
    own = (app.port, *app.admin_ports) if app else tool.ports if tool else ()
    told = next((int(match[1]) for word in words if (match := _FLAG.match(word))), None)
    if told is None and own and env.get("PORT", "").isdigit():
        told = int(env["PORT"])
    return own if told is None else (told, *own[1:])
