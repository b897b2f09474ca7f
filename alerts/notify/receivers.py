"""Who can be told, and in which ways: a receiver's name, and the channels that reach it.

A way's name is what records are kept by, so it is stable and holds nothing of an address: `team-shop/email[0]` is the first e-mail
address of the receiver `team-shop`, as long as the file says so.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Integration:
    name: str
    kind: str
    sends_resolved: bool = True


Receivers = Mapping[str, tuple[Integration, ...]]


def way(receiver: str, kind: str, place: int) -> str:
    return f"{receiver}/{kind}[{place}]"
