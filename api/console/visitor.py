"""Who sits before one open page.

A page stays open for hours while its session may end, so who is there is asked anew before everything that is done in somebody's name.
Sessions are signed and not stored; those that somebody ended before their time are remembered here until they would have ended anyway.
"""

from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime

from api.auth.doorkeeper import Doorkeeper
from api.deps import demand
from api.wiring import House
from core.errors import FirstmateError, Unauthenticated
from core.language import Language
from tools.spec import Caller

MAX_ENDED = 10_000


class Sessions:
    def __init__(self, doorkeeper: Doorkeeper) -> None:
        self._doorkeeper = doorkeeper
        self._ended: OrderedDict[str, None] = OrderedDict()

    def caller(self, session: str) -> Caller | None:
        return None if session in self._ended else self._doorkeeper.session(session, "console")

    def end(self, session: str) -> None:
        if self.caller(session) is None:
            return  # what never was a session must not push out one that was
        self._ended[session] = None
        if len(self._ended) > MAX_ENDED:
            self._ended.popitem(last=False)


@dataclass(frozen=True, slots=True)
class Visitor:
    house: House
    sessions: Sessions
    session: str
    language: Language

    @property
    def caller(self) -> Caller:
        found = self.sessions.caller(self.session)
        if found is None:
            raise Unauthenticated("This session has ended; sign in again.")
        return found

    @property
    def acting(self) -> Caller:
        """Who does what is about to be done, if that person may."""
        return demand(self.caller, "write")

    @property
    def may_act(self) -> bool:
        try:
            return self.caller.may("write")
        except FirstmateError:
            return False

    def seconds_since(self, moment: datetime) -> float:
        return (self.house.clock.now() - moment).total_seconds()
