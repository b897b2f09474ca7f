"""Go's regular expressions, by RE2: what a file of Alertmanager's or a template holds means here what it means there.

It is the engine that Go's was made after: linear in time, so that an expression typed into a silence cannot stop the watch, and without
the looking around and the references back that make others exponential. Two differences are closed here: `\\C` is not Go's, and what
is wrong with an expression is a sentence of ours. The type is Python's, whose methods RE2 has.
"""

import re
from functools import lru_cache
from typing import cast

import re2

from core.errors import Invalid

MAX_PATTERN = 4096
MEMORY = 2 << 20
"""What one expression may take: its program and the states it has walked. Beyond it an expression is refused, or slower, never larger."""
_OPTIONS = re2.Options()
_OPTIONS.log_errors = False
_OPTIONS.max_mem = MEMORY
_ANY_BYTE = re.compile(r"(?<!\\)(?:\\\\)*\\C")


@lru_cache(maxsize=1024)
def compiled(source: str) -> re.Pattern[str]:
    if len(source) > MAX_PATTERN:
        raise Invalid(f"A regular expression is longer than {MAX_PATTERN} characters.", field="matchers")
    if _ANY_BYTE.search(source):
        raise Invalid(f"The regular expression {source!r} is not valid: \\C is not supported.", field="matchers")
    try:
        return cast("re.Pattern[str]", re2.compile(source, _OPTIONS))
    except re2.error as error:
        why = error.args[0].decode(errors="replace") if error.args else "unknown"
        raise Invalid(f"The regular expression {source!r} is not valid: {why}.", field="matchers") from None
