import pytest

from core.errors import Invalid
from tools.clients.promql import parse


@pytest.mark.parametrize(
    "expr", ["up", 'sum(rate(http_requests_total{code=~"5.."}[5m])) by (service) > 0.1', "1" + "+1" * 1_000]
)
def test_an_expression_of_any_sensible_size_is_read(expr: str) -> None:
    assert parse(expr) is not None


@pytest.mark.parametrize(
    "expr", ["1" + "+1" * 4_900, "1" + "^1" * 4_900, "(" * 9_000, "up" + " or up" * 2_000, "x" * 20_000]
)
def test_an_expression_that_would_end_the_process_is_refused_before_it_is_parsed(expr: str) -> None:
    with pytest.raises(Invalid, match="expr is too large"):
        parse(expr)


@pytest.mark.parametrize("expr", ["sum(rate(", "rate(up)", "", "   ", "up{job=}", "1 2"])
def test_what_does_not_parse_is_the_askers_mistake_and_names_the_field(expr: str) -> None:
    with pytest.raises(Invalid) as caught:
        parse(expr, field="query")
    assert caught.value.details["field"] == "query"
