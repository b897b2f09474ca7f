"""Reading a channel's own entries: secrets by reference or from a file, with the file's `global` behind them."""

from pathlib import Path

from alerts.fields import read_text, text
from alerts.notify.channels import Shared, Written
from core.errors import Invalid


def secret_of(written: Written, shared: Shared, name: str, *, default: str = "", optional: bool = False) -> str:
    """`name`, or the content of the file `name_file`; else the same of `global`."""
    for values, key in ((written.values, name), (written.defaults, default)):
        if key and values.get(f"{key}_file"):
            return read_text(Path(text(values[f"{key}_file"], written.where, f"{key}_file")), f"file of {key}").strip()
        if key and values.get(key):
            return shared.secret(text(values[key], written.where, key))
    if optional:
        return ""
    raise Invalid(f"{written.where} {name} is missing.", field=name)
