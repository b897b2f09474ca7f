"""Reading a channel's own entries: secrets by reference or from a file, with the file's `global` behind them.

The texts that people read are templates and are taken out before an entry gets here (`alerts.notify.wording`). Of the other fields, one
that is a template is taken for "as usual" where a channel has words of its own, and one that is plain is taken as it is.
"""

import base64
import hashlib
from pathlib import Path

from alerts.fields import expect_fields, mapping, read_text, text
from alerts.notify.channels import Shared, Written
from core.errors import Invalid


def secret_of(written: Written, shared: Shared, name: str, *, default: str = "", optional: bool = False) -> str:
    """`name`, or the content of the file `name_file`; else the same of `global`."""
    for values, key in ((written.values, name), (written.defaults, default)):
        if key and values.get(f"{key}_file"):
            return read_text(Path(text(values[f"{key}_file"], written.where, f"{key}_file")), f"file of {key}").strip()
        if key and values.get(key):
            return _opened(text(values[key], written.where, key), shared, f"{written.where} {key}:")
    if optional:
        return ""
    raise Invalid(f"{written.where} {name} is missing.", field=name)


def _opened(value: str, shared: Shared, where: str) -> str:
    try:
        return shared.secret(value)
    except Invalid as error:
        raise Invalid(f"{where} {error.sentence}") from None


def plain(written: Written, name: str, default: str = "", of_global: str = "") -> str:
    """A text of the entry (else of `global`); one that is a template gives way to the channel's own words."""
    value = written.values.get(name, written.defaults.get(of_global) if of_global else None)
    if value is None or "{{" in str(value):
        return default
    if isinstance(value, (dict, list)):
        raise Invalid(f"{written.where} {name} must be a text.", field=name)
    return str(value)


def expect(written: Written, *known: str) -> None:
    """These fields, with those that every kind has, and no others."""
    expect_fields(written.values, ("send_resolved", "http_config", "language", *known), written.where)


def dedup_key(group_key: str) -> str:
    """One name for a group's trouble wherever a vendor wants one: the same from its beginning to its end."""
    return hashlib.sha256(group_key.encode()).hexdigest()


_HTTP = ("authorization", "basic_auth", "bearer_token", "bearer_token_file", "follow_redirects", "enable_http2")


def credentials(written: Written, shared: Shared) -> dict[str, str]:
    """`http_config`'s own word on who we are. What would change the way a message takes is refused rather than ignored."""
    read = written.values.get("http_config", written.defaults.get("http_config")) or {}
    where = f"{written.where} http_config:"
    http = Written(mapping(read, where, "a mapping"), {}, where)
    expect_fields(http.values, _HTTP, where)
    if http.values.get("basic_auth"):
        basic = Written(mapping(http.values["basic_auth"], where, "basic_auth as a mapping"), {}, where)
        expect_fields(basic.values, ("username", "password", "password_file"), where)
        pair = f"{plain(basic, 'username')}:{secret_of(basic, shared, 'password', optional=True)}"
        return {"Authorization": "Basic " + base64.b64encode(pair.encode()).decode()}
    if http.values.get("authorization"):
        bearer = Written(mapping(http.values["authorization"], where, "authorization as a mapping"), {}, where)
        expect_fields(bearer.values, ("type", "credentials", "credentials_file"), where)
        kind = plain(bearer, "type", "Bearer")
        return {"Authorization": f"{kind} {secret_of(bearer, shared, 'credentials')}"}
    token = secret_of(http, shared, "bearer_token", optional=True)
    return {"Authorization": f"Bearer {token}"} if token else {}
