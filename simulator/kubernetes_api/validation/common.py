"""What every object has to keep: names, labels, counts; and the pieces that the checks of all nouns share."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from simulator.kubernetes_api.status import FieldError, duplicate, invalid_value, required, unsupported

Object = dict[str, Any]
Errors = Iterator[FieldError]
LABEL_RE = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
SUBDOMAIN_RE = rf"{LABEL_RE}(\.{LABEL_RE})*"
LABEL_TEXT = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with "
    f"an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '{LABEL_RE}')"
)
SUBDOMAIN_TEXT = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and "
    f"end with an alphanumeric character (e.g. 'example.com', regex used for validation is '{SUBDOMAIN_RE}')"
)
DNS_1035_RE = "[a-z]([-a-z0-9]*[a-z0-9])?"
DNS_1035_TEXT = (
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and "
    f"end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '{DNS_1035_RE}')"
)
LABEL_VALUE_RE = "(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?"
LABEL_VALUE_TEXT = (
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and "
    f"end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is "
    f"'{LABEL_VALUE_RE}')"
)
NAME_PART_RE = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]"
NAME_PART_TEXT = (
    "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric "
    f"character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '{NAME_PART_RE}')"
)
LABEL_NAMED = frozenset({"Namespace"})
PATH_NAMED = frozenset({"Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding", "Event"})
NOT_NEGATIVE = "must be greater than or equal to 0"
PORT_RANGE = "must be between 1 and 65535, inclusive"
IMMUTABLE = "field is immutable"
MAX_ANNOTATIONS = 262_144


def check_metadata(kind: str, obj: Object) -> Errors:
    metadata = obj["metadata"]
    name = metadata.get("name") or ""
    if not name and not metadata.get("generateName"):
        yield required("metadata.name", "name or generateName is required")
    if name:
        yield from check_name(kind, name)
    for key, value in (metadata.get("labels") or {}).items():
        yield from check_label(key, value, "metadata.labels")
    annotations = metadata.get("annotations") or {}
    if sum(len(key) + len(value) for key, value in annotations.items()) > MAX_ANNOTATIONS:
        yield FieldError(
            "metadata.annotations", "FieldValueTooLong", f"Too long: may not be more than {MAX_ANNOTATIONS} bytes"
        )


def check_name(kind: str, name: str) -> Errors:
    if kind in PATH_NAMED:
        if name in (".", "..") or "/" in name or "%" in name:
            yield invalid_value("metadata.name", name, "may not contain '/' or '%'")
        return
    pattern, text, limit = SUBDOMAIN_RE, SUBDOMAIN_TEXT, 253
    if kind in LABEL_NAMED:
        pattern, text, limit = LABEL_RE, LABEL_TEXT, 63
    if kind == "Service":
        pattern, text, limit = DNS_1035_RE, DNS_1035_TEXT, 63
    if not re.fullmatch(pattern, name):
        yield invalid_value("metadata.name", name, text)
    if len(name) > limit:
        yield invalid_value("metadata.name", name, f"must be no more than {limit} characters")


def check_label(key: str, value: str, field: str) -> Errors:
    prefix, slash, part = key.rpartition("/")
    if not re.fullmatch(NAME_PART_RE, part) or len(part) > 63:
        yield invalid_value(field, key, NAME_PART_TEXT)
    if slash and not re.fullmatch(SUBDOMAIN_RE, prefix):
        yield invalid_value(field, key, f"prefix part {SUBDOMAIN_TEXT}")
    if not re.fullmatch(LABEL_VALUE_RE, value):
        yield invalid_value(field, value, LABEL_VALUE_TEXT)
    if len(value) > 63:
        yield invalid_value(field, value, "must be no more than 63 characters")


def not_negative(values: Object, path: str, *names: str) -> Errors:
    for name in names:
        if values.get(name, 0) < 0:
            yield invalid_value(f"{path}.{name}", values[name], NOT_NEGATIVE)


def unique_names(items: list[Object], path: str) -> Errors:
    seen: set[str] = set()
    for i, item in enumerate(items):
        name = item.get("name") or ""
        if not name:
            yield required(f"{path}[{i}].name")
        elif not re.fullmatch(LABEL_RE, name):
            yield invalid_value(f"{path}[{i}].name", name, LABEL_TEXT)
        elif name in seen:
            yield duplicate(f"{path}[{i}].name", name)
        seen.add(name)


def is_port(value: Any) -> bool:
    return isinstance(value, int) and 1 <= value <= 65_535


def check_protocol(port: Object, path: str) -> Errors:
    if port.get("protocol", "TCP") not in ("TCP", "UDP", "SCTP"):
        yield unsupported(f"{path}.protocol", port["protocol"], ("SCTP", "TCP", "UDP"))


class Bare:
    """A value that an error message shows as it is."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __str__(self) -> str:
        return self._text
