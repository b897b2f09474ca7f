"""What an entry means: the rows of `sentences` that fit it, each with what it names.

The ids, for `log.said(...)`:

- names: `no_such_host` (host), `dns_unavailable` (host; the server of names does not answer)
- connections: `refused`, `timed_out`, `reset`, `no_route`, `unreachable`, `unavailable` (host:port); `upstream_unavailable`,
  `upstream_not_found`, `proxy_route_missing`, `unauthorized`, `rate_limited` (what a proxy or an HTTP answer says)
- databases: `access_denied` (user), `permission_denied_db` (user), `account_locked` (user), `unknown_database` (database), `read_only`,
  `too_many_connections`, `pool_exhausted`, `communications_link_failure` (host:port, ambiguous: see what stands beside it), `deadlock_db`,
  `lock_wait`, `slow_query`; `cache_auth`, `queue_auth`
- wrong protocols: `plaintext_to_tls`, `protocol_mismatch`, `tls_handshake`, `certificate_expired`, `certificate_unknown_authority`,
  `certificate_name`
- used up: `out_of_memory`, `thread_exhaustion`, `too_many_open_files`, `no_space` (path)
- starting: `missing_variable` (variable), `config_parse` (file), `no_such_file`, `permission_denied_file`, `read_only_filesystem` (path),
  `exec_format`, `command_not_found`, `module_missing`, `address_in_use` (port), `migration_failed`, `forbidden_by_rbac` (account)
- breaking and hanging: `panic`, `deadlock`, `stuck`, `backlog`, `clock_skew`, `retries`, `cache_miss`
- running well: `listening` (port), `started` (seconds), `probe_request` (path and status)

An entry that tells of a recovery means nothing, and one that calls itself information counts only without what it quotes, because what
users typed stands there too.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tools.engines.logs.sentences import MEANINGS, ROWS, Names, Row

__all__ = ["MEANINGS", "Reading", "again", "meanings"]

MAX_TARGET = 160
_HOST = r"[A-Za-z0-9_](?:[\w-]{0,62})(?:\.[\w-]{1,63}){0,8}"
_RECOVERED = re.compile(
    r"(?i)\breconnected\b|re-?established|\brecovered\b|connection restored|back online|"
    r"(?:succeeded|successful(?:ly)?|connected|success)\b[^\n]{0,20} (?:after|on) (?:\w+ ){0,2}(?:retr|attempt|tries)|"
    r"retry (?:succeeded|successful|ok)|successfully (?:re)?connected|恢复正常|连接(?:已)?恢复|重连成功|重试成功|已恢复|重新连接成功"
)
_QUOTED = re.compile(r"\"[^\"\n]{0,2000}\"|'[^'\n]{0,2000}'|“[^”\n]{0,2000}”")
_SPEAKS = re.compile(r"(?i)(\b(?:msg|message|error|err|cause|reason|exception|detail)=)\"([^\"\n]{0,2000})\"")
_TROUBLED = re.compile(
    r"(?i)fail|err|exception|unable|cannot|can't|could ?n[o']t|refused|retry|denied|warn|timed out|失败|错误|异常|无法"
)
_ADDRESSES = tuple(
    re.compile(pattern)
    for pattern in (
        rf"upstream: \"\w{{2,10}}://({_HOST}:\d{{1,5}}|{_HOST})",
        rf"(?i)dial (?:tcp|udp|tcp4|tcp6) (\[[\da-f:]{{2,40}}\]:\d{{1,5}}|{_HOST}:\d{{1,5}})",
        rf"->({_HOST}:\d{{1,5}})",
        rf"(?i)\be(?:connrefused|timedout|connreset|hostunreach|netunreach)[ ,:]{{1,2}}({_HOST}:\d{{1,5}})",
        rf"host='({_HOST})', port='?(\d{{1,5}})",
        rf"(?i)connect(?:ion)? to (?:server (?:at|on) )?[\"'`]?({_HOST})[\"'`]?(?: \([\d.]{{1,15}}\))?,? port:? (\d{{1,5}})",
        rf"(?i)server running (?:locally )?on host \"({_HOST})\"[^\n]{{0,60}}\n?[^\n]{{0,60}}port (\d{{1,5}})",
        rf"(?i)server on '({_HOST})(?::(\d{{1,5}}))?'",
        rf"(?i)connecting to ({_HOST}:\d{{1,5}})",
        rf"(?i)\b(?:https?|grpc|redis|rediss|mysql|postgres(?:ql)?|mongodb(?:\+srv)?|amqp|tcp|jdbc:\w{{2,12}})://(?:[^\s/@\"']{{0,200}}@)?({_HOST}:\d{{1,5}}|{_HOST})",
        rf"({_HOST})/(?:\d{{1,3}}(?:\.\d{{1,3}}){{3}}|<unresolved>):(\d{{1,5}})",
        r"(?:ipv4:|/|\b)(\d{1,3}(?:\.\d{1,3}){3}:\d{1,5})\b",
        rf"(?i)(?:host|server|address|addr|to|at|from|on)[\"' ]?[ =:][\"' ]?({_HOST})[\"' ]?,? (?:and )?port[\"' ]?[ =:]{{1,2}}[\"' ]?(\d{{1,5}})",
        r"(?<![\w.:/-])([A-Za-z][\w-]{1,62}(?:\.[\w-]{1,63}){0,8}:\d{2,5})(?![\w:])",
        rf"(?i)\b(?:lookup|host|server|address|addr|upstream|endpoint|target) ?[=:]? ?[\"'`]({_HOST})[\"'`]",
    )
)
_NAMES_OF_HOSTS = tuple(
    re.compile(pattern)
    for pattern in (
        rf"(?i)lookup ({_HOST})",
        rf"(?i)(?:enotfound|eai_again|unknownhostexception:?|unresolvedaddressexception:?) ({_HOST})",
        rf"host='({_HOST})'",
        rf"(?i)\b(?:host|hostname|server|address|resolve|host:|name)[ =:]{{1,3}}[\"'`]?({_HOST})",
        rf"(?i)\b\w{{2,12}}://(?:[^\s/@\"']{{0,200}}@)?({_HOST})",
        rf"(?i)server on '({_HOST})",
        rf"(?i)connecting to ({_HOST})",
        rf"[\"'`]({_HOST})[\"'`]",
    )
)
_PATHS = tuple(
    re.compile(pattern)
    for pattern in (
        r"[\"'`]((?:/|\./|[A-Z]:\\)[^\"'`\n]{1,150})[\"'`]",
        r"(?<![\w/:.])(/[\w.@~-]{1,60}(?:/[\w.@~-]{1,60}){0,12})",
        r"(?<![\w/])([\w-]{1,60}(?:/[\w.-]{1,60}){0,6}\.(?:ya?ml|json|toml|ini|properties|conf|cnf|xml|env|cfg|pem|crt|key|jar))\b",
        r"(?:open|stat|mkdir|read|exec|directory|file|access|path|unlink|rename|lstat|scandir|config|fork/exec)[ :=]{1,3}(/?[\w.@~-]{1,60}(?:/[\w.@~-]{1,60}){0,12})(?=[:\s\"',;)]|$)",
    )
)
_PORT = (re.compile(r"(?i)(?::{1,3}|\bports?\D{0,8})(\d{2,5})\b"),)
_FINDERS: dict[Names, Sequence[re.Pattern[str]]] = {
    "": (),
    "address": _ADDRESSES,
    "host": _NAMES_OF_HOSTS,
    "path": _PATHS,
    "port": _PORT,
    "seconds": (),
}
_SOURCE = re.compile(r"(?i)\.(?:java|kt|scala|go|py|js|ts|mjs|rb|cs|rs|c|cc|cpp|php|ex):\d")
_NO_HOSTS = frozenset({"no", "such", "host", "error", "name", "is", "not", "or", "found", "failed", "unknown", "port"})


@dataclass(frozen=True, slots=True)
class Reading:
    meaning: str
    target: str
    line: str
    """The line of the entry that says so."""
    rule: "Rule"


@dataclass(frozen=True, slots=True, eq=False)
class Rule:
    row: Row
    find: Callable[[str], re.Match[str] | None]
    excused: Callable[[str], re.Match[str] | None]


_RULES = tuple(
    Rule(row, re.compile(f"(?i){row.pattern}").search, re.compile(f"(?i){row.but or '(?!)'}").search) for row in ROWS
)
# Which rules a word can lead to, by their place in the table: each word is looked for once, whatever the number of rows that share it.
_LED_TO = {
    word: [place for place, rule in enumerate(_RULES) if word in rule.row.words]
    for word in dict.fromkeys(word for rule in _RULES for word in rule.row.words)
}


def meanings(text: str, *, quiet: bool = False) -> list[Reading]:
    """Every meaning that an entry has, each once, the more precise in place of the vaguer; quiet where it calls itself information."""
    heard = _without_quotes(text) if quiet else text
    low = heard.lower()
    places = {place for word, led in _LED_TO.items() if word in low for place in led}
    if not places or _RECOVERED.search(text):
        return []
    troubled = not quiet or bool(_TROUBLED.search(heard))
    found: dict[str, Reading] = {}
    for place in sorted(places):
        rule = _RULES[place]
        row = rule.row
        if not (row.quiet or troubled) or row.meaning in found or not row.unless.isdisjoint(found):
            continue
        match = rule.find(text if row.quiet else heard)
        if match and not rule.excused(text):
            found[row.meaning] = _reading(rule, match, text)
    return list(found.values())


def again(reading: Reading, text: str) -> Reading:
    """What another entry of the same outline says and names in the same place."""
    match = reading.rule.find(text)
    return _reading(reading.rule, match, text) if match else reading


def _reading(rule: Rule, match: re.Match[str], text: str) -> Reading:
    begin = match.string.rfind("\n", 0, match.start()) + 1
    line = match.string[begin:].partition("\n")[0].strip()
    return Reading(rule.row.meaning, _named(rule.row, match, text), line, rule)


def _without_quotes(text: str) -> str:
    return _QUOTED.sub('""', _SPEAKS.sub(r"\1\2", text))


def _named(row: Row, match: re.Match[str], text: str) -> str:
    caught = [part for part in match.groups() if part]
    if row.names == "seconds":
        return _seconds(caught)
    if caught:
        return ":".join(caught)[:MAX_TARGET].rstrip(".")
    for finder in _FINDERS[row.names]:
        for found in finder.finditer(text):
            name = ":".join(part for part in found.groups() if part).rstrip(".")
            if name.lower() not in _NO_HOSTS and not _SOURCE.search(name):
                return name[:MAX_TARGET]
    return ""


def _seconds(caught: list[str]) -> str:
    """A time to start, whatever its unit, as seconds."""
    try:
        value = float(caught[0])
    except (IndexError, ValueError):
        return ""
    unit = caught[1].lower() if len(caught) > 1 else "s"
    return f"{value / 1000 if unit in {'ms', 'milliseconds', '毫秒'} or unit.startswith('milli') else value:g}"
