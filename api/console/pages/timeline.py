"""One alert's stretch of an incident's time, as a bar. Its places are numbers that we have worked out."""

from datetime import datetime

from nicegui import ui

LEAST = 0.6
"""How wide, in percent, what was over in a moment is drawn."""


def place(first: datetime, last: datetime, begins: datetime, ends: datetime) -> tuple[float, float]:
    """From the left and how wide, in percent of the whole, never outside it."""
    whole = (last - first).total_seconds()
    if whole <= 0:
        return 0.0, 100.0
    left = min(max((begins - first).total_seconds() / whole * 100, 0.0), 100.0 - LEAST)
    width = max((ends - begins).total_seconds() / whole * 100, LEAST)
    return left, min(width, 100.0 - left)


def bar(first: datetime, last: datetime, begins: datetime, ends: datetime, kind: str) -> None:
    left, width = place(first, last, begins, ends)
    with ui.element("div").classes("fm-track").props("aria-hidden=true"):
        ui.element("div").classes(f"fm-stretch {kind}").style(f"margin-left: {left:.2f}%; width: {width:.2f}%")
