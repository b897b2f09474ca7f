"""Addresses of pictures that a vendor's server fetches without a login: signed, and good for a week.

The end of an address is counted from the chart's own end, not from the moment of sending: sent again, a message says the same address.
"""

import re
from dataclasses import dataclass
from datetime import datetime

from core.secrets import fingerprint, same

LASTS = 7 * 24 * 3600
PATH = "/api/v1/alerts/pictures"
_TOKEN = re.compile(r"(?P<id>[0-9a-f]{32})-(?P<until>[0-9a-f]{1,12})-(?P<proof>[0-9a-f]{32})")


@dataclass(frozen=True, slots=True)
class Links:
    key: str
    public_url: str
    """Where this server is reached from outside; empty: nowhere, and no address is made."""

    def url(self, id: str, ended_at: float) -> str:  # noqa: A002 - a picture's own word
        if not self.public_url:
            return ""
        until = f"{int(ended_at) + LASTS:x}"
        return f"{self.public_url.rstrip('/')}{PATH}/{id}-{until}-{self._proof(id, until)}.png"

    def read(self, token: str, now: datetime) -> str | None:
        """The picture's id, or None for what was not signed here or is over."""
        found = _TOKEN.fullmatch(token)
        if found is None or not same(self._proof(found["id"], found["until"]), found["proof"]):
            return None
        return found["id"] if now.timestamp() < int(found["until"], 16) else None

    def _proof(self, id: str, until: str) -> str:  # noqa: A002 - the same
        return fingerprint(self.key, f"picture {id} {until}")[:32]
