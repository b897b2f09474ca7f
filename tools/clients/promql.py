"""Reading PromQL before it is sent anywhere.

promql-parser recurses once per operator and ends the whole process when its stack is used up, so an expression is weighed before it is
parsed. What does not parse is the asker's mistake and is said with the field's name; nothing else in the product calls the parser.
"""

from typing import Any

from core.errors import Invalid

MAX_EXPR = 10_000
MAX_WEIGHT = 1_500
_HEAVY = frozenset("+-*/%^<>=!({[@")
_WORDS = (" and ", " or ", " unless ", " atan2 ")


def parse(expr: str, field: str = "expr") -> Any:
    """The syntax tree, or Invalid with the parser's own words."""
    if not expr.strip():
        raise Invalid("The PromQL expression is empty.", field=field)
    if len(expr) > MAX_EXPR or _weight(expr) > MAX_WEIGHT:
        raise Invalid(
            f"The field {field} is too large: at most {MAX_EXPR} characters and {MAX_WEIGHT} operators.", field=field
        )
    # Imported here: the command line's help and the plain reading of settings must not wait for it.
    import promql_parser

    try:
        return promql_parser.parse(expr)
    except ValueError as error:
        raise Invalid(f"The field {field} is not valid PromQL: {error}.", field=field) from None


def _weight(expr: str) -> int:
    lowered = expr.lower()
    return sum(char in _HEAVY for char in expr) + sum(lowered.count(word) for word in _WORDS)
