"""Sentences as drivers, runtimes and servers really write them, each with what it means and what it names."""

import pytest

from tools.engines.logs.digest import digest
from tools.engines.logs.meaning import meanings

NAMES = [
    ("dial tcp: lookup cart on 10.96.0.10:53: no such host", "no_such_host", "cart"),
    ("Error: getaddrinfo ENOTFOUND orders.shop.svc.cluster.local", "no_such_host", "orders.shop.svc.cluster.local"),
    ("java.net.UnknownHostException: inventory: Name or service not known", "no_such_host", "inventory"),
    ("java.net.UnknownHostException: inventory", "no_such_host", "inventory"),
    ("requests.exceptions.ConnectionError: HTTPConnectionPool(host='cart', port=80): Max retries exceeded with url: / (Caused by NameResolutionError(\"<urllib3.connection.HTTPConnection object at 0x7f>: Failed to resolve 'cart' ([Errno -2] Name or service not known)\"))", "no_such_host", "cart"),
    ('psycopg2.OperationalError: could not translate host name "pg-main" to address: Name or service not known', "no_such_host", "pg-main"),
    ("ERROR 2005 (HY000): Unknown MySQL server host 'mysql-x' (-2)", "no_such_host", "mysql-x"),
    ('nginx: [emerg] host not found in upstream "payments" in /etc/nginx/nginx.conf:12', "no_such_host", "payments"),
    ("curl: (6) Could not resolve host: catalog", "no_such_host", "catalog"),
    ("redis.exceptions.ConnectionError: Error -2 connecting to redis-cache:6379. Name or service not known.", "no_such_host", "redis-cache"),
    ("System.Net.Sockets.SocketException (11001): No such host is known. (basket:6379)", "no_such_host", ""),
    ("io.grpc.StatusRuntimeException: UNAVAILABLE: Unable to resolve host shipping", "no_such_host", "shipping"),
    ("连接失败: 无法解析主机 user-db", "no_such_host", None),
    ("dial tcp: lookup cart on 10.96.0.10:53: server misbehaving", "dns_unavailable", "cart"),
    ("dial tcp: lookup cart on 10.96.0.10:53: read udp 10.244.1.3:41234->10.96.0.10:53: i/o timeout", "dns_unavailable", "cart"),
    ("Error: getaddrinfo EAI_AGAIN orders", "dns_unavailable", "orders"),
    ("psycopg2.OperationalError: could not translate host name \"pg\" to address: Temporary failure in name resolution", "dns_unavailable", "pg"),
    (";; connection timed out; no servers could be reached", "dns_unavailable", None),
]  # fmt: skip
CONNECTIONS = [
    ("dial tcp 10.96.3.4:8080: connect: connection refused", "refused", "10.96.3.4:8080"),
    ("Get \"http://cart:8080/items\": dial tcp 10.96.3.4:8080: connect: connection refused", "refused", "10.96.3.4:8080"),
    ("Error: connect ECONNREFUSED 10.0.0.1:3306\n    at TCPConnectWrap.afterConnect [as oncomplete] (net.js:1141:16)", "refused", "10.0.0.1:3306"),
    ("rpc error: code = Unavailable desc = connection error: desc = \"transport: Error while dialing: dial tcp 10.96.1.2:50051: connect: connection refused\"", "refused", "10.96.1.2:50051"),
    ("rpc error: code = Unavailable desc = connection error", "unavailable", None),
    ("Caused by: io.netty.channel.AbstractChannel$AnnotatedConnectException: Connection refused: orders/10.96.0.5:8080", "refused", "orders:8080"),
    ("urllib3.exceptions.NewConnectionError: HTTPConnectionPool(host='cart', port=8080): [Errno 111] Connection refused", "refused", "cart:8080"),
    ("pymysql.err.OperationalError: (2003, \"Can't connect to MySQL server on 'mysql' ([Errno 111] Connection refused)\")", "refused", "mysql"),
    ("ERROR 2003 (HY000): Can't connect to MySQL server on 'mysql:3307' (111)", "refused", "mysql:3307"),
    ('connection to server at "pg" (10.96.1.1), port 5433 failed: Connection refused', "refused", "pg:5433"),
    ("org.postgresql.util.PSQLException: Connection to pg:5433 refused. Check that the hostname and port are correct", None, None),
    ("redis.exceptions.ConnectionError: Error 111 connecting to redis:6380. Connection refused.", "refused", "redis:6380"),
    ('2026/03/02 09:00:00 [error] 7#7: *1 connect() failed (111: Connection refused) while connecting to upstream, client: 10.0.0.9, server: , request: "GET / HTTP/1.1", upstream: "http://10.96.4.4:80/", host: "x"', "refused", "10.96.4.4:80"),
    ("System.Net.Sockets.SocketException (111): Connection refused [::ffff:10.0.0.1]:80", "refused", None),
    ("无法连接 10.1.2.3:8080: 拒绝连接", "refused", "10.1.2.3:8080"),
    ("No connection could be made because the target machine actively refused it. (orders:80)", "refused", "orders:80"),
    ("dial tcp 10.96.3.4:8080: i/o timeout", "timed_out", "10.96.3.4:8080"),
    ("context deadline exceeded (Client.Timeout exceeded while awaiting headers)", "timed_out", ""),
    ("java.net.SocketTimeoutException: connect timed out", "timed_out", ""),
    ("Error: connect ETIMEDOUT 10.0.0.1:5432", "timed_out", "10.0.0.1:5432"),
    ("requests.exceptions.ReadTimeout: HTTPConnectionPool(host='rates', port=8000): Read timed out. (read timeout=5)", "timed_out", "rates:8000"),
    ("调用库存服务 inventory:8080 超时", "timed_out", "inventory:8080"),
    ("read tcp 10.244.0.5:4312->10.96.0.7:9090: read: connection reset by peer", "reset", "10.96.0.7:9090"),
    ("Error: socket hang up\n  code: 'ECONNRESET'", "reset", ""),
    ("dial tcp 10.96.3.4:80: connect: no route to host", "no_route", "10.96.3.4:80"),
    ("java.net.NoRouteToHostException: No route to host", "no_route", ""),
    ("connect: network is unreachable", "unreachable", ""),
]  # fmt: skip
DATABASES = [
    ("java.sql.SQLException: Access denied for user 'shop'@'10.244.1.7' (using password: YES)", "access_denied", "shop"),
    ("Error 1045 (28000): Access denied for user 'shop'@'10.244.1.7' (using password: YES)", "access_denied", "shop"),
    ("Error: Access denied for user 'shop'@'10.244.1.7' (using password: YES)\n  code: 'ER_ACCESS_DENIED_ERROR',", "access_denied", "shop"),
    ("ERROR HikariPool-1 - Exception during pool initialization.\n\njava.sql.SQLException: Access denied for user 'ts'@'10.1.1.1' (using password: YES)", "access_denied", "ts"),
    ('FATAL:  password authentication failed for user "orders"', "access_denied", "orders"),
    ('pq: password authentication failed for user "orders"', "access_denied", "orders"),
    ('psycopg2.OperationalError: connection to server at "pg" (10.96.1.1), port 5432 failed: FATAL:  password authentication failed for user "orders"', "access_denied", "orders"),
    ('FATAL:  role "orderz" does not exist', "access_denied", "orderz"),
    ('Npgsql.PostgresException (0x80004005): 28P01: password authentication failed for user "x"', "access_denied", "x"),
    ("MongoServerError: Authentication failed.", "access_denied", ""),
    ("connection() error occurred during connection handshake: auth error: sasl conversation error: unable to authenticate using mechanism \"SCRAM-SHA-256\": (AuthenticationFailed) Authentication failed.", "access_denied", ""),
    ("com.mongodb.MongoSecurityException: Exception authenticating MongoCredential{mechanism=SCRAM-SHA-1, userName='x'}", "access_denied", None),
    ("Login failed for user 'sa'.", "access_denied", "sa"),
    ("ORA-01017: invalid username/password; logon denied", "access_denied", ""),
    ("数据库连接异常: Access denied for user 'root'@'10.0.0.3' (using password: YES)", "access_denied", "root"),
    ("Error 1049 (42000): Unknown database 'shopp'", "unknown_database", "shopp"),
    ('FATAL:  database "orders2" does not exist', "unknown_database", "orders2"),
    ("Error 1142 (42000): INSERT command denied to user 'shop'@'10.0.0.3' for table 'orders'", "permission_denied_db", "shop"),
    ("Access denied for user 'shop'@'%' to database 'orders'", "permission_denied_db", "shop"),
    ("pq: permission denied for table orders", "permission_denied_db", ""),
    ("not authorized on shop to execute command { find: \"orders\" }", "permission_denied_db", ""),
    ("Access denied for user 'shop'@'%'. Account is locked.", "account_locked", "shop"),
    ('FATAL:  role "orders" is not permitted to log in', "account_locked", "orders"),
    ("The MySQL server is running with the --read-only option so it cannot execute this statement", "read_only", ""),
    ("Error 1290 (HY000): The MySQL server is running with the --super-read-only option so it cannot execute this statement", "read_only", ""),
    ("ERROR: cannot execute INSERT in a read-only transaction", "read_only", ""),
    ("READONLY You can't write against a read only replica.", "read_only", ""),
    ("redis.exceptions.ReadOnlyError: You can't write against a read only replica.", "read_only", ""),
    ("MongoServerError: not master and slaveOk=false", "read_only", ""),
    ("NotWritablePrimary: not primary", "read_only", ""),
    ("写入失败: 数据库处于只读模式", "read_only", ""),
    ("Error 1040: Too many connections", "too_many_connections", ""),
    ('com.mysql.cj.jdbc.exceptions.CommunicationsException: Data source rejected establishment of connection,  message from server: "Too many connections"', "too_many_connections", ""),
    ("FATAL: sorry, too many clients already", "too_many_connections", ""),
    ("FATAL:  remaining connection slots are reserved for non-replication superuser connections", "too_many_connections", ""),
    ("ERR max number of clients reached", "too_many_connections", ""),
    ("User 'shop' has already more than 'max_user_connections' active connections", "too_many_connections", "shop"),
    ("HikariPool-1 - Connection is not available, request timed out after 30000ms.", "pool_exhausted", ""),
    ("sqlalchemy.exc.TimeoutError: QueuePool limit of size 5 overflow 10 reached, connection timed out, timeout 30.00", "pool_exhausted", ""),
    ("redis: connection pool timeout", "pool_exhausted", ""),
    ("Timeout acquiring a connection. The pool is probably full.", "pool_exhausted", ""),
    ("redis.clients.jedis.exceptions.JedisConnectionException: Could not get a resource from the pool", "pool_exhausted", ""),
    ("The timeout period elapsed prior to obtaining a connection from the pool.", "pool_exhausted", ""),
    ("NOAUTH Authentication required.", "cache_auth", ""),
    ("WRONGPASS invalid username-password pair or user is disabled.", "cache_auth", ""),
    ("redis.exceptions.AuthenticationError: invalid username-password pair or user is disabled.", "cache_auth", ""),
    ("ERR invalid password", "cache_auth", ""),
    ("ERR AUTH <password> called without any password configured for the default user.", "cache_auth", ""),
    ("com.mysql.cj.jdbc.exceptions.CommunicationsException: Communications link failure\nThe last packet sent successfully to the server was 0 milliseconds ago.\nCaused by: java.net.ConnectException: Connection refused", "communications_link_failure", ""),
    ("Cannot connect to database: host unreachable", "communications_link_failure", ""),
    ("MongoServerSelectionError: connect ECONNREFUSED 10.0.0.8:27018", "communications_link_failure", "10.0.0.8:27018"),
    ("Deadlock found when trying to get lock; try restarting transaction", "deadlock_db", ""),
    ("ERROR:  deadlock detected", "deadlock_db", ""),
    ("Lock wait timeout exceeded; try restarting transaction", "lock_wait", ""),
    ("ACCESS_REFUSED - Login was refused using authentication mechanism PLAIN", "queue_auth", ""),
]  # fmt: skip
PROTOCOLS = [
    ("x509: certificate has expired or is not yet valid: current time 2026-03-02T09:00:00Z is after 2026-03-01T00:00:00Z", "certificate_expired", ""),
    ("Error: certificate has expired\n  code: 'CERT_HAS_EXPIRED'", "certificate_expired", ""),
    ("java.security.cert.CertificateExpiredException: NotAfter: Sun Mar 01 00:00:00 UTC 2026", "certificate_expired", ""),
    ("x509: certificate signed by unknown authority", "certificate_unknown_authority", ""),
    ("sun.security.validator.ValidatorException: PKIX path building failed", "certificate_unknown_authority", ""),
    ("Error: self-signed certificate in certificate chain", "certificate_unknown_authority", ""),
    ("x509: certificate is valid for a.example, not b.example", "certificate_name", "b.example"),
    ("tls: first record does not look like a TLS handshake", "plaintext_to_tls", ""),
    ("[SSL: WRONG_VERSION_NUMBER] wrong version number (_ssl.c:1006)", "plaintext_to_tls", ""),
    ("Client sent an HTTP request to an HTTPS server.", "plaintext_to_tls", ""),
    ("400 The plain HTTP request was sent to HTTPS port", "plaintext_to_tls", ""),
    ("http: server gave HTTP response to HTTPS client", "plaintext_to_tls", ""),
    ('net/http: HTTP/1.x transport connection broken: malformed HTTP response "\\x00\\x00\\x06\\x04"', "plaintext_to_tls", ""),
    ("javax.net.ssl.SSLException: Unsupported or unrecognized SSL message", "plaintext_to_tls", ""),
    ("http2: server: error reading preface from client 10.0.0.1:4433: bogus greeting \"GET / HTTP/1.1\"", "protocol_mismatch", None),
    ("error reading server preface: http2: frame too large", "plaintext_to_tls", ""),
    ("http: TLS handshake error from 10.0.0.1:4312: EOF", "tls_handshake", None),
]  # fmt: skip
USED_UP = [
    ("java.lang.OutOfMemoryError: Java heap space", "out_of_memory", ""),
    ("java.lang.OutOfMemoryError: unable to create native thread: possibly out of memory or process/resource limits reached", "thread_exhaustion", ""),
    ("RuntimeError: can't start new thread", "thread_exhaustion", ""),
    ("runtime: failed to create new OS thread (have 2048 already; errno=11)", "thread_exhaustion", ""),
    ("FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory", "out_of_memory", ""),
    ("MemoryError", "out_of_memory", ""),
    ("fork: Cannot allocate memory", "out_of_memory", ""),
    ("accept4: too many open files; retrying in 1s", "too_many_open_files", ""),
    ("Error: EMFILE: too many open files, open '/tmp/x'", "too_many_open_files", ""),
    ("java.net.SocketException: Too many open files", "too_many_open_files", ""),
    ("write /var/lib/data/wal: no space left on device", "no_space", "/var/lib/data/wal"),
    ("Found one Java-level deadlock:", "deadlock", ""),
    ("fatal error: all goroutines are asleep - deadlock!", "deadlock", ""),
    ("watchdog: worker 3 stuck for 120 s", "stuck", ""),
    ("Thread Thread[vert.x-eventloop-thread-1] has been blocked for 5012 ms, time limit is 2000 ms", "stuck", ""),
    ("[CRITICAL] WORKER TIMEOUT (pid:12)", "stuck", ""),
]  # fmt: skip
STARTING = [
    ("listen tcp :8080: bind: address already in use", "address_in_use", "8080"),
    ("Error: listen EADDRINUSE: address already in use :::3000", "address_in_use", "3000"),
    ("Web server failed to start. Port 8080 was already in use.", "address_in_use", "8080"),
    ("OSError: [Errno 98] Address already in use", "address_in_use", None),
    ("nginx: [emerg] bind() to 0.0.0.0:80 failed (98: Address in use)", "address_in_use", "80"),
    ("启动失败：端口 9090 被占用", "address_in_use", "9090"),
    ("KeyError: 'DATABASE_URL'", "missing_variable", "DATABASE_URL"),
    ('Traceback (most recent call last):\n  File "/app/main.py", line 3, in <module>\n    os.environ["QUEUE_URL"]\nKeyError: \'QUEUE_URL\'', "missing_variable", "QUEUE_URL"),
    ("java.lang.IllegalArgumentException: Could not resolve placeholder 'db.url' in value \"${db.url}\"", "missing_variable", "db.url"),
    ("panic: environment variable \"PAYMENT_ADDR\" not set", "missing_variable", "PAYMENT_ADDR"),
    ("FATAL required environment variable JWT_SECRET is not set", "missing_variable", "JWT_SECRET"),
    ("Error: Missing required environment variable: API_TOKEN", "missing_variable", "API_TOKEN"),
    ("DB_HOST must be set", "missing_variable", "DB_HOST"),
    ("./start.sh: line 4: CACHE_HOST: unbound variable", "missing_variable", "CACHE_HOST"),
    ("/entry.sh: 3: QUEUE: parameter not set", "missing_variable", "QUEUE"),
    ("required key APP_PORT missing value", "missing_variable", "APP_PORT"),
    ('env: required environment variable "BUCKET" is not set', "missing_variable", "BUCKET"),
    ("pydantic_core._pydantic_core.ValidationError: 1 validation error for Settings\nDATABASE_URL\n  Field required [type=missing]", "missing_variable", "DATABASE_URL"),
    ("启动失败: 缺少环境变量 REDIS_HOST", "missing_variable", "REDIS_HOST"),
    ("环境变量 MQ_ADDR 未设置", "missing_variable", "MQ_ADDR"),
    ("main.rb:3:in `fetch': key not found: \"SMTP_HOST\" (KeyError)", "missing_variable", "SMTP_HOST"),
    ("yaml: line 7: did not find expected key", "config_parse", None),
    ('[emerg] directive "listen" is not terminated by ";" in /etc/nginx/conf.d/site.conf:3', "config_parse", "/etc/nginx/conf.d/site.conf"),
    ("failed to parse config file /etc/app/config.yaml: yaml: line 3: mapping values are not allowed in this context", "config_parse", "/etc/app/config.yaml"),
    ("Error loading config file /etc/prometheus/prometheus.yml: parsing YAML file", "config_parse", "/etc/prometheus/prometheus.yml"),
    ("SyntaxError: Unexpected token } in JSON at position 42 while parsing /app/config/settings.json", "config_parse", "/app/config/settings.json"),
    ("SyntaxError: Unexpected token } in JSON at position 9\n    at JSON.parse (<anonymous>)\n    at Object.<anonymous> (/app/config.js:9:21)", "config_parse", None),
    ('Traceback (most recent call last):\n  File "/app/main.py", line 12, in <module>\n    CFG = json.load(open("/etc/app/settings.json"))\n  File "/usr/lib/python3.11/json/decoder.py", line 355, in raw_decode\njson.decoder.JSONDecodeError: Expecting value: line 4 column 3 (char 61)', "config_parse", None),
    ("yaml.scanner.ScannerError: while scanning a simple key\n  in \"/etc/app.yaml\", line 3, column 1", "config_parse", "/etc/app.yaml"),
    ("tomllib.TOMLDecodeError: Expected '=' after a key (at line 3, column 4)", "config_parse", ""),
    ('nginx: [emerg] unknown directive "proxy_passs" in /etc/nginx/conf.d/default.conf:3', "config_parse", "/etc/nginx/conf.d/default.conf"),
    ("mysqld: unknown variable 'max_conections=100'", "config_parse", None),
    ("*** FATAL CONFIG FILE ERROR (Redis 7.0.5) ***", "config_parse", None),
    ("配置文件解析失败: /etc/app/app.toml", "config_parse", "/etc/app/app.toml"),
    ("open /etc/app/key.pem: no such file or directory", "no_such_file", "/etc/app/key.pem"),
    ("FileNotFoundError: [Errno 2] No such file or directory: '/data/model.bin'", "no_such_file", "/data/model.bin"),
    ("Error: ENOENT: no such file or directory, open '/app/config.json'", "no_such_file", "/app/config.json"),
    ("mkdir /data/db: permission denied", "permission_denied_file", "/data/db"),
    ("PermissionError: [Errno 13] Permission denied: '/var/log/app/out.log'", "permission_denied_file", "/var/log/app/out.log"),
    ("Error: EACCES: permission denied, open '/data/lock'", "permission_denied_file", "/data/lock"),
    ("touch: cannot touch '/data/x': Read-only file system", "read_only_filesystem", "/data/x"),
    ("exec /usr/bin/app: exec format error", "exec_format", None),
    ("sh: 1: migrate-tool: not found", "command_not_found", "migrate-tool"),
    ("Error: Cannot find module '/app/server.js'", "module_missing", "/app/server.js"),
    ("ModuleNotFoundError: No module named 'flask'", "module_missing", "flask"),
    ("Error: Could not find or load main class com.example.App", "module_missing", "com.example.App"),
    ("org.flywaydb.core.api.FlywayException: Validate failed: Migrations have failed validation", "migration_failed", ""),
    ("error: Dirty database version 12. Fix and force version.", "migration_failed", ""),
    ('pods is forbidden: User "system:serviceaccount:shop:default" cannot list resource "pods"', "forbidden_by_rbac", "shop:default"),
    ("panic: runtime error: invalid memory address or nil pointer dereference", "panic", ""),
    ("Exception in thread \"main\" java.lang.NullPointerException", "panic", ""),
    ("Unhandled exception. System.InvalidOperationException: x", "panic", ""),
]  # fmt: skip
RUNNING = [
    ("listening on :8080", "listening", "8080"),
    ("2026-03-02T08:10:20Z server is listening on 10.0.0.12:8443 since 2026-03-02T08:10:20Z", "listening", "8443"),
    ("Server listening on http://0.0.0.0:3000", "listening", "3000"),
    ("Tomcat started on port(s): 8080 (http) with context path ''", "listening", "8080"),
    ("Tomcat started on port 8081 (http) with context path '/'", "listening", "8081"),
    ("Now listening on: http://[::]:5000", "listening", "5000"),
    (" * Running on http://127.0.0.1:5000", "listening", "5000"),
    ("INFO:     Uvicorn running on http://0.0.0.0:8000 (Press CTRL+C to quit)", "listening", "8000"),
    ('{"level":"info","msg":"starting server","addr":":9090"}', "listening", "9090"),
    ("gRPC server listening at [::]:50051", "listening", "50051"),
    ("starting grpc server on port 7070", "listening", "7070"),
    ("level=info msg=\"server started\" port=8082", "listening", "8082"),
    ("服务启动成功，监听端口 8088", "listening", "8088"),
    ("mysqld: ready for connections. Version: '8.0.36'  socket: '/var/run/mysqld/mysqld.sock'  port: 3306", "listening", "3306"),
    ("* Ready to accept connections tcp", "listening", ""),
    ("Started OrderApplication in 43.2 seconds (process running for 44.9)", "started", "43.2"),
    ("Server startup in [5321] milliseconds", "started", "5.321"),
    ("application started in 12.5s", "started", "12.5"),
    ('10.244.0.1 - - [02/Mar/2026:09:00:00 +0000] "GET /healthz HTTP/1.1" 404 19 "-" "kube-probe/1.29"', "probe_request", "/healthz:404"),
    ("GET /ready 200 1.2 ms", "probe_request", "/ready:200"),
    ("slow query: 3.2s SELECT * FROM orders", "slow_query", ""),
    ("retrying in 3s (attempt 2/5)", "retries", ""),
    ("cache miss for key product:1", "cache_miss", ""),
    ("no healthy upstream", "upstream_unavailable", ""),
    ('[2026-03-02T09:00:00.000Z] "GET /cart HTTP/1.1" 503 UF upstream_reset_before_response_started 0 91', "upstream_unavailable", None),
    ('[2026-03-02T09:00:00.000Z] "GET /cart HTTP/1.1" 404 NR route_not_found - "-" 0 0', "proxy_route_missing", ""),
    ("upstream connect error or disconnect/reset before headers. reset reason: connection failure", "upstream_unavailable", ""),
    ('[error] 7#7: *1 no live upstreams while connecting to upstream, client: 10.0.0.1, upstream: "http://api/x"', "upstream_unavailable", "api"),
    ("ratelimited: too many requests", "rate_limited", ""),
    ("token used before issued", "clock_skew", ""),
]  # fmt: skip
ALL = NAMES + CONNECTIONS + DATABASES + PROTOCOLS + USED_UP + STARTING + RUNNING


