"""Fields of the UTC calendar from seconds since 1970."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from simulator.promql.chunks import Values

FARTHEST_SECOND = 2.0**53


def _seconds(values: Values) -> npt.NDArray[np.datetime64]:
    known = np.isfinite(values) & (np.abs(values) < FARTHEST_SECOND)
    whole = np.where(known, values, 0.0).astype(np.int64)
    return np.where(known, whole.astype("datetime64[s]"), np.datetime64("NaT"))


def _number(field: npt.NDArray[np.timedelta64]) -> Values:
    return np.where(np.isnat(field), np.nan, field.astype(np.int64).astype(np.float64))


def _since(unit: str, values: Values, finer: str) -> Values:
    moments = _seconds(values)
    start = moments.astype(f"datetime64[{unit}]")
    return _number(moments.astype(f"datetime64[{finer}]") - start.astype(f"datetime64[{finer}]"))


def minute(values: Values) -> Values:
    return _since("h", values, "m")


def hour(values: Values) -> Values:
    return _since("D", values, "h")


def day_of_week(values: Values) -> Values:
    days = _seconds(values).astype("datetime64[D]")
    since_thursday = _number(days - np.datetime64("1970-01-01", "D"))
    return (since_thursday + 4) % 7


def day_of_month(values: Values) -> Values:
    return _since("M", values, "D") + 1


def day_of_year(values: Values) -> Values:
    return _since("Y", values, "D") + 1


def month(values: Values) -> Values:
    return _since("Y", values, "M") + 1


def year(values: Values) -> Values:
    years = _seconds(values).astype("datetime64[Y]")
    return _number(years - np.datetime64("1970", "Y")) + 1970


def days_in_month(values: Values) -> Values:
    months = _seconds(values).astype("datetime64[M]")
    return _number((months + 1).astype("datetime64[D]") - months.astype("datetime64[D]"))


FIELDS: dict[str, Callable[[Values], Values]] = {
    "day_of_month": day_of_month,
    "day_of_week": day_of_week,
    "day_of_year": day_of_year,
    "days_in_month": days_in_month,
    "hour": hour,
    "minute": minute,
    "month": month,
    "year": year,
}
