"""What stays the same when a trouble comes again: log lines without what varies, labels without names that are made anew.

Lines are masked here once more, although those that come from a diagnosis may be patterns already: a person pastes a line as it is, and the
two must become equal. Whatever holds a digit is varying, and so is what stands in quotes.
"""

import re
from collections.abc import Iterable, Mapping

MAX_LINE = 2_000
MAX_TEMPLATE = 240
_LEAD = re.compile(
    r"^\s*(?:\[?\d{4}[-/]\d\d[-/]\d\d[T ][\d:.,]+(?:Z|[+-]\d\d:?\d\d)?\]?\s*)?"
    r"(?:\[?(?:trace|debug|info|notice|warn(?:ing)?|error|err|fatal|critical|panic)\]?\s*[:|-]?\s*)?",
    re.IGNORECASE,
)
_VARIES = re.compile(r"<[^<>]{0,40}>|\"[^\"]{0,200}\"|'[^']{0,200}'|[^\s,;()\[\]{}=]*\d[^\s,;()\[\]{}=]*")
_STARS = re.compile(r"\*(?:[\s:/.,-]*\*)*[:.,]*")
_MADE_ANEW = re.compile(r"-(?=[a-z]*\d)[bcdfghjklmnpqrstvwxz2456789]{8,10}$")
_TELLING = 8
"""Fewer letters than this say nothing of themselves."""
_FLEETING = frozenset(
    {
        "pod", "pod_name", "pod_ip", "host_ip", "instance", "uid", "id", "container_id", "image_id", "replicaset", "endpoint",
        "prometheus", "job_name", "address", "ip", "alertname", "severity", "__name__",
    }
)  # fmt: skip
"""Made anew each time, or told elsewhere."""


def template(line: str) -> str:
    """The line with what varies as one star, without its time and level."""
    plain = _LEAD.sub("", line[:MAX_LINE], count=1)
    return _STARS.sub("*", " ".join(_VARIES.sub("*", plain.lower()).split()))[:MAX_TEMPLATE]


def templates(lines: Iterable[str]) -> frozenset[str]:
    """Those that still say something."""
    return frozenset(made for made in map(template, lines) if len(made.replace("*", "").strip()) >= _TELLING)


def lasting(labels: Mapping[str, str]) -> frozenset[tuple[str, str]]:
    return frozenset((name, value) for name, value in labels.items() if value and name not in _FLEETING)


def workload(name: str) -> str:
    """Without the end that a Deployment gives its ReplicaSets: where only that is known, it is the same workload all the same."""
    return _MADE_ANEW.sub("", name)
