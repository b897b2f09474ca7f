"""Places in the product where a life ends itself as `kill -9` would: between any two things that must not come apart."""

from collections.abc import Callable

from alerts.incidents.book import IncidentBook
from alerts.notify.records import Records
from alerts.store import AlertStore
from tests.dying import Die, after, at_commit, before

PLACES: dict[str, Callable[[Die], None]] = {
    "evaluated and not saved": before(AlertStore, "save"),
    "saved and nobody told": after(AlertStore, "save"),
    "before a commit": at_commit("before_commit"),
    "after a commit": at_commit("after_commit"),
    "decided and not in the outbox": before(Records, "tell"),
    "in the outbox and not sent": after(Records, "tell"),
    "sent and not marked": before(Records, "mark", only="sent"),
    "marked": after(Records, "mark", only="sent"),
    "a step decided and not written": before(Records, "tell_once"),
    "a step written and not sent": after(Records, "tell_once"),
    "an incident written": after(IncidentBook, "_write"),
}
