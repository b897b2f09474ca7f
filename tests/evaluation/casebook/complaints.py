"""What clients say when a call fails: the words of the drivers and HTTP libraries of five languages, and of nginx.

A server's refusal is one sentence (`_SERVER_SAYS`); each language's library wraps it, or a network's failure, in its own exception.
`how` is refused, timed_out, no_such_host, unavailable, failed, slow, reset; or, of a store: denied, read_only, too_many, revoked,
noauth, wrongpass, pool; or, of TLS: expired, unknown_ca, plain_to_tls, tls_to_plain.
"""

from random import Random
from zlib import crc32

from tests.evaluation.casebook.model import Call, Program


def is_chinese(program: Program) -> bool:
    return crc32(program.namespace.encode()) % 6 == 0


def complaint(caller: Program, call: Call, how: str, dice: Random) -> tuple[str, list[str]]:
    """A caller's error about one call, as (level, lines): the first line is the message, the rest its stack."""
    service = call.callee.service
    at = {
        "host": call.host,
        "port": str(call.port),
        "ip": service.cluster_ip if service and service.cluster_ip not in ("", "None") else "10.96.14.9",
        "me": f"10.244.{dice.randrange(5)}.{dice.randrange(2, 250)}",
        "user": user_of(caller, call),
        "db": call.callee.namespace.replace("-", "_"),
        "table": dice.choice(["orders", "accounts", "entries", "sessions", "items"]),
        "path": f"api/v1/{dice.choice(['items', 'plans', 'accounts'])}/{dice.randrange(1, 9999)}",
        "far": str(dice.randrange(32000, 60000)),
    }
    if caller.language == "nginx":
        return "ERROR", [_NGINX.get(how, _NGINX["failed"]).format(**at)]
    lines = [one.format(**at) for one in _said(caller, call, how, dice)]
    if is_chinese(caller):
        lead = f"调用 {call.callee.name} 失败" if not call.callee.is_data else f"访问 {call.callee.name} 出错"
        lines[0] = f"{lead}: {lines[0]}"
    return "ERROR", lines


def user_of(caller: Program, call: Call) -> str:
    known = caller.env(f"{call.callee.name.upper().replace('-', '_')}_USER")
    return str(known.get("value", "app")) if known else "app"


def _said(caller: Program, call: Call, how: str, dice: Random) -> list[str]:
    engine = call.callee.language if call.callee.is_data else "http"
    server = _SERVER_SAYS.get((engine, how))
    if server:
        return _WRAPPED[caller.language](engine, *server)
    if how in ("failed", "unavailable") and engine != "http":
        how = "reset"
    return _NETWORK[caller.language](engine, how, dice)


_SERVER_SAYS: dict[tuple[str, str], tuple[str, str, str]] = {
    ("mysql", "denied"): ("1045", "28000", "Access denied for user '{user}'@'{me}' (using password: YES)"),
    ("mysql", "read_only"): (
        "1290",
        "HY000",
        "The MySQL server is running with the --read-only option so it cannot execute this statement",
    ),
    ("mysql", "super_read_only"): (
        "1290",
        "HY000",
        "The MySQL server is running with the --super-read-only option so it cannot execute this statement",
    ),
    ("mysql", "too_many"): ("1040", "08004", "Too many connections"),
    ("mysql", "revoked"): ("1142", "42000", "INSERT command denied to user '{user}'@'{me}' for table '{table}'"),
    ("mysql", "no_database"): ("1044", "42000", "Access denied for user '{user}'@'%' to database '{db}'"),
    ("postgres", "denied"): ("28P01", "28P01", 'password authentication failed for user "{user}"'),
    ("postgres", "read_only"): ("25006", "25006", "cannot execute INSERT in a read-only transaction"),
    ("postgres", "too_many"): ("53300", "53300", "sorry, too many clients already"),
    ("postgres", "revoked"): ("42501", "42501", "permission denied for table {table}"),
    ("mongo", "denied"): ("18", "AuthenticationFailed", "Authentication failed."),
    ("mongo", "read_only"): ("10107", "NotWritablePrimary", "not primary"),
    ("mongo", "revoked"): ("13", "Unauthorized", 'not authorized on {db} to execute command {{ insert: "{table}" }}'),
    ("redis", "noauth"): ("NOAUTH", "", "NOAUTH Authentication required."),
    ("redis", "wrongpass"): ("WRONGPASS", "", "WRONGPASS invalid username-password pair or user is disabled."),
}
_WAITED = "remaining connection slots are reserved for non-replication superuser connections"


