"""Where a program is told to call: every address in its environment, its arguments and the files that it mounts.

An address is a host with, mostly, a port; a host in one variable and a port in the variable beside it (DB_HOST, DB_PORT) are one address.
`meant` compares the host with the cluster: a Service that exists, a name that can only be a Service's and is none, or somewhere outside.
What is read here is text that people wrote, so everything is bounded, and a password inside a URL is never kept.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from tools.engines.objects import (
    Object,
    dig,
    listed,
    mapping,
    name_of,
    number_in,
    rows,
)
from tools.engines.program import Program
from tools.engines.snapshot import Snapshot

MAX_VALUE = 4_000
MAX_FILE = 200_000
MAX_FOUND = 200
_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?"
_HOST = rf"{_LABEL}(?:\.{_LABEL})*\.?"
_URL = re.compile(
    rf"(?i)(?P<scheme>[a-z][a-z0-9+.:-]*)://(?:[^\s/@\"']*@)?(?:tcp\(|\()?(?P<host>{_HOST})(?::(?P<port>\d{{1,5}}))?(?![\w-])"
)
_HOST_PORT = re.compile(
    rf"(?i)(?<![\w.@/:-])(?:[^\s/@:\"']+(?::[^\s/@\"']*)?@)?(?:tcp\(|\()?(?P<host>{_HOST}):(?P<port>\d{{2,5}})(?![\w.:])"
)
_BARE = re.compile(rf"(?i)^{_HOST}$")
_HOST_NAME = re.compile(
    r"(?i)^(?P<stem>.*?)(?:_|-|\.)?(?:host(?:_?name)?|addr(?:ess)?|server|servers|service|endpoint|brokers?|upstream|target|url|uri|svc)$"
)
_PORT_NAME = re.compile(r"(?i)^(?P<stem>.*?)(?:_|-|\.)?port$")
_PORTLESS_LABELS = {"localhost", "true", "false", "none", "null", "default"}
_SETTING = re.compile(r"""^\s*(?:-\s*)?["']?([A-Za-z_][\w.-]{0,80})["']?\s*[:=]\s*["']?([^"'#\s]{1,300})""")


@dataclass(frozen=True, slots=True)
class Address:
    host: str
    port: int | None
    path: str
    """Where it stands: a field of the template, or an object and a key with what is written there."""
    name: str = ""
    """The variable or setting that holds it."""
    scheme: str = ""

    def __str__(self) -> str:
        return f"{self.host}:{self.port}" if self.port else self.host


@dataclass(frozen=True, slots=True)
class Meant:
    """`service`: the Service that is there; `missing`: can only be a Service's name, and there is none; `outside`: neither."""

    state: Literal["service", "missing", "outside"]
    namespace: str = ""
    name: str = ""
    service: Object | None = None


def addresses(snapshot: Snapshot, program: Program) -> list[Address]:
    found: dict[tuple[str, int | None, str], Address] = {}
    for address in _all(snapshot, program):
        found.setdefault((address.host, address.port, address.path), address)
        if len(found) >= MAX_FOUND:
            break
    return list(found.values())


def meant(snapshot: Snapshot, address: Address, namespace: str) -> Meant:
    """What a host means to a program in a namespace."""
    host = address.host.rstrip(".").lower()
    if re.fullmatch(r"[\d.]+", host):
        return _by_ip(snapshot, host)
    labels = host.split(".")
    if host in _PORTLESS_LABELS or len(host) > 253:
        return Meant("outside")
    certain = len(labels) == 1 or (len(labels) > 2 and labels[2] == "svc")
    place = labels[1] if len(labels) > 1 else namespace
    service = snapshot.get("Service", place, labels[0])
    if service is None and len(labels) > 2:  # a pod behind a headless Service: pod.service.namespace
        head = snapshot.get("Service", labels[2], labels[1]) or snapshot.get("Service", namespace, labels[1])
        service = head if head and dig(head, "spec", "clusterIP") == "None" else None
    if service is not None:
        return Meant("service", str(dig(service, "metadata", "namespace") or ""), name_of(service), service)
    if certain or (
        len(labels) == 2 and (snapshot.get("Namespace", None, labels[1]) or snapshot.of("Service", labels[1]))
    ):
        return Meant("missing", place, labels[0])
    return Meant("outside")


def _by_ip(snapshot: Snapshot, host: str) -> Meant:
    for service in snapshot.of("Service"):
        if dig(service, "spec", "clusterIP") == host:
            return Meant("service", str(dig(service, "metadata", "namespace") or ""), name_of(service), service)
    return Meant("outside")


def _all(snapshot: Snapshot, program: Program) -> Iterator[Address]:
    for container in program.all_containers:
        where = f"{program.ref}.containers[{container.get('name')}]"
        variables = dict(_variables(snapshot, program, container))
        yield from _in_settings(variables, f"{where}.env")
        for key in ("command", "args"):
            for word in listed(container, key):
                if isinstance(word, str):
                    yield from in_text(word[:MAX_VALUE], f"{where}.{key}")
    yield from _in_files(snapshot, program)


def _variables(snapshot: Snapshot, program: Program, container: Object) -> Iterator[tuple[str, str]]:
    for source in rows(container, "envFrom"):
        name = dig(source, "configMapRef", "name")
        if isinstance(name, str):
            yield from _data(snapshot, program.namespace, name)
    for variable in rows(container, "env"):
        value = variable.get("value")
        reference = mapping(variable, "valueFrom", "configMapKeyRef")
        if value is None and reference:
            held = dict(_data(snapshot, program.namespace, str(reference.get("name"))))
            value = held.get(str(reference.get("key")))
        if isinstance(value, str):
            yield str(variable.get("name") or ""), value


def _data(snapshot: Snapshot, namespace: str, name: str) -> Iterator[tuple[str, str]]:
    config = snapshot.get("ConfigMap", namespace, name) or {}
    for key, value in mapping(config, "data").items():
        if isinstance(value, str):
            yield str(key), value


def _in_settings(settings: dict[str, str], where: str) -> Iterator[Address]:
    """Names with values: a whole address in one of them, or a host in one and its port beside it."""
    for name, value in settings.items():
        text = value[:MAX_VALUE].strip()
        here = f"{where}[{name}]"
        whole = list(in_text(text, here, name))
        yield from whole
        as_host = _HOST_NAME.match(name)
        if not whole and as_host and _BARE.match(text) and not text.isdigit() and text.lower() not in _PORTLESS_LABELS:
            yield Address(text, _port_beside(settings, as_host["stem"]), here, name)


def _port_beside(settings: dict[str, str], stem: str) -> int | None:
    for name, value in settings.items():
        as_port = _PORT_NAME.match(name)
        if as_port and as_port["stem"].lower() == stem.lower():
            number = number_in(value.strip())
            if number is not None:
                return number
    return None


def in_text(text: str, where: str, name: str = "") -> Iterator[Address]:
    """Addresses that are written out, URLs first; what is inside a URL is not found a second time."""
    rest = text
    for url in _URL.finditer(text):
        port = int(url["port"]) if url["port"] else None
        yield Address(url["host"], port, where, name, url["scheme"].lower().rpartition(":")[2])
        rest = rest.replace(url.group(0), " ")
    for pair in _HOST_PORT.finditer(rest):
        if not pair["host"].isdigit() and pair["host"].lower() not in _PORTLESS_LABELS:
            yield Address(pair["host"], int(pair["port"]), where, name)


def _in_files(snapshot: Snapshot, program: Program) -> Iterator[Address]:
    for volume in rows(program.spec, "volumes"):
        names = [dig(volume, "configMap", "name")]
        names += [dig(source, "configMap", "name") for source in rows(volume, "projected", "sources")]
        for name in (one for one in names if isinstance(one, str)):
            for key, text in _data(snapshot, program.namespace, name):
                yield from _in_file(text[:MAX_FILE], f"ConfigMap {program.namespace}/{name} data[{key}]")


def _in_file(text: str, where: str) -> Iterator[Address]:
    """Section by section: the `url` of one client is not the `url` of the next."""
    settings: dict[str, str] = {}
    depth = 0
    for line in text.splitlines():
        if line.lstrip().startswith(("#", "//", ";")):
            continue
        indent = len(line) - len(line.lstrip())
        setting = _SETTING.match(line)
        if settings and line.strip() and (indent != depth or (setting and setting[1] in settings)):
            yield from _in_settings(settings, where)
            settings = {}
        depth = indent if line.strip() else depth
        if setting:
            settings[setting[1]] = setting[2]
        else:
            yield from in_text(line[:MAX_VALUE], where)
    yield from _in_settings(settings, where)
