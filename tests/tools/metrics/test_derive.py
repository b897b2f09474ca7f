"""What follows from what was measured."""

from tools.engines.metrics.derive import derived
from tools.engines.snapshot import Series

NODE = {"node": "n1"}
POD = {"namespace": "town", "pod": "baker-1", "container": "app"}


def series(*values: float, **labels: str) -> Series:
    return Series(labels, [(60.0 * place, value) for place, value in enumerate(values)], "a query")


def values(one: Series) -> list[float]:
    return [round(value, 6) for _, value in one.points]


def test_a_share_is_a_part_of_its_own_whole() -> None:
    found = derived(
        {
            "errors": [series(1, 5, service="gate"), series(9, 9, service="mill")],
            "requests": [series(10, 10, service="gate"), series(0, 18, service="mill")],
        }
    )
    assert [values(one) for one in found["error_share"]] == [[0.1, 0.5], [0.5]]


def test_a_share_that_a_source_gives_is_not_worked_out_again() -> None:
    given = [series(0.9, service="gate")]
    found = derived(
        {"errors": [series(1, service="gate")], "requests": [series(10, service="gate")], "error_share": given}
    )
    assert found["error_share"] == given


def test_a_part_without_a_whole_is_no_share() -> None:
    assert "error_share" not in derived(
        {"errors": [series(1, service="gate")], "requests": [series(1, service="mill")]}
    )


def test_processors_are_busy_with_all_that_is_not_idle() -> None:
    modes = [series(3, 1, mode="idle", **NODE), series(1, 2, mode="user", **NODE), series(0, 1, mode="iowait", **NODE)]
    found = derived({"node_cpu_modes": modes})
    assert values(found["node_cpu"][0]) == [0.25, 0.5]
    assert values(found["node_iowait"][0]) == [0, 0.25]


def test_working_it_out_twice_changes_nothing() -> None:
    once = derived({"node_cpu_modes": [series(3, mode="idle", **NODE), series(1, mode="user", **NODE)]})
    assert derived(dict(once)) == once
    assert len(once["node_cpu"]) == 1


def test_periods_held_of_all_periods_are_throttling() -> None:
    found = derived({"cpu_held_periods": [series(3, 6, **POD)], "cpu_periods": [series(10, 10, **POD)]})
    assert values(found["cpu_throttled"][0]) == [0.3, 0.6]


def test_seconds_held_are_throttling_only_where_they_can_be_a_share() -> None:
    assert "cpu_throttled" in derived({"cpu_held": [series(0.1, 0.9, **POD)]})
    assert "cpu_throttled" not in derived({"cpu_held": [series(0.1, 40, **POD)]})


def test_memory_is_taken_where_it_is_not_free() -> None:
    found = derived({"node_memory_free": [series(2, **NODE)], "node_memory_total": [series(8, **NODE)]})
    assert values(found["node_memory_share"][0]) == [0.75]


def test_a_quota_is_a_limit_and_none_is_none() -> None:
    found = derived({"cpu_quota": [series(0.5, **POD), series(-1, **POD)]})
    assert [values(one) for one in found["cpu_limit"]] == [[0.5]]


def test_what_is_empty_is_left_out() -> None:
    assert derived({"errors": [], "requests": []}) == {}