def _go_wrap(engine: str, code: str, state: str, text: str) -> list[str]:
    return {
        "mysql": [f"Error {code} ({state}): {text}"],
        "postgres": [
            f"FATAL: {text} (SQLSTATE {state})" if code in ("28P01", "53300") else f"ERROR: {text} (SQLSTATE {state})"
        ],
        "mongo": [f"({state}) {text}"],
        "redis": [text],
    }[engine]


def _java_wrap(engine: str, code: str, state: str, text: str) -> list[str]:
    if engine == "redis":
        return [
            "Unable to connect to Redis",
            "org.springframework.data.redis.RedisConnectionFailureException: Unable to connect to Redis",
            "\tat org.springframework.data.redis.connection.lettuce.LettuceConnectionFactory$ExceptionTranslatingConnectionProvider.translateException(LettuceConnectionFactory.java:1847)",
            "Caused by: io.lettuce.core.RedisConnectionException: Unable to connect to {host}/<unresolved>:{port}",
            f"Caused by: io.lettuce.core.RedisCommandExecutionException: {text}",
            "\tat io.lettuce.core.internal.ExceptionFactory.createExecutionException(ExceptionFactory.java:147)",
        ]
    if engine == "mongo":
        return [
            "Servlet.service() for servlet [dispatcherServlet] threw exception",
            f"com.mongodb.MongoCommandException: Command failed with error {code} ({state}): '{text}' on server {{host}}:{{port}}.",
            "\tat com.mongodb.internal.connection.ProtocolHelper.getCommandFailureException(ProtocolHelper.java:205)",
        ]
    error = {
        "1045": "java.sql.SQLException: ",
        "1044": "java.sql.SQLSyntaxErrorException: ",
        "1040": 'java.sql.SQLNonTransientConnectionException: Data source rejected establishment of connection,  message from server: "',
        "1290": "java.sql.SQLException: ",
        "1142": "java.sql.SQLSyntaxErrorException: ",
    }.get(code, f"org.postgresql.util.PSQLException: {'FATAL' if code in ('28P01', '53300') else 'ERROR'}: ")
    tail = '"' if code == "1040" else ""
    return [
        f"SQL Error: {code if code.isdigit() else 0}, SQLState: {state}",
        "org.springframework.dao.DataAccessResourceFailureException: unable to obtain isolated JDBC connection",
        "\tat org.springframework.orm.jpa.vendor.HibernateJpaDialect.convertHibernateAccessException(HibernateJpaDialect.java:277)",
        f"Caused by: {error}{text}{tail}",
        "\tat com.zaxxer.hikari.pool.PoolBase.newConnection(PoolBase.java:364)",
        "\t... 42 common frames omitted",
    ]


def _python_wrap(engine: str, code: str, state: str, text: str) -> list[str]:
    trace = [
        "Traceback (most recent call last):",
        '  File "/app/db.py", line 88, in execute',
        "    cursor.execute(query, params)",
    ]
    last = {
        "mysql": f'pymysql.err.OperationalError: ({code}, "{text}")',
        "postgres": (
            f'psycopg2.OperationalError: connection to server at "{{host}}" ({{ip}}), port {{port}} failed: FATAL:  {text}'
            if code in ("28P01", "53300")
            else f"psycopg2.errors.{'ReadOnlySqlTransaction' if code == '25006' else 'InsufficientPrivilege'}: {text}"
        ),
        "mongo": f"pymongo.errors.OperationFailure: {text}, full error: {{{{'ok': 0.0, 'errmsg': '{text}', 'code': {code}, 'codeName': '{state}'}}}}",
        "redis": f"redis.exceptions.AuthenticationError: {text.split(' ', 1)[1] if code == 'NOAUTH' else text}",
    }[engine]
    return [last, *trace, last]


