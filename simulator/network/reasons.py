"""Why a call fails: every reason with its outcome for the traffic, and what the caller knows that its sentence can be made of."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from simulator.apps import Engine


class Outcome(Enum):
    REFUSED = "nobody is there: the caller knows at once"
    TIMED_OUT = "nothing comes back until the caller's patience ends"
    FAILED = "somebody answers, and the answer is an error"
    MISSING = "somebody answers that there is no such thing"


class Why(Enum):
    NO_ADDRESS = "no address"
    NO_SUCH_HOST = "no such host"
    DNS_TIMEOUT = "the name server does not answer"
    DNS_REFUSED = "nobody is at the name server's address"
    DNS_FAILURE = "the name server answers with an error"
    REFUSED = "connection refused"
    NO_SUCH_PORT = "connection refused, for the Service has no such port"
    UNREACHABLE = "no answer to the first packet"
    RESET = "connection reset"
    PLAIN_SERVER = "TLS spoken to a server that speaks plain text"
    TLS_SERVER = "plain text spoken to a server that speaks TLS"
    WRONG_PROTOCOL = "the server speaks another protocol"
    NOT_FOUND = "404"
    NO_ANSWER = "connected, but no answer in time"
    SERVER_ERROR = "a server error"
    NO_ROUTE = "the table of routes has none for this path"
    NO_SERVICE = "the Service that a rule names is not there"
    NO_ENDPOINTS = "nobody stands behind the Service that a rule names"
    EXPIRED = "the server's certificate is not valid any more"
    UNKNOWN_SIGNER = "the server's certificate is signed by nobody the client trusts"
    CROWDED = "the server has as many clients as it takes"
    BAD_LOGIN = "the server knows no such user with this password"
    NO_LOGIN = "the server wants a password and gets none"
    NEEDLESS_LOGIN = "the server has no password and gets one"
    READ_ONLY = "the server takes no changes"
    NO_PERMISSION = "the server does not let this user do this"

    @property
    def outcome(self) -> Outcome:
        return _OUTCOMES.get(self, Outcome.FAILED)


_OUTCOMES = {
    Why.NO_ADDRESS: Outcome.REFUSED,
    Why.NO_SUCH_HOST: Outcome.REFUSED,
    Why.DNS_TIMEOUT: Outcome.TIMED_OUT,
    Why.DNS_REFUSED: Outcome.REFUSED,
    Why.DNS_FAILURE: Outcome.REFUSED,
    Why.REFUSED: Outcome.REFUSED,
    Why.NO_SUCH_PORT: Outcome.REFUSED,
    Why.UNREACHABLE: Outcome.TIMED_OUT,
    Why.RESET: Outcome.REFUSED,
    Why.NOT_FOUND: Outcome.MISSING,
    Why.NO_ROUTE: Outcome.MISSING,
    Why.NO_SERVICE: Outcome.REFUSED,
    Why.NO_ENDPOINTS: Outcome.REFUSED,
    Why.NO_ANSWER: Outcome.TIMED_OUT,
}


@dataclass(frozen=True)
class Facts:
    """What the caller knows of the way it went: what its sentence can be made of."""

    host: str = ""
    port: int = 0
    ip: str = ""  # to which it connected
    source: str = ""  # address and port of its own end
    dns: str = ""
    text: str = ""  # the address as it stood in the environment
    variable: str = ""
    path: str = ""
    engine: Engine = ""
    user: str = ""
    database: str = ""
    table: str = ""
    verb: str = "SELECT"
    client: str = ""  # its own address
    timeout: float = 2.0
    now: str = ""
    not_after: str = ""
