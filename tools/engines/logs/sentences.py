"""Sentences that drivers, runtimes, servers and proxies write, and what each means: a table, and nothing else.

A row is a meaning, words of which one must occur (lower case; the cheap test before the pattern), and a pattern. What the pattern's groups
catch is what the sentence names, joined by a colon; without a catch the first address or path of the entry is looked for, as `Row.names`
says. `unless` names meanings that, found in the same entry, say the same more precisely. No pattern has a quantifier inside a quantifier,
and every gap is bounded, so that a hostile line costs no more than a long one.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

Names = Literal["", "address", "host", "path", "port", "seconds"]
NAME = r"(?-i:([A-Z][A-Z0-9_]{2,60}))"
_VARIABLE = rf"[\"'`$\{{(]{{0,2}}{NAME}[\"'`\}})]{{0,2}}"


@dataclass(frozen=True, slots=True)
class Row:
    meaning: str
    words: tuple[str, ...]
    pattern: str
    names: Names = ""
    unless: frozenset[str] = frozenset()
    quiet: bool = False
    """Whether it counts where an entry calls itself information: a start, a port, a check."""
    but: str = ""
    """What takes the meaning away: a default that is used instead of what is missing."""


def _rows(
    meaning: str, words: str, *patterns: str, names: Names = "", unless: str = "", quiet: bool = False, but: str = ""
) -> Iterator[Row]:
    for pattern in patterns:
        yield Row(meaning, tuple(words.split("|")), pattern, names, frozenset(unless.split()), quiet, but)


_DATABASE_RIGHTS = "permission_denied_db account_locked cache_auth queue_auth"
_OTHER_DENIALS = f"{_DATABASE_RIGHTS} access_denied forbidden_by_rbac exec_format"

ROWS: tuple[Row, ...] = (
    # names and the server that resolves them
    *_rows(
        "dns_unavailable",
        "misbehaving|servfail|eai_again|temporary failure|:53|no servers could be reached|try again|dns|域名",
        r"lookup ([\w.-]+)(?: on [\d.:]+)?: (?:server misbehaving|[^\n]{0,120}(?:i/o timeout|connection refused|operation was canceled))",
        r"(?:read|write|dial) udp [^\n]{0,80}:53: [^\n]{0,40}(?:timeout|refused|unreachable)",
        r"getaddrinfo eai_again ([\w.-]+)",
        r"host name \"([^\"\n]{1,253})\" to address: temporary failure",
        r"temporary failure in name resolution|\bservfail\b|no servers could be reached|eai_again|dns (?:query|lookup|server)[^\n]{0,40}(?:timed out|timeout)|域名服务器?(?:超时|不可用)",
        names="host",
    ),
    *_rows(
        "no_such_host",
        "host|enotfound|resol|not known|nodename|nxdomain|gaierror|no address|主机|域名|zero addresses|can't find|11001",
        r"lookup ([\w.-]+)(?: on [\d.:\[\]a-f]+)?: no such host",
        r"(?:enotfound|unknownhostexception:) ([\w-]+(?:\.[\w-]+)*)(?!\w)",
        r"could not translate host name \"([^\"\n]{1,253})\"",
        r"(?:unknown mysql server host|host not found in upstream|could not resolve host:?|failed to resolve|unknown host:?|cannot resolve|couldn't resolve host|can't resolve|unable to resolve(?: host)?|failed to resolve name) [\"'`]?([\w-]+(?:\.[\w-]+)*)",
        r"no such host|\benotfound\b|unknownhostexception|name or service not known|name does not resolve|nodename nor servname|unknownhost\b|no address associated with hostname|could not resolve host|host not found|nxdomain|name resolution (?:failed|failure|error)|dns resolution failed|nameresolutionerror|failed to resolve|produced zero addresses|no such host is known|unresolved ?address ?exception|域名解析失败|无法解析(?:主机|域名|地址)|未知的?主机|名称解析失败",
        names="host",
        unless="dns_unavailable no_such_host",
    ),
    # the way to a server
    *_rows(
        "refused",
        "refused|拒绝|(111)|(61)|10061|error 111",
        r"connection (?:was |has been )?refused|econnrefused|actively refused|refused (?:to connect|the connection|our connection)|connectionrefused|拒绝连接|连接被拒|积极拒绝|拒绝访问连接",
        r"can't connect to [^\n]{0,160}\((?:111|61|10061)\b|error (?:111|61) connecting to",
        names="address",
        unless="dns_unavailable refused",
    ),
    *_rows(
        "reset",
        "reset|pipe|hang up|eof|closed|gone away|lost connection|aborted|disconnect",
        r"connection reset|econnreset|reset by peer|broken pipe|\bepipe\b|socket hang up|unexpected eof|\beofexception|connection aborted|closed the connection unexpectedly|lost connection to (?:mysql|server)|server has gone away|remote end closed|prematurely closed|connection (?:was |is )?(?:closed|terminated) (?:by|unexpectedly)|error reading from server: eof|连接(?:被|已)?重置",
        names="address",
    ),
    *_rows(
        "no_route",
        "no route|ehostunreach|noroutetohost|host is unreachable|没有到主机",
        r"no route to host|ehostunreach|noroutetohost|host is unreachable|没有到主机的路由",
        names="address",
    ),
    *_rows("unreachable", "unreach|网络不可达", r"network (?:is )?unreachable|enetunreach|网络不可达", names="address"),
    *_rows(
        "pool_exhausted",
        "pool|connection is not available|getconnectiontimeout|wait millis|连接池",
        r"connection is not available, request timed out|queuepool limit|timeout: pool empty|could not get a resource (?:from the pool|since the pool)|pool (?:is )?(?:exhausted|full|empty)|(?:acquir|obtain|get)\w* (?:a )?(?:jdbc )?connection from (?:the )?pool|timeout acquiring a connection|prior to obtaining a connection from the pool|connection pool (?:timeout|is exhausted|exhausted|is full)|no connections? available in (?:the )?pool|wait millis \d+, active \d+|cannot get a connection, pool error|obtain a connection from the pool within|pool timed out while waiting|连接池(?:已)?(?:耗尽|满|已满)",
        names="address",
    ),
    *_rows(
        "timed_out",
        "timed|timeout|time-out|time out|deadline|超时",
        r"timed[ -]?out|etimedout|deadline[ _]?exceeded|i/o timeout|timeout (?:expired|exceeded|error|occurred|waiting|after|while|connecting|reading|of \d)|(?:connect|connection|read|request|socket|response|write|gateway|upstream|handshake|dial)[ _-]?(?:time-?d?[ _-]?out)\b|\btimeout ?(?:error|exception)|timeoutexception|超时",
        names="address",
        unless="dns_unavailable pool_exhausted lock_wait stuck",
    ),
    *_rows(
        "unavailable",
        "unavailable",
        r"code = unavailable|statuscode\.unavailable|\b14 unavailable|status: unavailable|code=unavailable|statuscode=\"?unavailable|\bunavailable: (?:io|upstream|connection|no healthy)",
        names="address",
    ),
    # databases
    *_rows(
        "account_locked",
        "locked|expired|permitted to log in|must reset your password",
        r"(?:user|login|account|role) [\"']?([\w.-]{1,64})[\"']?[^\n]{0,60}(?:is |has been )(?:locked|disabled)",
        r"your password has expired|you must reset your password using alter user|account is locked",
        r"role \"([^\"\n]{1,64})\" is not permitted to log in",
        unless="account_locked",
    ),
    *_rows(
        "permission_denied_db",
        "denied|42501|not authorized|must be owner|noperm|1142|1044|1227",
        r"(?:select|insert|update|delete|create|drop|alter|execute|references|index|trigger|show|lock tables)[\w, ]{0,40} command denied to user '([^'\n]{0,64})'",
        r"access denied for user '([^'\n]{0,64})'@'[^'\n]{0,255}' to database",
        r"access denied; you need|permission denied for (?:table|relation|schema|sequence|database|function|view|column)|must be owner of (?:table|relation|schema|database)|(?:sqlstate|state|code|errors?|pq)\W{1,4}42501\b|er_dbaccess_denied|er_tableaccess_denied|not authorized on \S{1,64} to execute|permission was denied on the|\bnoperm\b",
        unless="permission_denied_db",
    ),
    *_rows(
        "cache_auth",
        "noauth|wrongpass|invalid password|without any password|no password is set|username-password pair|auth failed: |redis",
        r"noauth (?:authentication required|hello)|\bnoauth\b|wrongpass|err invalid password|client sent auth, but no password is set|called without any password configured|invalid username-password pair|redis[^\n]{0,80}(?:authentication (?:required|failed|error)|invalid password)|redis[^\n]{0,40}(?:认证失败|密码错误)",
        names="address",
    ),
    *_rows(
        "queue_auth",
        "access_refused|login was refused|sasl|authentication failure",
        r"access_refused|login was refused using authentication mechanism|saslauthenticationexception|sasl authentication (?:failed|error)[^\n]{0,80}(?:broker|kafka)|plain login refused: user '([^'\n]{1,64})'",
        names="address",
    ),
    *_rows(
        "access_denied",
        "denied|authentic|28p01|28000|login failed|ora-01017|role|pg_hba|password|1045|认证|密码|authfailed|could not find user",
        r"access denied for user:? '?([\w.$-]{0,64})'?@",
        r"password authentication failed for user \"?([^\"\s\n]{1,64})",
        r"(?:peer|ident|scram-sha-256|md5|cert|gssapi) authentication failed for user \"?([^\"\s\n]{1,64})",
        r"role \"([^\"\n]{1,64})\" does not exist",
        r"no pg_hba\.conf entry for host \"[^\"\n]{0,255}\", user \"([^\"\n]{1,64})\"",
        r"login failed for user '?([^'\s\n]{1,64})",
        r"could not find user \"?([^\"@\s\n]{1,64})",
        r"ora-01017|er_access_denied_error|\berror 1045\b|\(1045\b|\b28p01\b|sqlstate\W{0,3}28000|access denied for user|authenticationfailed\b|(?:mongo|mongodb|scram|saslstart|sasl conversation)[^\n]{0,120}(?:authentication failed|auth(?:entication)? error|exception authenticating)|(?:authentication failed|auth error)[^\n]{0,80}(?:mongo|scram|sasl)|command \S{1,40} requires authentication|no password (?:was )?(?:supplied|provided)|empty password returned by client|client password must be a string|server requested (?:scram|password)[^\n]{0,20}(?:authentication|based)|数据库[^\n]{0,30}(?:密码错误|认证失败|拒绝访问)|用户 ?[\"']?[\w.-]{0,64}[\"']? ?(?:的)? ?(?:password|密码) ?认证失败",
        unless=f"{_DATABASE_RIGHTS} access_denied",
    ),
    *_rows(
        "unknown_database",
        "unknown database|does not exist|er_bad_db|cannot open database|1049",
        r"unknown database:? '?([\w$.-]{1,64})",
        r"database \"([^\"\n]{1,64})\" does not exist",
        r"cannot open database \"([^\"\n]{1,64})\"",
        r"er_bad_db_error",
        unless="unknown_database",
    ),
    *_rows(
        "read_only",
        "read-only|read only|readonly|read_only|25006|notwritableprimary|not master|not primary|只读|1290|misconf",
        r"running with the --(?:super-)?read-only|super[-_ ]read[-_ ]only|er_option_prevents_statement|er_cant_execute_in_read_only|(?:in|within) a read[- ]only transaction|(?:sqlstate|state|code|errors?|pq)\W{1,4}25006\b|running in read[- ]only mode|database is (?:in )?read[- ]?only|readonly you can't write|write against a read only (?:replica|slave)|notwritableprimary|\bnot master\b|not (?:the )?primary (?:and|so)|attempt to write a readonly database|misconf redis is configured to save|hot standby|read-only[- ]allow[- ]delete|(?:数据库|实例|副本|事务)[^\n]{0,10}只读|只读(?:模式|事务|副本)",
        names="address",
        unless="read_only_filesystem",
    ),
    *_rows(
        "too_many_connections",
        "too many|connection slots|max number of clients|max_user_connections|53300|con_count|1040|连接数",
        r"too many connections for (?:role|database) \"([^\"\n]{1,64})\"",
        r"user '?([^'\s\n]{1,64})'? has already more than 'max_user_connections'",
        r"too many connections|er_con_count_error|too many clients already|(?:sqlstate|state|code|errors?|pq)\W{1,4}53300\b|connection slots are reserved|max number of clients reached|er_too_many_user_connections|too many open connections|max_user_connections|(?:连接数|连接)(?:过多|已满|超过上限|达到上限)",
        names="address",
        unless="too_many_connections",
    ),
    *_rows(
        "communications_link_failure",
        "communications link|jdbc|database|driver: bad|operationalerror|connection attempt failed|connect to server|数据库|server selection|mysql server|serverselection",
        r"communications link failure|(?:could not|failed to|unable to|cannot) (?:open|acquire|obtain|get|establish) (?:a )?(?:jdbc|database|db) connection|cannotgetjdbcconnection|(?:fail\w*|unable|cannot|can't|could not|couldn't|error)(?: to)?(?: \w+)? connect\w*(?: \w+)? (?:to )?(?:the )?(?:mysql|postgres\w*|mongo\w*|maria\w*|database|db|sql)\b|the connection attempt failed|could not connect to server|driver: bad connection|serverselection(?:timeout)?error|server selection (?:timeout|error)|数据库连接(?:失败|异常|错误)|无法连接(?:到)?(?:数据库|mysql)|连接数据库失败",
        names="address",
        unless="access_denied permission_denied_db unknown_database too_many_connections",
    ),
    # certificates and wrong protocols
    *_rows(
        "certificate_expired",
        "expired|not yet valid|过期",
        r"certificate[ _](?:has |is )?expired|cert_has_expired|tls: expired certificate|alert number 45|certificateexpired|expired certificate|certificate[^\n]{0,60}not yet valid|notaftr|notafter: |证书(?:已经?)?过期",
        names="address",
    ),
    *_rows(
        "certificate_name",
        "certificate|altname|hostname",
        r"certificate is valid for [^\n]{1,200}?, not ([\w.*-]+)",
        r"doesn't match either of|hostname/ip does not match|no subject alternative|err_tls_cert_altname_invalid|hostname mismatch|certificate (?:is )?not valid for (?:name|host)|certificate (?:name|subject)[^\n]{0,20} (?:does not|doesn't) match",
        names="address",
        unless="certificate_name",
    ),
    *_rows(
        "certificate_unknown_authority",
        "authority|issuer|self-signed|self signed|verify|pkix|unknown ca|trust|partialchain|certification path",
        r"unknown authority|unable to get (?:local )?issuer|self[- ]signed certificate|unable to verify the first certificate|pkix path building failed|unable to find valid certification path|unknown ca\b|depth_zero_self_signed|unable_to_verify_leaf|certificate verify failed|untrustedroot|partialchain|not trusted by the trust provider",
        names="address",
        unless="certificate_expired certificate_name",
    ),
    *_rows(
        "plaintext_to_tls",
        "handshake|wrong version|https|malformed http|ssl|preface|frame too large|http/0.9|\\x16\\x03",
        r"first record does not look like a tls handshake|wrong version number|(?:http request (?:was )?(?:sent )?to (?:an )?https|http response to https)|malformed http response|unsupported or unrecognized ssl message|not an ssl/tls record|http2: frame too large|received http/0\.9|ssl23?_get_\w+:unknown protocol|\"\\x16\\x03\\x0|https scheme is not supported|ssl_error_rx_record_too_long|corrupted frame",
        names="address",
    ),
    *_rows(
        "protocol_mismatch",
        "preface|content-type|http1|http/2|http2|expected http|hpe_|out of order|status line|pri *|parse error",
        r"server preface|unexpected (?:http )?content-type|content-type \"?text/html|http1\.x server|parse error: expected http|hpe_invalid|packets out of order|invalid (?:response )?status line|bogus greeting|http/2 (?:client )?preface|\"pri \* http/2|invalid http (?:version|request|method)|unexpected http status code received from server",
        names="address",
        unless="plaintext_to_tls",
    ),
    *_rows(
        "tls_handshake",
        "handshake|remote error: tls|ssl_error|sslexception|sslerror",
        r"(?:tls|ssl) handshake|sslhandshakeexception|handshake[_ ]failure|ssl_error_syscall|remote error: tls|sslexception|handshake (?:failed|error)",
        names="address",
        unless="plaintext_to_tls certificate_expired certificate_name certificate_unknown_authority",
    ),
    # what a process ran out of
    *_rows(
        "thread_exhaustion",
        "thread|newosproc",
        r"unable to create (?:new )?(?:native )?thread|can't start new thread|pthread_create failed|failed to create new os thread|newosproc|thread ?pool (?:is )?exhausted|rejectedexecutionexception[^\n]{0,300}active threads|cannot create (?:new )?thread|no more threads|无法创建(?:新的?)?(?:本地)?线程|线程池(?:已)?(?:耗尽|满)",
    ),
    *_rows(
        "out_of_memory",
        "memory|heap|bad_alloc|enomem|内存|oom",
        r"outofmemory(?:error|exception)|cannot allocate memory|\benomem\b|heap out of memory|\bmemoryerror\b|std::bad_alloc|\bout of memory\b|gc overhead limit|oom-?kill|oom command not allowed|内存溢出|内存不足",
        unless="thread_exhaustion",
    ),
    *_rows(
        "too_many_open_files",
        "open files|emfile|enfile|file descriptor|文件过多|文件数",
        r"too many open files|\bemfile\b|\benfile\b|no file descriptors available|file descriptors? (?:limit|exhaust)|out of file descriptors|打开的?文件(?:数)?过多",
    ),
    *_rows(
        "no_space",
        "no space|enospc|disk full|disk quota|空间|extend file",
        r"no space left on device|\benospc\b|disk (?:is )?full|disk quota exceeded|could not extend file|磁盘空间不足|没有(?:可用)?空间",
        names="path",
    ),
    # how a process starts
    *_rows(
        "address_in_use",
        "in use|eaddrinuse|usage of each socket|already allocated|占用|failed (98|failed to bind",
        r"port (\d{2,5}) (?:is |was )?already (?:in use|allocated|bound)",
        r"bind\(\) to \S{0,60}?:(\d{2,5}) failed",
        r"(?:listen tcp|bind|eaddrinuse:?)[^\n]{0,80}?:{1,3}(\d{2,5})\b[^\n]{0,40}(?:in use|$)",
        r"端口(?:号)?[:： ]{0,2}(\d{2,5}) ?(?:已经?)?被占用",
        r"address (?:is )?already in use|eaddrinuse|address in use|only one usage of each socket address|failed to bind to address|端口[^\n]{0,10}被占用",
        names="port",
        unless="address_in_use",
    ),
    *_rows(
        "missing_variable",
        "placeholder|field required|keyerror|variable|env|required|not set|unbound|must be set|missing|undefined|not found|notpresent|specify|is empty|parameter|环境变量|validation error",
        r"could not resolve placeholder '([^'$\n]{1,120})'",
        rf"keyerror: ['\"]{NAME}['\"]",
        rf"key not found: ['\"]{NAME}['\"]",
        rf"(?:required|missing|mandatory|undefined|unset|no|set|provide|specify|get|read|load|lookup|find)(?: \w+){{0,3}} (?:variables?|vars?|settings?|envs?|envvars?)(?: named)?:? {_VARIABLE}",
        rf"(?:variables?|vars?|envvars?):? {_VARIABLE},?(?: \w+){{0,2}}? (?:not (?:been )?(?:set|defined|specified|provided|found|present|configured)|unset|undefined|missing|empty|required|must be)",
        rf"{_VARIABLE}(?: (?:environment|env))?(?: (?:variable|var))? (?:(?:is|was|are) (?:not (?:been )?(?:set|defined|specified|provided|configured)|required|missing|undefined|unset|empty|mandatory)|has not been set|not set|not defined|must (?:not be empty|be (?:set|provided|specified|defined|configured)))",
        rf"{NAME}: (?:unbound variable|parameter (?:null or )?not set)",
        rf"required key {NAME} missing value",
        rf"undefinedvalueerror: {NAME} not found",
        rf"must specify (?:one of )?{NAME}|need to specify (?:one of )?(?:the following[^\n]{{0,40}}\n[- ]{{0,8}})?{NAME}",
        rf"^\s{{0,4}}{NAME}\n[^\n]{{0,20}}field required",
        rf"(?:缺少|未设置|未配置|没有设置|未找到)(?:必需的?|必要的?|必须的?)?(?:环境变量|变量)[:： ]{{0,2}}{_VARIABLE}",
        rf"(?:环境变量|变量)[:： ]{{0,2}}{_VARIABLE} ?(?:未设置|未定义|不存在|缺失|为空|没有设置|必须设置)",
        r"environment variable not found|required environment variable|missing (?:required )?environment variable|(?:superuser )?password (?:option )?is not specified",
        unless="missing_variable",
        but=r"using default|defaulting|fall(?:ing)? ?back|\boptional\b|will use|using the default|默认值?|\bignor(?:ed|ing)\b|disabled",
    ),
    *_rows(
        "config_parse",
        "yaml|json|toml|config|parameter|directive|parse|pars|emerg|propert|unknown variable|unmarshal|配置|ini|syntax",
        r"yaml: (?:line \d|unmarshal errors|did not find|mapping values|found character|control char)|yaml\.(?:scanner|parser|constructor|reader)\.\w{0,30}error|error (?:converting|parsing) (?:yaml|json|toml|xml|config)|mapping values are not allowed|toml(?:decodeerror|: )|tomllib|configparser\.\w{1,40}error|(?:parsing|missingsection)\w{0,20}error: [^\n]{0,60}(?:section|\.ini|\.cfg)",
        r"(?:fail\w*|unable|cannot|can't|could not|couldn't|error)(?: to)? (?:pars|load|decod|read|unmarshal|process|bind|deserializ|interpret)\w{0,6}:? (?:the |your )?(?:\w+ )?(?:config\w*|settings|properties)\b(?! of (?:undefined|null))",
        r"config(?:uration)?(?: file| option)? (?:parse error|error|is (?:invalid|malformed|not valid)|invalid|syntax error)|(?:invalid|malformed|bad|corrupt) config(?:uration)?\b|fatal config file error|unrecognized configuration parameter|invalid value for parameter|unknown directive|directive (?:\"[^\"\n]{1,60}\" )?is not (?:allowed|terminated)|unexpected end of file, expecting|\[emerg\][^\n]{0,40}(?:unexpected|unknown|invalid|duplicate)|configuration file \S{1,200} contains errors|invalid number of arguments in|unknown variable '\S{1,80}'|scannerexception|parserexception|snakeyaml\.\w{1,30}\.\w{0,30}exception|配置(?:文件)?(?:解析|加载|格式)(?:失败|错误)|解析配置(?:文件)?(?:失败|出错)",
        r"(?:config|settings|\.ya?ml|\.json|\.toml|\.ini|\.properties|\.conf|\.xml)\b[^\n]{0,160}(?:invalid character|cannot unmarshal|unexpected (?:token|end of|character|eof)|jsondecodeerror|jsonparseexception|unclosed|malformed|syntax ?error|parse error|expecting property name|expecting value|did not find expected|is not valid)",
        r"(?:jsondecodeerror|jsonparseexception|syntaxerror|saxparseexception|unexpected token|invalid character)[^\n]{0,200}(?:\n[^\n]{0,160}){0,3}(?:config|settings\b|\.ya?ml|\.toml|\.ini|\.properties|\.conf\b)",
        r"\b(?:load|loads|safe_load|open|parse|read)\([^\n]{0,120}(?:config|settings|\.ya?ml|\.json|\.toml|\.ini)\b[^\n]{0,60}(?:\n[^\n]{0,200}){1,4}(?:jsondecodeerror|tomldecodeerror)",
        names="path",
        unless="no_such_host missing_variable no_such_file config_parse address_in_use",
    ),
    *_rows(
        "exec_format",
        "exec format|execute binary",
        r"exec format error|cannot execute binary file|exec user process caused",
        names="path",
    ),
    *_rows(
        "read_only_filesystem",
        "read-only file|erofs|readonly file|只读文件",
        r"read-?only file ?system|\berofs\b|只读文件系统",
        names="path",
    ),
    *_rows(
        "permission_denied_file",
        "permission denied|eacces|eperm|not permitted|accessdenied|unauthorizedaccess|权限",
        r"permission denied|\beacces\b|\beperm\b|operation not permitted|java\.nio\.file\.accessdeniedexception|unauthorizedaccessexception|permissionerror|权限不够|没有权限",
        names="path",
        unless=f"{_OTHER_DENIALS} queue_auth",
    ),
    *_rows(
        "no_such_file",
        "no such file|enoent|filenotfound|cannot find the file|文件不存在|没有那个文件|could not find file|not found",
        r"no such file or directory|\benoent\b|filenotfound(?:exception|error)|cannot find the (?:file|path)|could not find file|(?:config(?:uration)?|key|cert\w*) file [^\n]{0,120}(?:not found|does not exist)|没有那个文件|文件不存在",
        names="path",
        unless="exec_format",
    ),
    *_rows(
        "command_not_found",
        "not found|executable",
        r"(?:ba|a)?sh: (?:line )?(?:\d+: )?([\w./-]{1,80}): (?:command )?not found|executable file not found|exec: \"([^\"\n]{1,120})\"",
        names="path",
    ),
    *_rows(
        "module_missing",
        "module|classnotfound|could not find or load|no main manifest|shared libraries|unable to access jarfile",
        r"(?:cannot find module|no module named) '?([\w./@-]{1,120})|(?:classnotfoundexception|noclassdeffounderror|load main class):? ([\w./$]{1,120})|error while loading shared libraries: ([\w.+-]{1,80})|unable to access jarfile (\S{1,120})|no main manifest attribute",
    ),
    *_rows(
        "migration_failed",
        "migrat|flyway|liquibase|alembic|dirty database|schema",
        r"migrations?\b[^\n]{0,80}(?:fail|error|could not|abort)|(?:fail\w*|error|unable|could not)[^\n]{0,40} migrat|flywayexception|flyway\w{0,30}exception|liquibaseexception|migrationfailed|dirty database version|validate failed: migration|(?:数据库|库表)?迁移失败|schema-validation",
    ),
    *_rows(
        "forbidden_by_rbac",
        "is forbidden",
        r"is forbidden: user \"(?:system:serviceaccount:)?([^\"\n]{1,160})\" cannot",
    ),
    # what a process does when it is stuck or breaks
    *_rows(
        "deadlock_db",
        "deadlock|40p01|1213",
        r"deadlock found when trying to get lock|er_lock_deadlock|\b40p01\b|transaction[^\n]{0,60}deadlock|error: +deadlock detected|deadlockloserdataaccess|writeconflict",
    ),
    *_rows(
        "lock_wait",
        "lock wait|lock_wait|lock timeout",
        r"lock wait timeout exceeded|lock_wait_timeout|due to lock timeout",
    ),
    *_rows(
        "deadlock",
        "deadlock|死锁",
        r"java-level deadlock|all goroutines are asleep|found (?:a |one |\d+ )?\w{0,12} ?deadlock|(?:thread|mutex|potential|possible) deadlock|deadlock(?:ed)? (?:detected|threads?|between|condition)|线程死锁|(?:检测到|发现)死锁|发生死锁",
        unless="deadlock_db",
    ),
    *_rows(
        "backlog",
        "queue|backlog|oldest message|lag|积压|堆积",
        r"queue (?:depth|length|size|backlog)\D{0,12}\d{3,}|oldest (?:message|job|task)[^\n]{0,24} \d+ ?(?:s|m|h|ms|sec|min)|back ?log[^\n]{0,24}\d{3,}|consumer lag\D{0,12}\d{3,}|falling behind|(?:消息|队列|任务)[^\n]{0,8}(?:积压|堆积)",
    ),
    *_rows(
        "stuck",
        "watchdog|blocked|stuck|hung|worker timeout|starvation|no progress|event loop|卡住|卡死",
        r"watchdog[^\n]{0,80}(?:stuck|timeout|timed out|no progress|not respond|expired)|has been blocked for \d+|blocked for more than \d+|stuck ?threads?|thread\S{0,3} [^\n]{0,60}(?:stuck|hung)|worker timeout|thread starvation|no progress (?:for|in|since)|event loop (?:is )?blocked|workers? (?:is|are|appear) (?:stuck|hung)|线程(?:卡住|卡死|阻塞)",
    ),
    *_rows(
        "panic",
        "panic|fatal|segfault|segmentation|sigsegv|unhandled|uncaught|exception in thread|traceback|core dumped|application run failed|assert|failed to start|terminate called|exited with|崩溃",
        r"\bpanic: |panicked at|fatal error: |\bsegfault|segmentation fault|sigsegv|unhandled ?exception|uncaught ?exception|uncaught (?:type|reference|range|syntax)?error|unhandled ?(?:promise ?)?rejection|exception in thread|application run failed|application failed to start|traceback \(most recent|core dumped|terminate called after|assertion (?:failed|error)|程序崩溃",
    ),
    # proxies and calls
    *_rows(
        "upstream_unavailable",
        "upstream|bad gateway|service unavailable|gateway time|503|502|504|healthy|no available server",
        r"no live upstreams|no healthy upstream|upstream connect error|upstream (?:prematurely closed|timed out|request timeout|sent (?:too big|invalid))|while (?:connecting to|reading response header from) upstream|\bbad gateway\b|\bservice unavailable\b|gateway time-?out|no available server|no backend available",
        r"\bhttp/[12](?:\.\d)?\"? 50[234] (?:UF|UH|UO|UC|UT|URX|LR|LH|NC)\b",
        r"(?:status(?:[ _]?code)?|http(?: status)?|responded with|returned|got|code)[\"':= ]{1,4}50[234]\b",
        names="address",
        unless="upstream_unavailable",
    ),
    *_rows(
        "proxy_route_missing",
        " nr |route_not_found|no matching route|no route matched|no route found",
        r"\bhttp/[12](?:\.\d)?\"? 404 NR\b|route_not_found|no matching route|no route matched|no route found",
    ),
    *_rows(
        "upstream_not_found",
        "404",
        r"404 not found[^\n]{0,40} (?:from|for) (?:get|post|put|url)|(?:status(?:[ _]?code)?|responded with|returned|failed with|error)[\"':= ]{1,4}404\b",
        names="address",
    ),
    *_rows(
        "unauthorized",
        "401|unauthorized|403|invalid token|jwt",
        r"\b401 unauthorized|status(?:[ _]?code)?[\"':= ]{1,4}40[13]\b|invalid (?:token|jwt|api key)|token (?:is )?expired",
        names="address",
    ),
    *_rows(
        "clock_skew",
        "clock|skew|before issued|in the future|时钟",
        r"clock (?:skew|drift|jump)|clocks? (?:is|are) (?:out of sync|not sync|skewed)|used before issued|(?:timestamp|time|token|date)[^\n]{0,40}in the future|requesttimetooskewed|system clock (?:wrong|synchroni[sz]ation)|时钟(?:偏差|不同步|漂移)",
    ),
    *_rows(
        "rate_limited",
        "rate limit|ratelimit|too many requests|429|throttl|限流",
        r"rate[- _]?limit(?:ed| exceeded| reached|ing request)|too many requests|status(?:[ _]?code)?[\"':= ]{1,4}429|throttl(?:ed|ing)exception|requests? (?:was |is |are )?throttled|被?限流",
        names="address",
    ),
    *_rows(
        "slow_query",
        "slow|query_time|statement:|慢|took",
        r"slow[ _-]?(?:query|sql|log|statement|operation)|# query_time: ([\d.]+)|duration: ([\d.]+) ms +(?:statement|execute)|query (?:took|exceeded) ([\d.]+)|慢(?:查询|sql)",
        quiet=True,
    ),
    *_rows(
        "retries",
        "retr|attempt|重试",
        r"(?:attempt|retry|try) #?\d+ ?(?:of|/) ?\d+ (?:to call|calling|for|of)(?: calls? to)? [\"'`]?([a-z][\w-]{1,62}(?:\.[\w-]{1,62})*)[\"'`]? (?:failed|in\b|after)",
        r"\b(?:calls?|requests?|rpcs?) to [\"'`]?([a-z][\w-]{1,62}(?:\.[\w-]{1,62})*)[\"'`]? failed[^\n]{0,40}(?:retr|attempt)",
        r"\bretry(?:ing)? (?:the |failed )?(?:\w{2,12} )?(?:calls?|requests?|rpcs?) to [\"'`]?([a-z][\w-]{1,62}(?:\.[\w-]{1,62})*)[\"'`]?(?=[\s,;:(]|$)",
        r"\bretry(?:ing)?\b[^\n]{0,60}(?:in|after|attempt|\d)|will retry|(?:attempt|retry) #?\d+ ?(?:of|/|\()|retries? (?:exhausted|exceeded|left|remaining)|max retries|重试(?:中|第|次数)",
        names="address",
        quiet=True,
    ),
    *_rows(
        "cache_miss", "cache|缓存", r"cache[ _-]?miss|cache stampede|dogpile|缓存(?:未命中|击穿|穿透|失效)", quiet=True
    ),
    # how a program says that it runs
    *_rows(
        "probe_request",
        'get /|head /|kube-probe|"path"|path=',
        r"\b(?:GET|HEAD) (/(?:[\w-]{1,30}/){0,3}(?:health\w{0,6}|livez?|liveness|readyz?|readiness|ping|actuator/health[\w/]{0,20}|_?status))\b[^\n]{0,60}?[ =:|\"](\d{3})\b",
        r"\b(?:GET|HEAD) (/\S{0,80}) http/1\.[01]\"? (\d{3})\b[^\n]{0,80}kube-probe/",
        quiet=True,
        unless="probe_request",
    ),
    *_rows(
        "listening",
        "listen|port|serving|running|started|start|ready|监听|waiting for connections|accept",
        r"(?:tomcat|jetty|netty|undertow|server|service|app|application|web server|http|https|grpc|express)\w{0,12}\b[^\n]{0,40} (?:started|running|listening|listens|is up|ready|initialized|starting|serving)[^\n]{0,30}? (?:on |at |with )?port\W{0,6}(?:\(s\))?\W{0,4}(\d{2,5})\b",
        r"(?:listening|serving|running|listens|now listening|started|accepting connections|starting \w{0,20} ?server)\b[^\n]{0,40}? (?:on|at)\b:?[^\n]{0,60}?(?:(?<![t :]\d\d):|port\W{1,3})(\d{2,5})\b(?!:\d\d)",
        r"(?:listen|listening|serve|serving|port|addr|address|bind)[\"']?[=:] ?\"?(?:[\w.*\[\]:]{0,40}:)?(\d{2,5})\b[^\n]{0,60}(?:listen|serv|start)",
        r"(?:listen|serv|start)[^\n]{0,80}?(?:port|addr|address|listen)[\"']?[=:] ?\"?(?:[\w.*\[\]:]{0,40}:)?(\d{2,5})\b",
        r"ready for connections\.[^\n]{0,160}port: (\d{2,5})",
        r"listening on [^\n]{0,40}port (\d{2,5})",
        r"(?:监听|启动)[^\n]{0,20}端口\D{0,6}(\d{2,5})|端口\D{0,4}(\d{2,5})[^\n]{0,10}(?:启动|监听)",
        r"ready to accept connections|waiting for connections|ready for connections",
        names="port",
        quiet=True,
        unless="listening address_in_use refused timed_out",
    ),
    *_rows(
        "started",
        "started|startup|ready in|boot|启动",
        r"\bstarted [\w.$-]{1,80} in ([\d.]{1,12}) ?(m?s(?:econds|ec)?|milliseconds)\b",
        r"(?:started|startup|ready|initialized|booted|boot|initiali[sz]ation)[\w ]{0,30} (?:in|after|took)\W{0,3}([\d.]{1,12})\]? ?(ms|milliseconds|s|sec|seconds)\b",
        r"启动(?:完成|成功)[^\n]{0,20}?([\d.]{1,12}) ?(毫秒|ms|秒|s)\b",
        names="seconds",
        quiet=True,
        unless="started",
    ),
)
MEANINGS: frozenset[str] = frozenset(row.meaning for row in ROWS)