def _node_wrap(engine: str, code: str, state: str, text: str) -> list[str]:
    names = {"1045": "ER_ACCESS_DENIED_ERROR", "1044": "ER_DBACCESS_DENIED_ERROR", "1040": "ER_CON_COUNT_ERROR"}
    names |= {"1290": "ER_OPTION_PREVENTS_STATEMENT", "1142": "ER_TABLEACCESS_DENIED_ERROR"}
    first = {
        "mysql": f"Error: {names.get(code, code)}: {text}" if code == "1040" else f"Error: {text}",
        "postgres": f"error: {text}",
        "mongo": f"MongoServerError: {text}",
        "redis": f"ReplyError: {text}",
    }[engine]
    tail = {
        "mysql": [f"    code: '{names.get(code, code)}', errno: {code}, sqlState: '{state}'"],
        "postgres": [f"    severity: 'FATAL', code: '{code}'"],
    }.get(engine, [])
    return [
        first,
        "    at Packet.asError (/app/node_modules/mysql2/lib/packets/packet.js:728:17)"
        if engine == "mysql"
        else "    at Parser.parseErrorMessage (/app/node_modules/pg-protocol/dist/parser.js:287:98)",
        *tail,
    ]


def _dotnet_wrap(engine: str, code: str, state: str, text: str) -> list[str]:  # noqa: ARG001
    first = {
        "mysql": f"MySqlConnector.MySqlException (0x80004005): {text}",
        "postgres": f"Npgsql.PostgresException (0x80004005): {state}: {text}",
        "mongo": f"MongoDB.Driver.MongoCommandException: Command failed: {text}",
        "redis": "StackExchange.Redis.RedisConnectionException: It was not possible to connect to the redis server(s). "
        "There was an authentication failure; check that passwords (or client certificates) are configured correctly: "
        f"(RedisServerException) {text}",
    }[engine]
    return [
        "An unhandled exception has occurred while executing the request.",
        first,
        "   at App.Data.Store.OpenAsync(CancellationToken token)",
    ]


_WRAPPED = {"go": _go_wrap, "java": _java_wrap, "python": _python_wrap, "node": _node_wrap, "dotnet": _dotnet_wrap}


def _go_net(engine: str, how: str, dice: Random) -> list[str]:
    dial = {
        "refused": "dial tcp {ip}:{port}: connect: connection refused",
        "timed_out": "dial tcp {ip}:{port}: i/o timeout",
        "no_such_host": "dial tcp: lookup {host} on 10.96.0.10:53: no such host",
        "reset": "read tcp {me}:{far}->{ip}:{port}: read: connection reset by peer",
        "slow": "context deadline exceeded (Client.Timeout exceeded while awaiting headers)",
        "expired": "tls: failed to verify certificate: x509: certificate has expired or is not yet valid",
        "unknown_ca": "tls: failed to verify certificate: x509: certificate signed by unknown authority",
        "tls_to_plain": "http: server gave HTTP response to HTTPS client",
        "plain_to_tls": 'net/http: HTTP/1.x transport connection broken: malformed HTTP response "\\x15\\x03\\x01\\x00\\x02\\x02"',
    }
    if engine != "http":
        return [
            "timeout: context deadline exceeded"
            if how == "slow"
            else "sql: connection pool exhausted"
            if how == "pool"
            else dial.get(how, dial["reset"])
        ]
    if how in ("unavailable", "failed"):
        return [
            "unexpected status "
            + ("503 Service Unavailable" if how == "unavailable" else "500 Internal Server Error")
            + " from http://{host}:{port}/{path}"
        ]
    if dice.random() < 0.3 and how in ("refused", "no_such_host", "timed_out", "slow"):
        return [
            {
                "refused": 'rpc error: code = Unavailable desc = connection error: desc = "transport: Error while dialing: '
                + dial["refused"]
                + '"',
                "no_such_host": "rpc error: code = Unavailable desc = name resolver error: produced zero addresses",
                "timed_out": 'rpc error: code = Unavailable desc = connection error: desc = "transport: Error while dialing: '
                + dial["timed_out"]
                + '"',
                "slow": "rpc error: code = DeadlineExceeded desc = context deadline exceeded",
            }[how]
        ]
    scheme = "https" if how in ("expired", "unknown_ca", "tls_to_plain") else "http"
    return ['Get "' + scheme + '://{host}:{port}/{path}": ' + dial.get(how, dial["reset"])]


