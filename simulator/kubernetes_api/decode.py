"""From the bytes of a request body to an object whose shape the rest may rely on.

As in a real API server a null means "not set" and is dropped, a value of the wrong type is refused with the decoder's
sentence, and an unknown field is refused under `fieldValidation=Strict` and dropped otherwise. Depth and YAML
aliases are bounded here, so that no small body can grow or recurse behind this door.
"""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

import orjson
import yaml

from simulator.kubernetes_api.quantity import QUANTITY_PATTERN, is_quantity
from simulator.kubernetes_api.schema import Field, fields_of, root_fields
from simulator.kubernetes_api.status import Failure, bad_request, too_large

MAX_DEPTH = 100
# As much YAML as this takes half a second to parse, in which nobody else is served; JSON of any size takes none.
MAX_YAML = 256 * 1024
# What a document with aliases may grow to, counted in its characters.
MAX_EXPANDED = 1 << 24
_INT32, _INT64 = 2**31 - 1, 2**63 - 1
_GO_TYPES = {"string": "string", "int": "int32", "bool": "bool", "time": "string"}
_PYTHON_TYPES: dict[str, type] = {"string": str, "int": int, "bool": bool, "time": str}
_INT64_FIELDS = frozenset(
    {"observedGeneration", "generation", "terminationGracePeriodSeconds", "activeDeadlineSeconds", "gracePeriodSeconds"}
    | {"runAsUser", "runAsGroup", "fsGroup", "supplementalGroups", "tolerationSeconds", "expirationSeconds", "seconds"}
)
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")


class Malformed(Exception):
    """The shape is wrong; the text is the decoder's."""


def parse_json(body: bytes) -> Any:
    try:
        parsed = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise bad_request(
            f"the object provided is unrecognized (must be of valid JSON): couldn't get version/kind; "
            f"json parse error: {error}"
        ) from error
    _check_depth(parsed)
    return parsed


def parse_yaml(body: bytes) -> Any:
    """JSON is YAML too and parses much faster, so it is tried first."""
    if body.lstrip()[:1] in (b"{", b"["):
        return parse_json(body)
    if len(body) > MAX_YAML:
        raise too_large(MAX_YAML)
    try:
        text = body.decode()
        if _may_explode(text, text.count("*")) and _may_explode(text, _aliases(text)):
            raise bad_request("error parsing YAML: document contains excessive aliasing")
        parsed = yaml.safe_load(text)  # the loader in C is quicker, and a deep document overflows its stack
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError, ValueError) as error:
        raise bad_request(f"error parsing YAML: {' '.join(str(error).split())[:300]}") from error
    _check_depth(parsed)
    return _plain(parsed)


def _may_explode(text: str, aliases: int) -> bool:
    """So many aliases at worst: three of each level in the next one, and every level three times as large."""
    return aliases > 0 and len(text) * 3 ** min(aliases / 3, 100.0) > MAX_EXPANDED


def _aliases(text: str) -> int:
    return sum(isinstance(token, yaml.AliasToken) for token in yaml.scan(text))


def _check_depth(value: Any) -> None:
    layer = [value]
    for _ in range(MAX_DEPTH):
        layer = [inner for outer in layer for inner in _inside(outer)]
        if not layer:
            return
    raise bad_request(f"the object is nested deeper than {MAX_DEPTH} levels")


