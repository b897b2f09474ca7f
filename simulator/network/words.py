"""What the caller's library says about a call that failed: the sentences that the usual clients of each language print."""

from __future__ import annotations

from simulator.apps import Language
from simulator.network.dialects import connection_failed, driver_says
from simulator.network.reasons import Facts, Outcome, Why

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
    Why.NO_ROUTE: 'no route matches "{path}"',
    Why.EXPIRED: (
        "tls: failed to verify certificate: x509: certificate has expired or is not yet valid: "
        "current time {now} is after {not_after}"
    ),
    Why.UNKNOWN_SIGNER: "tls: failed to verify certificate: x509: certificate signed by unknown authority",
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
    Why.NO_ROUTE: "No route found for path {path}",
    Why.EXPIRED: (
        "javax.net.ssl.SSLHandshakeException: PKIX path validation failed: "
        "java.security.cert.CertPathValidatorException: validity check failed; nested exception is "
        "java.security.cert.CertificateExpiredException: NotAfter: {not_after}"
    ),
    Why.UNKNOWN_SIGNER: (
        "javax.net.ssl.SSLHandshakeException: PKIX path building failed: "
        "sun.security.provider.certpath.SunCertPathBuilderException: "
        "unable to find valid certification path to requested target"
    ),
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
    Why.NO_ROUTE: "No matching route for {path}",
    Why.EXPIRED: "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: certificate has expired (_ssl.c:1006)",
    Why.UNKNOWN_SIGNER: (
        "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: unable to get local issuer certificate (_ssl.c:1006)"
    ),
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
    Why.NO_ROUTE: "Cannot GET {path}",
    Why.EXPIRED: "certificate has expired",
    Why.UNKNOWN_SIGNER: "unable to get local issuer certificate",
    Why.NO_ANSWER: "timeout of {timeout_ms}ms exceeded",
    Why.SERVER_ERROR: "Request failed with status code 500",
}
_LANGUAGES: dict[Language, dict[Why, str]] = {"go": _GO, "java": _JAVA, "python": _PYTHON, "node": _NODE, "c": _GO}


_ALIKE = {Why.NO_SUCH_PORT: Why.REFUSED}  # the caller cannot tell them apart
_NEVER_REACHED = (Outcome.REFUSED, Outcome.TIMED_OUT)


def say(language: Language, why: Why, facts: Facts) -> str:
    answered = driver_says(language, why, facts)
    if answered is not None:
        return answered
    if why is Why.SERVER_ERROR and facts.engine:
        why = Why.RESET  # they have no status code to answer with: they hang up
    said = _network_says(language, _ALIKE.get(why, why), facts)
    return connection_failed(language, said, facts) if why.outcome in _NEVER_REACHED else said


def _network_says(language: Language, why: Why, facts: Facts) -> str:
    return _LANGUAGES[language][why].format(timeout_ms=round(facts.timeout * 1000), **vars(facts))