_JAVA_WHY = {
    "refused": "java.net.ConnectException: Connection refused",
    "timed_out": "java.net.SocketTimeoutException: Connect timed out",
    "no_such_host": "java.net.UnknownHostException: {host}: Name or service not known",
    "reset": "java.net.SocketException: Connection reset",
    "slow": "java.net.SocketTimeoutException: Read timed out",
    "expired": "java.security.cert.CertPathValidatorException: validity check failed",
    "unknown_ca": "sun.security.provider.certpath.SunCertPathBuilderException: unable to find valid certification path to requested target",
    "tls_to_plain": "javax.net.ssl.SSLException: Unsupported or unrecognized SSL message",
    "plain_to_tls": "org.apache.http.NoHttpResponseException: {host}:{port} failed to respond",
}


def _java_net(engine: str, how: str, dice: Random) -> list[str]:
    if how == "pool":
        text = f"HikariPool-1 - Connection is not available, request timed out after {dice.randrange(30000, 30015)}ms (total=10, active=10, idle=0, waiting=17)"
        return [
            "Could not open JPA EntityManager for transaction",
            "org.springframework.transaction.CannotCreateTransactionException: Could not open JPA EntityManager for transaction",
            f"Caused by: java.sql.SQLTransientConnectionException: {text}",
            "\tat com.zaxxer.hikari.pool.HikariPool.createTimeoutException(HikariPool.java:696)",
        ]
    why = _JAVA_WHY.get(how, _JAVA_WHY["reset"])
    if engine == "mysql":
        return [
            "HikariPool-1 - Exception during pool initialization.",
            "com.mysql.cj.jdbc.exceptions.CommunicationsException: Communications link failure",
            "",
            "The last packet sent successfully to the server was 0 milliseconds ago. The driver has not received any packets from the server.",
            "\tat com.mysql.cj.jdbc.exceptions.SQLError.createCommunicationsException(SQLError.java:175)",
            f"Caused by: {why}",
            "\t... 37 common frames omitted",
        ]
    if engine == "postgres":
        told = "Connection to {host}:{port} refused. Check that the hostname and port are correct and that the postmaster is accepting TCP/IP connections."
        return [
            "HikariPool-1 - Exception during pool initialization.",
            f"org.postgresql.util.PSQLException: {told if how == 'refused' else 'The connection attempt failed.'}",
            "\tat org.postgresql.core.v3.ConnectionFactoryImpl.openConnectionImpl(ConnectionFactoryImpl.java:342)",
            f"Caused by: {why}",
        ]
    if engine == "redis":
        return [
            "Unable to connect to Redis",
            "org.springframework.data.redis.RedisConnectionFailureException: Unable to connect to Redis",
            "Caused by: io.lettuce.core.RedisConnectionException: Unable to connect to {host}/<unresolved>:{port}",
            f"Caused by: {why}",
        ]
    if engine == "kafka":
        return [
            "[Producer clientId=producer-1] Connection to node -1 ({host}/{ip}:{port}) could not be established. Node may not be available."
        ]
    if engine != "http":
        return ["connection to {host}:{port} failed", f"Caused by: {why}"]
    if how in ("unavailable", "failed"):
        name = (
            "HttpServerErrorException$ServiceUnavailable: 503 Service Unavailable"
            if how == "unavailable"
            else "HttpServerErrorException$InternalServerError: 500 Internal Server Error"
        )
        return [
            "Servlet.service() for servlet [dispatcherServlet] threw exception",
            f"org.springframework.web.client.{name}: [no body]",
            "\tat org.springframework.web.client.HttpServerErrorException.create(HttpServerErrorException.java:102)",
        ]
    if dice.random() < 0.3:
        return [
            "feign call failed",
            f"feign.RetryableException: {why.split(': ', 1)[-1]} executing GET http://{{host}}:{{port}}/{{path}}",
            "\tat feign.FeignException.errorExecuting(FeignException.java:300)",
            f"Caused by: {why}",
        ]
    text = f'I/O error on GET request for "http://{{host}}:{{port}}/{{path}}": {why.split(": ", 1)[-1]}'
    return [
        text,
        f"org.springframework.web.client.ResourceAccessException: {text}",
        "\tat org.springframework.web.client.RestTemplate.createResourceAccessException(RestTemplate.java:905)",
        f"Caused by: {why}",
        "\t... 61 common frames omitted",
    ]


