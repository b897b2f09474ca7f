"""Certificates as programs, monitors and people read them: real X.509 in PEM, of a small certification authority that signs with a hash.

Dates, names, issuer and the structure are what any library reads; the signature is the hash of the issuer's key and the signed part, so
that who signed what can be told without secrets. Nothing here keeps anything confidential.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import NamedTuple

SEQUENCE, SET, INTEGER, BIT_STRING, OCTET_STRING, OID, UTF8, UTC_TIME, BOOLEAN = (
    0x30,
    0x31,
    0x02,
    0x03,
    0x04,
    0x06,
    0x0C,
    0x17,
    0x01,
)
_ED25519 = bytes((0x2B, 0x65, 0x70))
_COMMON_NAME = bytes((0x55, 0x04, 0x03))
_ALT_NAMES = bytes((0x55, 0x1D, 0x11))
_CONSTRAINTS = bytes((0x55, 0x1D, 0x13))
_HEAD, _FOOT = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"


@dataclass(frozen=True)
class Authority:
    """Whoever signs: a name, and a key that is made from a word."""

    name: str
    word: str

    @property
    def key(self) -> bytes:
        return hashlib.sha256(f"{self.name}/{self.word}".encode()).digest()


@dataclass(frozen=True)
class Certificate:
    subject: str
    issuer: str
    not_before: datetime
    not_after: datetime
    key: bytes
    signed: bytes
    signature: bytes

    def is_valid_at(self, moment: datetime) -> bool:
        return self.not_before <= moment <= self.not_after

    def is_signed_by(self, other: Certificate) -> bool:
        return self.issuer == other.subject and self.signature == _signature(other.key, self.signed)


def issue(authority: Authority, subject: str, start: datetime, end: datetime, names: tuple[str, ...] = ()) -> str:
    """A server's certificate."""
    return _made(authority, subject, hashlib.sha256(f"{subject}/{start}".encode()).digest(), start, end, names)


def root(authority: Authority, start: datetime, end: datetime) -> str:
    """The authority's own certificate, which clients trust."""
    return _made(authority, authority.name, authority.key, start, end, ())


def read(text: str) -> list[Certificate]:
    """All certificates of a PEM text; what is none is passed over."""
    return list(_read(text))


@lru_cache(maxsize=256)
def _read(text: str) -> tuple[Certificate, ...]:
    found = []
    for part in text.split(_HEAD)[1:]:
        body = "".join(part.partition(_FOOT)[0].split())
        try:
            found.append(_parsed(base64.b64decode(body, validate=True)))
        except (ValueError, IndexError):
            continue
    return tuple(found)


def _made(
    authority: Authority, subject: str, key: bytes, start: datetime, end: datetime, names: tuple[str, ...]
) -> str:
    algorithm = _tlv(SEQUENCE, _tlv(OID, _ED25519))
    serial = b"\x01" + hashlib.sha256(f"{subject}/{start}/{end}".encode()).digest()[:15]
    signed = _tlv(
        SEQUENCE,
        _tlv(0xA0, _tlv(INTEGER, b"\x02"))
        + _tlv(INTEGER, serial)
        + algorithm
        + _name(authority.name)
        + _tlv(SEQUENCE, _time(start) + _time(end))
        + _name(subject)
        + _tlv(SEQUENCE, algorithm + _tlv(BIT_STRING, b"\x00" + key))
        + _tlv(0xA3, _tlv(SEQUENCE, _extension(names))),
    )
    body = _tlv(SEQUENCE, signed + algorithm + _tlv(BIT_STRING, b"\x00" + _signature(authority.key, signed)))
    lines = base64.encodebytes(body).decode().replace("\n", "")
    wrapped = "\n".join(lines[at : at + 64] for at in range(0, len(lines), 64))
    return f"{_HEAD}\n{wrapped}\n{_FOOT}\n"


def _signature(key: bytes, signed: bytes) -> bytes:
    return hashlib.sha512(key + signed).digest()


def _name(common_name: str) -> bytes:
    attribute = _tlv(SEQUENCE, _tlv(OID, _COMMON_NAME) + _tlv(UTF8, common_name.encode()))
    return _tlv(SEQUENCE, _tlv(SET, attribute))


def _extension(names: tuple[str, ...]) -> bytes:
    """The names a server answers to; without any, the mark of an authority."""
    if not names:
        marked = _tlv(SEQUENCE, _tlv(BOOLEAN, b"\xff"))
        return _tlv(SEQUENCE, _tlv(OID, _CONSTRAINTS) + _tlv(BOOLEAN, b"\xff") + _tlv(OCTET_STRING, marked))
    listed = _tlv(SEQUENCE, b"".join(_tlv(0x82, name.encode()) for name in names))
    return _tlv(SEQUENCE, _tlv(OID, _ALT_NAMES) + _tlv(OCTET_STRING, listed))


def _time(moment: datetime) -> bytes:
    return _tlv(UTC_TIME, moment.astimezone(UTC).strftime("%y%m%d%H%M%SZ").encode())


def _tlv(tag: int, body: bytes) -> bytes:
    size = len(body)
    if size < 0x80:
        return bytes((tag, size)) + body
    length = size.to_bytes((size.bit_length() + 7) // 8)
    return bytes((tag, 0x80 | len(length))) + length + body


class _Part(NamedTuple):
    body: bytes
    whole: bytes  # with tag and length


def _parsed(der: bytes) -> Certificate:
    signed, _, signature = _parts(_first(der).body)
    fields = _parts(signed.body)
    _, _, _, issuer, validity, subject, public_key, *_ = fields
    start, end = (_moment(each.body) for each in _parts(validity.body))
    key = _parts(public_key.body)[1].body[1:]
    return Certificate(_common_name(subject), _common_name(issuer), start, end, key, signed.whole, signature.body[1:])


def _first(data: bytes) -> _Part:
    return next(_each(data))


def _parts(data: bytes) -> list[_Part]:
    return list(_each(data))


def _each(data: bytes) -> Iterator[_Part]:
    at = 0
    while at < len(data):
        size, head = data[at + 1], 2
        if size & 0x80:
            head = 2 + (size & 0x7F)
            size = int.from_bytes(data[at + 2 : at + head])
        end = at + head + size
        if end > len(data):
            raise ValueError("the structure is cut off")
        yield _Part(data[at + head : end], data[at:end])
        at = end


def _common_name(name: _Part) -> str:
    attribute = _first(_first(name.body).body)
    return _parts(attribute.body)[1].body.decode()


def _moment(text: bytes) -> datetime:
    shape = "%y%m%d%H%M%SZ" if len(text) == 13 else "%Y%m%d%H%M%SZ"
    return datetime.strptime(text.decode(), shape).replace(tzinfo=UTC)
