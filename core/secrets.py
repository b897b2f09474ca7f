"""Making, keeping and comparing secrets.

Bearer tokens are random, shown once, and stored only as a keyed hash, so a stolen database signs nobody in. A setting may hold a
reference in place of a value (``env:NAME`` or ``file:PATH``), so that configuration files need no secret in them, or the value itself
encrypted under SECRET_KEY (``enc:v1:...``), so that a file with it may be kept with the others. It is authenticated encryption; a mark of
the key goes with it, so that another key is told from a damaged text. Comparisons take the same time whether they fail early or late.
"""

import base64
import contextlib
import hashlib
import hmac
import json
import os
import secrets as _random
import tempfile
from collections.abc import Mapping
from pathlib import Path

from core.errors import Invalid

DEFAULT_SECRETS = frozenset(
    {
        "",
        "secret",
        "changeme",
        "change-me",
        "change_me",
        "password",
        "default",
        "admin",
        "your-secret-key",
        "firstmate",
        "test",
    }
)
ENCRYPTED = "enc:v1:"
_MARK, _NONCE = 4, 12
MAX_SECRET_FILE = 64 * 1024


def new_token(prefix: str = "fm") -> str:
    return f"{prefix}_{_random.token_urlsafe(32)}"


def new_key() -> str:
    return _random.token_urlsafe(48)


def fingerprint(key: str, value: str) -> str:
    """A keyed hash: equal values are seen to be equal, and nothing more is learnt."""
    return hmac.new(key.encode(), value.encode(), hashlib.sha256).hexdigest()


def same(left: str, right: str) -> bool:
    return hmac.compare_digest(left.encode(), right.encode())


def sign(key: str, payload: dict[str, str]) -> str:
    """A short text that says `payload` and proves that a holder of the key wrote it."""
    body = base64.urlsafe_b64encode(json.dumps(payload, sort_keys=True).encode()).decode()
    return f"{body}.{fingerprint(key, body)}"


def verify(key: str, signed: str) -> dict[str, str] | None:
    """What was signed, or None for anything that this key did not sign."""
    body, _, proof = signed.rpartition(".")
    if not body or not same(fingerprint(key, body), proof):
        return None
    read: dict[str, str] = json.loads(base64.urlsafe_b64decode(body))
    return read


def is_weak(secret: str) -> bool:
    bare = secret.strip()
    return bare.lower() in DEFAULT_SECRETS or len(bare) < 16 or len(set(bare)) < 6


def encrypt(key: str, value: str) -> str:
    """The value as a setting may hold it: readable again by a holder of the key alone. Never twice the same text."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    nonce = os.urandom(_NONCE)
    sealed = AESGCM(_key_for_settings(key)).encrypt(nonce, value.encode(), ENCRYPTED.encode())
    return ENCRYPTED + base64.urlsafe_b64encode(_mark_of(key) + nonce + sealed).decode().rstrip("=")


def decrypt(key: str, value: str) -> str:
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    if not value.startswith(ENCRYPTED):
        raise Invalid("An encrypted value begins with enc:v1:; this version knows no other.")
    if not key:
        raise Invalid(
            "A value is encrypted (enc:v1:...), and SECRET_KEY, which opens it, is not set.", field="SECRET_KEY"
        )
    written = value.removeprefix(ENCRYPTED)
    try:
        read = base64.b64decode(written + "=" * (-len(written) % 4), altchars=b"-_", validate=True)
        if len(read) > _MARK and not hmac.compare_digest(read[:_MARK], _mark_of(key)):
            raise Invalid(
                "A value was encrypted under another SECRET_KEY; encrypt it again with `firstmate secret encrypt`.",
                field="SECRET_KEY",
            )
        nonce, sealed = read[_MARK : _MARK + _NONCE], read[_MARK + _NONCE :]
        return AESGCM(_key_for_settings(key)).decrypt(nonce, sealed, ENCRYPTED.encode()).decode()
    except (ValueError, InvalidTag):
        raise Invalid(
            "An encrypted value (enc:v1:...) is damaged; copy it whole, or encrypt it again with `firstmate secret encrypt`."
        ) from None


def _key_for_settings(key: str) -> bytes:
    # A key of its own, so that nothing signed or hashed elsewhere says anything about it.
    return hmac.new(key.encode(), b"firstmate: settings, encryption, v1", hashlib.sha256).digest()


def _mark_of(key: str) -> bytes:
    return hmac.new(key.encode(), b"firstmate: settings, mark of the key, v1", hashlib.sha256).digest()[:_MARK]


def resolve(value: str, environ: Mapping[str, str] | None = None, key: str = "") -> str:
    """Follow ``env:NAME`` or ``file:PATH`` and open ``enc:v1:...``; any other text is the value itself."""
    if value.startswith("enc:"):
        return decrypt(key, value)
    if value.startswith("env:"):
        return _from_environment(value[4:], os.environ if environ is None else environ)
    if value.startswith("file:"):
        return _from_file(Path(value[5:]))
    return value


def _from_environment(name: str, environ: Mapping[str, str]) -> str:
    if name not in environ:
        raise Invalid(f"The environment variable {name}, named by a secret reference, is not set.", field=name)
    return environ[name]


def _from_file(path: Path) -> str:
    try:
        if path.stat().st_size > MAX_SECRET_FILE:
            raise Invalid(f"The secret file {path} is larger than {MAX_SECRET_FILE} bytes.", field=str(path))
        return path.read_text().strip()
    except OSError as error:
        raise Invalid(f"The secret file {path} cannot be read: {error.strerror}.", field=str(path)) from error


def load_or_create_key(path: Path) -> str:
    """A key that belongs to one data folder: made at the first start, readable by its owner alone."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not path.exists():
        _create_whole(path, new_key())
    key = path.read_text().strip()
    if is_weak(key):
        raise Invalid(f"The key file {path} is empty or too short; remove it, and a new key is made.", field=str(path))
    return key


def _create_whole(path: Path, content: str) -> None:
    # Written beside and linked into place: a full disk or a crash leaves no half a key, and of two that start at once one wins.
    handle, name = tempfile.mkstemp(dir=path.parent)
    try:
        with os.fdopen(handle, "w") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(name, path)
    finally:
        Path(name).unlink()