def _python_net(engine: str, how: str, dice: Random) -> list[str]:
    errno = {
        "refused": "[Errno 111] Connection refused",
        "timed_out": "[Errno 110] Connection timed out",
        "no_such_host": "[Errno -2] Name or service not known",
    }
    why = errno.get(how, "[Errno 104] Connection reset by peer")
    trace = [
        "Traceback (most recent call last):",
        '  File "/app/clients.py", line 41, in fetch',
        "    response = session.get(url, timeout=3)",
    ]
    if engine != "http":
        last = {
            "mysql": "pymysql.err.OperationalError: (2013, 'Lost connection to MySQL server during query')"
            if how in ("reset", "slow")
            else f"pymysql.err.OperationalError: (2003, \"Can't connect to MySQL server on '{{host}}' ({why})\")",
            "postgres": 'psycopg2.OperationalError: could not translate host name "{host}" to address: Name or service not known'
            if how == "no_such_host"
            else f'psycopg2.OperationalError: connection to server at "{{host}}" ({{ip}}), port {{port}} failed: {why.split("] ")[-1]}',
            "mongo": f"pymongo.errors.ServerSelectionTimeoutError: {{host}}:{{port}}: {why}, Timeout: 30s",
            "redis": f"redis.exceptions.ConnectionError: Error {why[7:10].strip('] ')} connecting to {{host}}:{{port}}. {why.split('] ')[-1]}."
            if how != "slow"
            else "redis.exceptions.TimeoutError: Timeout reading from socket",
            "rabbitmq": "pika.exceptions.AMQPConnectionError",
        }.get(engine, f"ConnectionError: {why} to {{host}}:{{port}}")
        if how == "pool":
            last = "sqlalchemy.exc.TimeoutError: QueuePool limit of size 5 overflow 10 reached, connection timed out, timeout 30.00"
        return [last, *trace[:2], "    connection.connect()", last]
    if how in ("unavailable", "failed"):
        last = f"requests.exceptions.HTTPError: {'503 Server Error: Service Unavailable' if how == 'unavailable' else '500 Server Error: Internal Server Error'} for url: http://{{host}}:{{port}}/{{path}}"
        return [last, *trace, last]
    obj = f"<urllib3.connection.HTTPConnection object at 0x7f{dice.getrandbits(40):010x}>"
    tls = {
        "expired": "certificate has expired",
        "unknown_ca": "unable to get local issuer certificate",
        "tls_to_plain": "wrong version number",
    }
    if how in tls:
        why = f"SSLError(SSLCertVerificationError(1, '[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: {tls[how]} (_ssl.c:1006)'))"
        if how == "tls_to_plain":
            why = "SSLError(SSLError(1, '[SSL: WRONG_VERSION_NUMBER] wrong version number (_ssl.c:1006)'))"
        last = f"requests.exceptions.SSLError: HTTPSConnectionPool(host='{{host}}', port={{port}}): Max retries exceeded with url: /{{path}} (Caused by {why})"
    elif how == "no_such_host":
        last = f"requests.exceptions.ConnectionError: HTTPConnectionPool(host='{{host}}', port={{port}}): Max retries exceeded with url: /{{path}} (Caused by NameResolutionError(\"{obj}: Failed to resolve '{{host}}' ({why})\"))"
    elif how == "slow":
        last = "requests.exceptions.ReadTimeout: HTTPConnectionPool(host='{host}', port={port}): Read timed out. (read timeout=3)"
    elif how == "plain_to_tls":
        last = "requests.exceptions.ConnectionError: ('Connection aborted.', BadStatusLine('\\x15\\x03\\x03\\x00\\x02\\x02P'))"
    elif how == "timed_out":
        last = f"requests.exceptions.ConnectTimeout: HTTPConnectionPool(host='{{host}}', port={{port}}): Max retries exceeded with url: /{{path}} (Caused by ConnectTimeoutError({obj}, 'Connection to {{host}} timed out. (connect timeout=3)'))"
    elif how == "reset":
        last = "requests.exceptions.ConnectionError: ('Connection aborted.', ConnectionResetError(104, 'Connection reset by peer'))"
    else:
        last = f"requests.exceptions.ConnectionError: HTTPConnectionPool(host='{{host}}', port={{port}}): Max retries exceeded with url: /{{path}} (Caused by NewConnectionError('{obj}: Failed to establish a new connection: {why}'))"
    return [last, *trace, last]


