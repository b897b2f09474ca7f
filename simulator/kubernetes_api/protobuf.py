"""Request bodies in Kubernetes' binary form, which kubectl uses for what it makes itself (`kubectl create`, `auth can-i`, `drain`).

A body is four magic bytes and an envelope that names the kind and holds the object as a protobuf message. `wire.txt` gives the fields of
each message in the order of their numbers: `-` is a number without a field, `?` marks a field whose zero value was set on purpose (the
others are always written and their zero means unset), and `=a,b` is a struct whose fields JSON shows as those of the outer one. The types
come from the schema. Only requests are read; answers are JSON, which every client takes.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib import resources
from typing import Any

from simulator.kubernetes_api.schema import SCALARS, Field, fields_of, root_fields
from simulator.kubernetes_api.status import bad_request

MEDIA_TYPE = "application/vnd.kubernetes.protobuf"
MAGIC = b"k8s\x00"
MAX_DEPTH = 40
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
Object = dict[str, Any]
Value = int | bytes


class Broken(Exception):
    """The bytes are no such message."""


@dataclass(frozen=True, slots=True)
class Slot:
    name: str
    keeps_zero: bool = False
    inside: tuple[str, ...] = ()  # the fields of an embedded struct


def _slot(word: str) -> Slot:
    if word.startswith("="):
        return Slot("", inside=tuple(word[1:].split(",")))
    return Slot(word.removesuffix("?"), word.endswith("?"))


def _read_table(text: str) -> dict[str, dict[int, Slot]]:
    lines = (line.split() for line in text.splitlines() if line.strip())
    return {name: {i: _slot(word) for i, word in enumerate(words, 1) if word != "-"} for name, *words in lines}


WIRE = _read_table(resources.files("simulator.kubernetes_api").joinpath("wire.txt").read_text())
# Binary where JSON has text in base64.
_BINARY_MAPS = frozenset({("Secret", "data"), ("ConfigMap", "binaryData")})


def parse(body: bytes) -> Object:
    """The object of a body, with its apiVersion and kind. A bad request when it cannot be read."""
    try:
        return _envelope(body)
    except (Broken, UnicodeDecodeError, OverflowError) as error:
        raise bad_request(f"error decoding protobuf: {error}") from error


def _envelope(body: bytes) -> Object:
    if not body.startswith(MAGIC):
        raise Broken("provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]")
    parts = dict(_fields(body[len(MAGIC) :]))
    named = {number: _text(value) for number, value in _fields(_bytes(parts.get(1, b"")))}
    version, kind = named.get(1, ""), named.get(2, "")
    message = "HorizontalPodAutoscaler/v1" if (version, kind) == ("autoscaling/v1", "HorizontalPodAutoscaler") else kind
    if message not in WIRE:
        raise Broken(f'no kind "{kind[:60]}" is known in this form for version "{version[:60]}"')
    return {"apiVersion": version, "kind": kind, **_message(message, _bytes(parts.get(2, b"")), 0)}


def _fields(data: bytes) -> Iterator[tuple[int, Value]]:
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        number, form = key >> 3, key & 7
        if form == _VARINT:
            value, at = _varint(data, at)
            yield number, value
            continue
        size = {_FIXED64: 8, _FIXED32: 4}.get(form)
        if form == _BYTES:
            size, at = _varint(data, at)
        if size is None or at + size > len(data):
            raise Broken("unexpected EOF")
        yield number, data[at : at + size]
        at += size


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for place in range(10):
        if at >= len(data):
            raise Broken("unexpected EOF")
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << (7 * place)
        if byte < 0x80:
            return value, at
    raise Broken("integer overflow")


def _message(type_name: str, data: bytes, depth: int) -> Object:
    slots, types = WIRE.get(type_name), root_fields(type_name) if depth == 0 else fields_of(type_name)
    if slots is None or types is None or depth > MAX_DEPTH:
        raise Broken(f"{type_name} is not read in this form")
    found: Object = {}
    for number, value in _fields(data):
        slot = slots.get(number)
        if slot is not None and slot.name != "status":
            _keep(found, slot, value, types, (type_name, depth))
    return found


def _keep(found: Object, slot: Slot, value: Value, types: dict[str, Field], where: tuple[str, int]) -> None:
    if slot.inside:
        for number, inner in _fields(_bytes(value)):
            if 1 <= number <= len(slot.inside):
                _keep(found, Slot(slot.inside[number - 1]), inner, types, where)
        return
    owner, depth = where
    field = types[slot.name]
    if field.shape == "map":
        key, inner = _entry(_bytes(value))
        binary = (owner, slot.name) in _BINARY_MAPS
        read = base64.b64encode(_bytes(inner)).decode() if binary else _single(field.type, inner, depth)
        found.setdefault(slot.name, {})[key] = read
    elif field.shape == "list":
        found.setdefault(slot.name, []).append(_single(field.type, value, depth))
    else:
        read = _single(field.type, value, depth)
        if read is not None and (read or slot.keeps_zero or isinstance(read, dict)):
            found[slot.name] = read


def _entry(data: bytes) -> tuple[str, Value]:
    parts = dict(_fields(data))
    return _text(parts.get(1, b"")), parts.get(2, b"")


def _single(type_name: str, value: Value, depth: int) -> Any:
    if type_name not in SCALARS:
        return _message(type_name, _bytes(value), depth + 1)
    if type_name == "string":
        return _text(value)
    if type_name in ("int", "bool"):
        return bool(value) if type_name == "bool" else _signed(value)
    return _wrapped(type_name, _bytes(value))


def _wrapped(type_name: str, data: bytes) -> Any:
    """Scalars that are messages on the wire."""
    parts = dict(_fields(data))
    if type_name == "time":
        seconds = _signed(parts.get(1, 0))
        return (_EPOCH + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ") if parts else None
    if type_name == "quantity":
        return _text(parts.get(1, b""))
    if type_name == "intstr":
        return _text(parts.get(3, b"")) if parts.get(1) else _signed(parts.get(2, 0))
    if data:
        raise Broken("a field is not read in this form")
    return None


def _bytes(value: Value) -> bytes:
    if isinstance(value, int):
        raise Broken("wrong wireType = 0")
    return value


def _text(value: Value) -> str:
    return _bytes(value).decode()


def _signed(value: Value) -> int:
    if isinstance(value, bytes):
        raise Broken("wrong wireType = 2")
    return value - (1 << 64) if value >= 1 << 63 else value