def _inside(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [inner for inner in value.values() if isinstance(inner, dict | list)]
    return [inner for inner in value if isinstance(inner, dict | list)] if isinstance(value, list) else []


def _plain(value: Any) -> Any:
    """YAML knows dates and keys that are not strings; JSON does not."""
    if isinstance(value, dict):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    if isinstance(value, int) and abs(value) > _INT64:
        raise bad_request("error parsing YAML: number out of range of a 64-bit integer")
    if isinstance(value, dt.datetime):
        return value.isoformat().replace("+00:00", "Z")
    return value.isoformat() if isinstance(value, dt.date) else value


class Decoder:
    """Walks one object along the schema and collects what it does not know."""

    def __init__(self) -> None:
        self.unknown: list[str] = []

    def object(self, kind: str, obj: dict[str, Any]) -> dict[str, Any]:
        fields = root_fields(kind)
        if fields is not None:
            return self._struct(kind, fields, obj, "")
        known = {"metadata": Field("ObjectMeta")}
        return {**obj, **{name: self._value(obj[name], known[name], kind, name) for name in known if obj.get(name)}}

    def _struct(self, owner: str, fields: dict[str, Field], value: dict[str, Any], path: str) -> dict[str, Any]:
        kept: dict[str, Any] = {}
        for name, inner in value.items():
            where = f"{path}.{name}" if path else name
            if name not in fields:
                self.unknown.append(where)
            elif inner is not None:
                kept[name] = self._value(inner, fields[name], owner, where)
        return kept

    def _value(self, value: Any, field: Field, owner: str, path: str) -> Any:
        if field.shape == "list":
            if not isinstance(value, list):
                raise Malformed(_cannot_unmarshal(value, owner, path, f"[]{_go_type(field.type)}"))
            return [self._single(item, field, owner, f"{path}[{i}]") for i, item in enumerate(value)]
        if field.shape == "map":
            if not isinstance(value, dict):
                raise Malformed(_cannot_unmarshal(value, owner, path, f"map[string]{_go_type(field.type)}"))
            return {k: self._single(v, field, owner, f"{path}.{k}") for k, v in value.items() if v is not None}
        return self._single(value, field, owner, path)

    def _single(self, value: Any, field: Field, owner: str, path: str) -> Any:
        fields = fields_of(field.type)
        if fields is not None and not isinstance(value, dict):
            raise Malformed(_cannot_unmarshal(value, owner, path, f"v1.{field.type}"))
        if fields is not None:
            return self._struct(field.type, fields, value, path)
        return _scalar(value, field.type, owner, path)


def decode(kind: str, obj: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """The object as the type holds it, and the unknown fields that fell off. Raises Malformed."""
    decoder = Decoder()
    return decoder.object(kind, obj), decoder.unknown


def unknown_fields(unknown: list[str]) -> Failure:
    listed = ", ".join(f'unknown field "{path}"' for path in unknown[:20])
    return bad_request(f"strict decoding error: {listed}")


def _scalar(value: Any, type_name: str, owner: str, path: str) -> Any:
    if type_name == "any":
        return value
    if type_name == "quantity":
        return _quantity(value)
    if type_name == "intstr":
        if isinstance(value, bool) or not isinstance(value, int | str):
            raise Malformed(_cannot_unmarshal(value, owner, path, "intstr.IntOrString"))
        return value
    if type_name == "int" and isinstance(value, float) and value.is_integer():
        return int(value)
    if type(value) is not _PYTHON_TYPES[type_name]:
        raise Malformed(_cannot_unmarshal(value, owner, path, _go_type(type_name, path)))
    if isinstance(value, int) and abs(value) > (_INT64 if _is_int64(path) else _INT32):
        raise Malformed(_cannot_unmarshal(float(value), owner, path, _go_type(type_name, path)))
    if type_name == "time" and value and not _TIME.fullmatch(str(value)):
        raise Malformed(f'parsing time "{value}" as "2006-01-02T15:04:05Z07:00": cannot parse "{value}" as "2006"')
    return value


def _quantity(value: Any) -> str:
    text = str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value
    if not isinstance(text, str) or not is_quantity(text):
        raise Malformed(f"quantities must match the regular expression '{QUANTITY_PATTERN}'")
    return text


def _go_type(type_name: str, path: str = "") -> str:
    if type_name == "int":
        return "int64" if _is_int64(path) else "int32"
    return _GO_TYPES.get(type_name, f"v1.{type_name}")


def _is_int64(path: str) -> bool:
    return path.rpartition(".")[2] in _INT64_FIELDS


def _cannot_unmarshal(value: Any, owner: str, path: str, wanted: str) -> str:
    plain = re.sub(r"\[\d+\]", "", path)
    return f"json: cannot unmarshal {_json_word(value)} into Go struct field {owner}.{plain} of type {wanted}"


def _json_word(value: Any) -> str:
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int):
        return "number"
    words = {str: "string", float: f"number {value}", list: "array", dict: "object"}
    return words.get(type(value), "null")
