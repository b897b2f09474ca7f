"""Why a call fails, and what the caller's network library says about it.

Every failure has one reason here, and a reason one outcome for the traffic: whether it is known at once, only when the caller's patience
ends, or is an answer. The sentences are those that the usual clients of each language print.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from simulator.apps import Language


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
    timeout: float = 2.0


_GO = {
    Why.NO_ADDRESS: 'dial tcp: missing address in {variable}="{text}"',
    Why.NO_SUCH_HOST: "dial tcp: lookup {host} on {dns}:53: no such host",
    Why.DNS_TIMEOUT: "dial tcp: lookup {host} on {dns}:53: read udp {source}->{dns}:53: i/o timeout",
    Why.DNS_REFUSED: "dial tcp: lookup {host} on {dns}:53: read udp {source}->{dns}:53: read: connection refused",
    Why.DNS_FAILURE: "dial tcp: lookup {host} on {dns}:53: server misbehaving",
    Why.REFUSED: "dial tcp {ip}:{port}: connect: connection refused",
    Why.UNREACHABLE: "dial tcp {ip}:{port}: i/o timeout",
    Why.RESET: "read tcp {source}->{ip}:{port}: read: connection reset by peer",
    Why.PLAIN_SERVER: "http: server gave HTTP response to HTTPS client",
    Why.TLS_SERVER: "unexpected status 400 Bad Request: Client sent an HTTP request to an HTTPS server.",
    Why.WRONG_PROTOCOL: "net/http: HTTP/1.x transport connection broken: malformed HTTP response",
    Why.NOT_FOUND: "unexpected status 404 Not Found",
    Why.NO_ANSWER: "context deadline exceeded (Client.Timeout exceeded while awaiting headers)",
    Why.SERVER_ERROR: "unexpected status 500 Internal Server Error",
}
_JAVA = {
    Why.NO_ADDRESS: "java.lang.IllegalArgumentException: URI is not absolute: {text}",
    Why.NO_SUCH_HOST: "java.net.UnknownHostException: {host}: Name or service not known",
    Why.DNS_TIMEOUT: "java.net.UnknownHostException: {host}: Temporary failure in name resolution",
    Why.DNS_REFUSED: "java.net.UnknownHostException: {host}: Temporary failure in name resolution",
    Why.DNS_FAILURE: "java.net.UnknownHostException: {host}: Temporary failure in name resolution",
    Why.REFUSED: "java.net.ConnectException: Connection refused",
    Why.UNREACHABLE: "java.net.SocketTimeoutException: Connect timed out",
    Why.RESET: "java.net.SocketException: Connection reset",
    Why.PLAIN_SERVER: "javax.net.ssl.SSLException: Unsupported or unrecognized SSL message",
    Why.TLS_SERVER: (
        "org.springframework.web.client.HttpClientErrorException$BadRequest: "
        '400 Bad Request: "Client sent an HTTP request to an HTTPS server."'
    ),
    Why.WRONG_PROTOCOL: "java.net.SocketException: Unexpected end of file from server",
    Why.NOT_FOUND: "org.springframework.web.client.HttpClientErrorException$NotFound: 404 Not Found",
    Why.NO_ANSWER: "java.net.SocketTimeoutException: Read timed out",
    Why.SERVER_ERROR: (
        "org.springframework.web.client.HttpServerErrorException$InternalServerError: 500 Internal Server Error"
    ),
}
_PYTHON = {
    Why.NO_ADDRESS: "Invalid URL '{text}': No host supplied",
    Why.NO_SUCH_HOST: "[Errno -2] Name or service not known",
    Why.DNS_TIMEOUT: "[Errno -3] Temporary failure in name resolution",
    Why.DNS_REFUSED: "[Errno -3] Temporary failure in name resolution",
    Why.DNS_FAILURE: "[Errno -3] Temporary failure in name resolution",
    Why.REFUSED: "[Errno 111] Connection refused",
    Why.UNREACHABLE: "[Errno 110] Connection timed out",
    Why.RESET: "[Errno 104] Connection reset by peer",
    Why.PLAIN_SERVER: "[SSL: WRONG_VERSION_NUMBER] wrong version number (_ssl.c:1006)",
    Why.TLS_SERVER: "Client error '400 Bad Request' for url 'http://{host}:{port}{path}'",
    Why.WRONG_PROTOCOL: "Server disconnected without sending a response.",
    Why.NOT_FOUND: "Client error '404 Not Found' for url 'http://{host}:{port}{path}'",
    Why.NO_ANSWER: "The read operation timed out",
    Why.SERVER_ERROR: "Server error '500 Internal Server Error' for url 'http://{host}:{port}{path}'",
}
_NODE = {
    Why.NO_ADDRESS: "Invalid URL: {text}",
    Why.NO_SUCH_HOST: "getaddrinfo ENOTFOUND {host}",
    Why.DNS_TIMEOUT: "getaddrinfo EAI_AGAIN {host}",
    Why.DNS_REFUSED: "getaddrinfo EAI_AGAIN {host}",
    Why.DNS_FAILURE: "getaddrinfo EAI_AGAIN {host}",
    Why.REFUSED: "connect ECONNREFUSED {ip}:{port}",
    Why.UNREACHABLE: "connect ETIMEDOUT {ip}:{port}",
    Why.RESET: "read ECONNRESET",
    Why.PLAIN_SERVER: "write EPROTO error:0A00010B:SSL routines:ssl3_get_record:wrong version number",
    Why.TLS_SERVER: "Request failed with status code 400: Client sent an HTTP request to an HTTPS server.",
    Why.WRONG_PROTOCOL: "Parse Error: Expected HTTP/, RTSP/ or ICE/",
    Why.NOT_FOUND: "Request failed with status code 404",
    Why.NO_ANSWER: "timeout of {timeout_ms}ms exceeded",
    Why.SERVER_ERROR: "Request failed with status code 500",
}
_LANGUAGES: dict[Language, dict[Why, str]] = {"go": _GO, "java": _JAVA, "python": _PYTHON, "node": _NODE, "c": _GO}


_ALIKE = {Why.NO_SUCH_PORT: Why.REFUSED}  # the caller cannot tell them apart


def say(language: Language, why: Why, facts: Facts) -> str:
    why = _ALIKE.get(why, why)
    return _LANGUAGES[language][why].format(timeout_ms=round(facts.timeout * 1000), **vars(facts))