@pytest.mark.parametrize(("text", "meaning", "target"), ALL, ids=[f"{place}-{row[1]}" for place, row in enumerate(ALL)])
def test_a_sentence_means_what_it_means_and_names_what_it_names(
    text: str, meaning: str | None, target: str | None
) -> None:
    found = {one.meaning: one.target for one in digest(text.split("\n")).saids}
    if meaning is None:
        return
    assert meaning in found, found
    if target is not None:
        assert found[meaning] == target


@pytest.mark.parametrize(
    "text",
    [
        "INFO reconnected to mysql after connection refused",
        "retry succeeded after 3 attempts: connection refused earlier",
        'INFO search query="connection refused how to fix" results=3',
        '{"level":"info","msg":"comment saved","text":"Access denied for user \'x\'@\'y\'"}',
        "level=info msg=request timeout=30s path=/a",
        "loaded 3 retries from settings",
        "the restaurant refused the order",
        "redis 连接已恢复: connection refused",
        "DEBUG config: connection_timeout=5",
        "reading password policy",
        "TypeError: Cannot read properties of undefined (reading 'reduce')",
    ],
)
def test_what_only_sounds_like_trouble_means_none(text: str) -> None:
    quiet = {"retries", "listening", "started", "probe_request", "cache_miss", "slow_query"}
    assert not [one for one in digest([text]).saids if one.meaning not in quiet]


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("Access denied for user 'shop'@'%' to database 'orders'", "access_denied"),
        ("Error 1142: SELECT command denied to user 'a'@'b' for table 't'", "permission_denied_file"),
        ("dial tcp: lookup a on 10.96.0.10:53: read udp 1.1.1.1:1->10.96.0.10:53: i/o timeout", "timed_out"),
        ("HikariPool-1 - Connection is not available, request timed out after 30000ms.", "timed_out"),
        ("touch: cannot touch '/x': Read-only file system", "read_only"),
        ("java.lang.OutOfMemoryError: unable to create native thread", "out_of_memory"),
        ("ERROR:  deadlock detected", "deadlock"),
        ("Deadlock found when trying to get lock; try restarting transaction", "deadlock"),
        ('nginx: [emerg] host not found in upstream "x" in /etc/nginx/nginx.conf:1', "config_parse"),
        ("listen tcp :8080: bind: address already in use", "listening"),
        ("x509: certificate has expired or is not yet valid", "certificate_unknown_authority"),
        ("exec /app: exec format error", "permission_denied_file"),
    ],
)
def test_the_more_precise_meaning_stands_in_place_of_the_vaguer(text: str, wrong: str) -> None:
    assert wrong not in {one.meaning for one in digest([text]).saids}


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("attempt 7/8 to call lab-results failed, retrying in 10ms: status 503", "lab-results"),
        ("call to route-planner failed after 10 retries: upstream request timeout", "route-planner"),
        ('retry 2 of 5 for "orders.shop" failed', "orders.shop"),
        ("WARN retrying call to mill (attempt 5/10) after 503 Service Unavailable", "mill"),
        ("retrying failed grpc request to 'orders.shop': attempt 2", "orders.shop"),
    ],
)
def test_who_is_called_again_is_named(text: str, target: str) -> None:
    assert [one.target for one in meanings(text) if one.meaning == "retries"] == [target]


@pytest.mark.parametrize("number", ["42501", "25006", "53300"])
def test_the_number_of_a_ticket_is_no_state_of_a_database(number: str) -> None:
    assert meanings(f"handled request path=/api/v2/tickets/{number} status=200", quiet=True) == []
    wrong = {"permission_denied_db", "read_only", "too_many_connections"}
    assert wrong.isdisjoint(one.meaning for one in meanings(f"denied: read-only GET /tickets/{number} failed"))


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("ERROR: permission failure (SQLSTATE 42501) denied", "permission_denied_db"),
        ("pq error 53300: too many", "too_many_connections"),
    ],
)
def test_a_state_that_is_called_one_is_read(text: str, meaning: str) -> None:
    assert meaning in {one.meaning for one in meanings(text)}


@pytest.mark.parametrize("line", ["job started at 2026-03-02T12:30:45Z", "serving since start at 12:30:45 today"])
def test_the_digits_of_a_time_are_no_port(line: str) -> None:
    assert [one.target for one in meanings(line) if one.meaning == "listening"] == []
