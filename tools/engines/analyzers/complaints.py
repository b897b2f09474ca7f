"""Calls that a log says fail: symptoms of whoever made the call, each naming what was called.

A caller whose calls fail is nearly always a victim, and its log is often all that shows a broken route. A call that fails now and then
among hundreds of lines of other work is what networks do, and no symptom.
"""

import re
from collections.abc import Iterable

from core.language import Text
from tools.engines.finding import Finding
from tools.engines.graph import Graph
from tools.engines.heard import Heard, as_evidence, heard
from tools.engines.snapshot import Snapshot
from tools.engines.stores import engine_of

FAILED_CALLS = (
    "refused", "no_such_host", "timed_out", "reset", "no_route", "unreachable", "unavailable", "upstream_unavailable", "upstream_not_found",
    "dns_unavailable", "plaintext_to_tls", "protocol_mismatch", "tls_handshake", "certificate_expired", "certificate_unknown_authority",
    "certificate_name", "communications_link_failure", "pool_exhausted", "access_denied", "cache_auth", "read_only", "too_many_connections",
)  # fmt: skip


_OF_CALLERS = frozenset(
    {"access_denied", "cache_auth", "too_many_connections", "read_only", "tls_handshake", "plaintext_to_tls"}
)
_CALLER = re.compile(
    r"(?i)aborted connection|from client|client (?:closed|disconnected|unexpectedly)|ip address .* could not be resolved"
)

FEW = 3
LINES_OF_FEW = 30
LINES = 60
"""Of a log around each failed call: where there are more, the failures are passing. Of few failures less is asked."""


def is_passing(snapshot: Snapshot, one: Heard) -> bool:
    lines, count = snapshot.logs[one.key].lines, one.said.count
    return lines - one.said.begun > LINES * count or (count <= FEW and lines > LINES_OF_FEW * count)


def _is_server_side(one: Heard) -> bool:
    return one.said.meaning in _OF_CALLERS or bool(_CALLER.search(one.said.text))


def calls_that_a_log_says_fail(snapshot: Snapshot, graph: Graph) -> Iterable[Finding]:  # noqa: ARG001
    for program in snapshot.speakers:
        lines = [one for one in heard(snapshot, program, *FAILED_CALLS) if not is_passing(snapshot, one)]
        if engine_of(program):
            # A store calls nobody but its peers, by name: what else it says of connections is about those who call it.
            lines = [one for one in lines if one.said.target and not _is_server_side(one)]
        if not lines:
            continue
        targets = list(dict.fromkeys(one.said.target for one in lines if one.said.target))[:3]
        to, to_zh = (f" to {', '.join(targets)}", f"对 {'、'.join(targets)} 的") if targets else ("", "对外的")
        yield Finding(
            fault="failing_calls",
            category="symptom",
            component=program.component,
            words=Text(
                f"{program.component} says that its calls{to} fail.",
                f"{program.component} 的日志显示{to_zh}调用失败。",
            ),
            evidence=as_evidence(lines, 0.5),
            facts={"targets": targets},
            onset=min((one.said.first for one in lines if one.said.first), default=None),
            symptom=True,
        )