def _node_net(engine: str, how: str, dice: Random) -> list[str]:  # noqa: ARG001
    why = {
        "refused": "connect ECONNREFUSED {ip}:{port}",
        "timed_out": "connect ETIMEDOUT {ip}:{port}",
        "no_such_host": "getaddrinfo ENOTFOUND {host}",
        "reset": "read ECONNRESET",
        "slow": "timeout of 3000ms exceeded",
        "expired": "certificate has expired",
        "unknown_ca": "unable to verify the first certificate",
        "tls_to_plain": "write EPROTO 80D8:error:0A00010B:SSL routines:ssl3_get_record:wrong version number:../deps/openssl/openssl/ssl/record/ssl3_record.c:354:",
        "plain_to_tls": "Parse Error: Expected HTTP/",
        "unavailable": "Request failed with status code 503",
        "failed": "Request failed with status code 500",
        "pool": "timeout exceeded when trying to connect",
    }.get(how, "read ECONNRESET")
    frames = [
        "    at TCPConnectWrap.afterConnect [as oncomplete] (node:net:1595:16)",
        "    at processTicksAndRejections (node:internal/process/task_queues:95:5)",
    ]
    if engine == "redis":
        return [f"[ioredis] Unhandled error event: Error: {why}", *frames]
    if engine == "mongo":
        return [
            f"MongoServerSelectionError: {why}",
            "    at EventTarget.<anonymous> (/app/node_modules/mongodb/lib/sdam/topology.js:276:34)",
        ]
    return [f"{'AxiosError' if engine == 'http' else 'Error'}: {why}", *frames]


_RESET = "System.IO.IOException: Unable to read data from the transport connection: Connection reset by peer."


