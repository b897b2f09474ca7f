"""A stretch of time as people write it: the day and its name once, then the hours, and the second day only where it is another."""

from datetime import datetime

from api.console.pages.draft import WEEKDAYS
from api.console.words import say
from core.language import Language


def span(begins: datetime, ends: datetime, language: Language) -> str:
    """Both in the zone in which they are to be read."""
    same = begins.date() == ends.date()
    later = ends.strftime("%H:%M") if same else f"{ends:%Y-%m-%d %H:%M}"
    return f"{begins:%Y-%m-%d} {say(language, WEEKDAYS[begins.weekday()])} {begins:%H:%M} – {later}"
