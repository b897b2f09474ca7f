"""How people write a length of time on the command line."""

from core.errors import Invalid

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
LONGEST = 366 * 86400


def seconds(text: str) -> int:
    """30m, 2h, 1d, or plain seconds."""
    number, unit = text.rstrip("smhd"), text[-1:]
    if not (number.isascii() and number.isdigit()) or len(number) > 9 or len(text) - len(number) > 1:
        raise Invalid(f"The time {text} is not of the form 30m, 2h or 1d.", field="since")
    if int(number) == 0:
        raise Invalid(f"The time {text} is no time at all.", field="since")
    return min(int(number) * _UNITS.get(unit, 1), LONGEST)
