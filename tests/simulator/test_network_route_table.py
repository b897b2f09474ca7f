"""A gateway's table of routes: the longest path wins, and what one reader does with it no other sees."""

from __future__ import annotations

from simulator.network.route_table import routes_in, upstream, written

ROUTES = [{"path": "/", "upstream": "http://shop"}, {"path": "/search", "upstream": "${SEARCH_URL}"}]


def test_the_longest_path_that_fits_leads_to_its_upstream() -> None:
    table = written(ROUTES)
    assert upstream(table, "/search/shoes", {"SEARCH_URL": "http://search:8080"}) == "http://search:8080"
    assert upstream(table, "/searching", {}) == "http://shop"


def test_a_table_that_is_no_table_leads_nowhere() -> None:
    assert routes_in("routes: [") == []
    assert upstream("routes: 7", "/", {}) is None


def test_routes_that_a_reader_changes_stand_in_the_table_as_before() -> None:
    table = written(ROUTES)
    routes_in(table)[0]["upstream"] = "http://elsewhere"
    routes_in(table).clear()
    assert routes_in(table) == ROUTES