def _dotnet_net(engine: str, how: str, dice: Random) -> list[str]:  # noqa: ARG001
    why = {
        "refused": "System.Net.Http.HttpRequestException: Connection refused ({host}:{port})",
        "timed_out": "System.Net.Http.HttpRequestException: Connection timed out ({host}:{port})",
        "no_such_host": "System.Net.Http.HttpRequestException: Name or service not known ({host}:{port})",
        "reset": "System.IO.IOException: Unable to read data from the transport connection: Connection reset by peer.",
        "slow": "System.Threading.Tasks.TaskCanceledException: The request was canceled due to the configured HttpClient.Timeout of 10 seconds elapsing.",
        "expired": "System.Security.Authentication.AuthenticationException: The remote certificate is invalid because of errors in the certificate chain: NotTimeValid",
        "unknown_ca": "System.Security.Authentication.AuthenticationException: The remote certificate is invalid because of errors in the certificate chain: PartialChain",
        "tls_to_plain": "System.Security.Authentication.AuthenticationException: Cannot determine the frame size or a corrupted frame was received.",
        "plain_to_tls": "System.Net.Http.HttpRequestException: An error occurred while sending the request. ---> System.IO.IOException: The response ended prematurely.",
        "unavailable": "System.Net.Http.HttpRequestException: Response status code does not indicate success: 503 (Service Unavailable).",
        "failed": "System.Net.Http.HttpRequestException: Response status code does not indicate success: 500 (Internal Server Error).",
        "pool": "System.InvalidOperationException: Timeout expired.  The timeout period elapsed prior to obtaining a connection from the pool.",
    }.get(how, _RESET)
    socket = {
        "refused": "(111): Connection refused",
        "timed_out": "(110): Connection timed out",
        "no_such_host": "(0xFFFDFFFF, -131073): Name or service not known",
    }
    if engine == "mysql" and how != "pool":
        why = "MySqlConnector.MySqlException (0x80004005): Unable to connect to any of the specified MySQL hosts."
    elif engine == "postgres" and how in socket:
        why = "Npgsql.NpgsqlException (0x80004005): Failed to connect to {ip}:{port}"
    elif engine == "redis":
        why = "StackExchange.Redis.RedisConnectionException: It was not possible to connect to the redis server(s). Error connecting right now. UnableToConnect on {host}:{port}/Interactive"
    inner = [f" ---> System.Net.Sockets.SocketException {socket[how]}"] if how in socket else []
    return [
        "An unhandled exception has occurred while executing the request.",
        why,
        *inner,
        "   at App.Clients.Http.SendAsync(HttpRequestMessage request)",
    ]


_NETWORK = {"go": _go_net, "java": _java_net, "python": _python_net, "node": _node_net, "dotnet": _dotnet_net}
_WHERE = ', client: {me}, server: , request: "GET /{path} HTTP/1.1", upstream: "http://{ip}:{port}/{path}", host: "www"'
_NGINX = {
    "refused": "connect() failed (111: Connection refused) while connecting to upstream" + _WHERE,
    "timed_out": "upstream timed out (110: Operation timed out) while connecting to upstream" + _WHERE,
    "slow": "upstream timed out (110: Operation timed out) while reading response header from upstream" + _WHERE,
    "no_such_host": '{host} could not be resolved (3: Host not found), client: {me}, server: , request: "GET /{path} HTTP/1.1", host: "www"',
    "reset": "recv() failed (104: Connection reset by peer) while reading response header from upstream" + _WHERE,
    "failed": "upstream server temporarily disabled while reading response header from upstream" + _WHERE,
    "unavailable": "no live upstreams while connecting to upstream" + _WHERE,
    "expired": "upstream SSL certificate verify error: (10:certificate has expired) while SSL handshaking to upstream"
    + _WHERE,
    "unknown_ca": "upstream SSL certificate verify error: (20:unable to get local issuer certificate) while SSL handshaking to upstream"
    + _WHERE,
    "tls_to_plain": "SSL_do_handshake() failed (SSL: error:0A00010B:SSL routines::wrong version number) while SSL handshaking to upstream"
    + _WHERE,
    "plain_to_tls": "upstream sent no valid HTTP/1.0 header while reading response header from upstream" + _WHERE,
}
