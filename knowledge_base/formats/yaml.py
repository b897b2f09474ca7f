"""YAML as its author wrote it, comments and all, under headings that people would give it.

An object of Kubernetes becomes a section named like `Deployment shop/cart`, an alerting rule one of its own with what its annotations say
in front, so that an alert's name finds its text. The YAML itself is never loaded into values: nodes are gathered from the parser's
events, counted, with an alias pointing at what it repeats, so that nothing can multiply itself. The values of a Secret are left out.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from textwrap import dedent
from typing import Any, Literal

import yaml

from core.errors import Invalid
from knowledge_base.formats.reading import MAX_LINE, Facts, Reading, fenced, plain, tidy, validated
from knowledge_base.formats.text import decoded

MAX_NODES = 100_000
MAX_NESTED = 100
MAX_DOCUMENTS = 1_000
HIDDEN = '"(hidden)"'
_MARKER = re.compile(r"^(?:---(?=\s|$)|\.\.\.\s*$)")
_IDLE = re.compile(r"^\s*(?:#.*|%.*)?$")
_PLACE = re.compile(r"^https?://\S+$")
_SAID = ("summary", "description", "message", "impact", "action", "runbook")
_LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_Spot = tuple[int, int]


@dataclass(slots=True, eq=False)
class Node:
    shape: Literal["scalar", "list", "map"]
    start: _Spot
    end: _Spot
    text: str = ""
    below: list["Node"] = field(default_factory=list)
    """Of a map: key, value, key, value."""

    def get(self, *path: str) -> "Node | None":
        node: Node | None = self
        for name in path:
            node = None if node is None or node.shape != "map" else node.pairs().get(name)
        return node

    def pairs(self) -> "dict[str, Node]":
        return {key.text: value for key, value in zip(self.below[::2], self.below[1::2], strict=False)}

    def said(self, *path: str) -> str:
        found = self.get(*path)
        return " ".join(found.text.split())[:120] if found else ""


@dataclass(frozen=True, slots=True)
class _Section:
    heading: str
    code: str
    prose: tuple[str, ...] = ()
    level: int = 2


def read(raw: bytes) -> Reading:
    lines = tidy(decoded(raw)).split("\n")
    if any(len(line) > MAX_LINE for line in lines):
        raise Invalid(f"A line is longer than {MAX_LINE} characters.")
    sections: list[_Section] = []
    facts: dict[str, Any] = {}
    for start, document in _documents(lines):
        root = _composed(document, start)
        if root is not None:
            _learn(root, facts)
            document = _without_secrets(root, document)
        sections.extend(_sections(root, document))
    facts["alerts"] = list(dict.fromkeys(facts.get("alerts", [])))[:64]
    named = [section.heading for section in sections if section.heading]
    title = str(facts.get("title") or (named[0] if len(named) == 1 else ""))
    return Reading("\n\n".join(_shown(section) for section in sections), title, _facts(facts))


def _documents(lines: list[str]) -> Iterator[tuple[int, list[str]]]:
    """Each document with the number of its first line; comments and directives before the first marker go with what follows."""
    starts = [0, *(number for number, line in enumerate(lines) if _MARKER.match(line)), len(lines)]
    if len(starts) > MAX_DOCUMENTS:
        raise Invalid(f"The file holds more than {MAX_DOCUMENTS} YAML documents.")
    held = 0
    for start, end in pairwise(starts):
        idle = all(_IDLE.match(line) or _MARKER.match(line) for line in lines[start:end])
        if idle and end < len(lines) and not any(line.strip() for line in lines[start:end] if _MARKER.match(line)):
            continue
        if any(line.strip() and not _MARKER.match(line) for line in lines[held:end]):
            yield held, lines[held:end]
        held = end


def _composed(document: list[str], first: int) -> Node | None:
    source = "\n".join("" if line.startswith("%") else line for line in document)
    composer = _Composer()
    try:
        for event in yaml.parse(source, Loader=_LOADER):
            composer.take(event)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f" in line {first + mark.line + 1}" if mark else ""
        said = " ".join(str(getattr(error, "problem", None) or error).split())[:120]
        raise Invalid(f"The file is not YAML{line}: {said}.") from None
    return composer.root


class _Composer:
    def __init__(self) -> None:
        self.root: Node | None = None
        self._open: list[Node] = []
        self._anchors: dict[str, Node] = {}
        self._nodes = 0

    def take(self, event: Any) -> None:
        start, end = (event.start_mark.line, event.start_mark.column), (event.end_mark.line, event.end_mark.column)
        if isinstance(event, (yaml.MappingEndEvent, yaml.SequenceEndEvent)):
            self._open.pop().end = end
        elif isinstance(event, yaml.AliasEvent):
            known = self._anchors.get(str(event.anchor))
            if known is None:
                raise Invalid(f"The file is not YAML: nothing is named {event.anchor}.")
            self._place(known)
        elif isinstance(event, yaml.NodeEvent):
            self._begin(event, (start, end))

    def _begin(self, event: Any, marks: tuple[_Spot, _Spot]) -> None:
        if isinstance(event, yaml.ScalarEvent):
            node = Node("scalar", *marks, event.value)
        else:
            node = Node("map" if isinstance(event, yaml.MappingStartEvent) else "list", *marks)
        if event.anchor:
            self._anchors[event.anchor] = node
        self._place(node)
        if node.shape != "scalar":
            self._open.append(node)
        if len(self._open) > MAX_NESTED:
            raise Invalid(f"The YAML is nested deeper than {MAX_NESTED} levels.")

    def _place(self, node: Node) -> None:
        self._nodes += 1
        if self._nodes > MAX_NODES:
            raise Invalid(f"The YAML holds more than {MAX_NODES} values.")
        if self._open:
            self._open[-1].below.append(node)
        elif self.root is None:
            self.root = node


# What it is about


def _sections(root: Node | None, lines: list[str]) -> list[_Section]:
    if root is None:
        return [_Section("", _code(lines))]
    groups = root.get("groups") or root.get("spec", "groups")
    if groups is not None and groups.shape == "list" and any(group.get("rules") for group in groups.below):
        return _rule_sections(root, groups, lines)
    items = root.get("items")
    if root.said("kind").endswith("List") and items is not None and items.shape == "list":
        cut = _cut(lines, items.below)
        if cut:
            pairs = zip(items.below, cut[1:], strict=True)
            return [_Section("", _code(cut[0])), *(_Section(_heading(item), _code(part)) for item, part in pairs)]
    return [_Section(_heading(root), _code(lines))]


def _rule_sections(root: Node, groups: Node, lines: list[str]) -> list[_Section]:
    rules = [(group, rule) for group in groups.below for rule in _rules(group)]
    cut = _cut(lines, [rule for _, rule in rules])
    if not cut:
        return [_Section(_heading(root), _code(lines))]
    first = rules[0][0].said("name")
    sections = [_Section(_heading(root) or f"Rules {first}".strip(), _code(cut[0]))]
    for (group, rule), part in zip(rules, cut[1:], strict=True):
        name, record = rule.said("alert"), rule.said("record")
        heading = f"Alert {name}" if name else f"Record {record}" if record else f"Rule of {group.said('name')}"
        sections.append(_Section(heading, _code(part), tuple(_annotations(rule))))
    return sections


def _rules(group: Node) -> list[Node]:
    found = group.get("rules")
    return found.below if found is not None and found.shape == "list" else []


def _annotations(rule: Node) -> Iterator[str]:
    """What the rule says to people, without what is only a place to go to: that stands in the YAML."""
    for name in _SAID:
        found = rule.get("annotations", name)
        text = found.text.strip() if found else ""
        if text and not _PLACE.match(text):
            yield "\n".join(plain(line) for line in text.split("\n"))


def _heading(node: Node) -> str:
    kind, name, place = node.said("kind"), node.said("metadata", "name"), node.said("metadata", "namespace")
    name = name or node.said("metadata", "generateName")
    if kind:
        return f"{kind} {place}/{name}" if place and name else f"{kind} {name}".strip()
    return node.said("title") or node.said("name")


def _learn(root: Node, facts: dict[str, Any]) -> None:
    groups = root.get("groups") or root.get("spec", "groups")
    for group in groups.below if groups is not None and groups.shape == "list" else []:
        facts.setdefault("alerts", []).extend(rule.said("alert")[:80] for rule in _rules(group) if rule.said("alert"))
    for name in ("valid_from", "valid_until"):
        said = root.said(name) or root.said("metadata", "annotations", f"firstmate.io/{name.replace('_', '-')}")
        if said:
            facts.setdefault(name, said)
    if root.said("title") and not root.said("kind"):
        facts.setdefault("title", root.said("title"))
        tags = root.get("tags")
        facts.setdefault("tags", [one.text.strip()[:80] for one in tags.below if one.text.strip()][:64] if tags else [])


def _facts(found: dict[str, Any]) -> Facts:
    return validated({name: value for name, value in found.items() if name != "title"}, "file")


# The lines


def _cut(lines: list[str], nodes: list[Node]) -> list[list[str]]:
    """The lines before the first of these list items, then those of each; nothing where they do not each begin a line of their own."""
    starts = [_line_of(lines, node) for node in nodes]
    if not starts or any(start < 0 for start in starts) or any(one >= other for one, other in pairwise(starts)):
        return []
    starts = [_with_comments(lines, start, floor) for start, floor in zip(starts, [-1, *starts], strict=False)]
    return [lines[: starts[0]], *(lines[start:end] for start, end in pairwise([*starts, len(lines)]))]


def _line_of(lines: list[str], node: Node) -> int:
    line = node.start[0]
    if lines[line].lstrip().startswith("-"):
        return line
    return line - 1 if line and lines[line - 1].strip() == "-" else -1


def _with_comments(lines: list[str], start: int, floor: int) -> int:
    while start - 1 > floor and lines[start - 1].lstrip().startswith("#"):
        start -= 1
    return start


def _code(lines: list[str]) -> str:
    kept = [line.rstrip() for line in lines if not re.fullmatch(r"(?:---|\.\.\.)\s*", line)]
    return dedent("\n".join(kept)).strip("\n")


def _shown(section: _Section) -> str:
    heading = f"{'#' * section.level} {section.heading}" if section.heading else ""
    code = fenced(section.code, "yaml") if section.code.strip() else ""
    return "\n\n".join(part for part in (heading, *section.prose, code) if part)


# Secrets


def _without_secrets(root: Node, lines: list[str]) -> list[str]:
    items = root.get("items")
    objects = [root, *(items.below if items is not None and items.shape == "list" else [])]
    spans = sorted(
        {span for one in objects if one.said("kind") == "Secret" for span in _secret_spans(one)}, reverse=True
    )
    kept = list(lines)
    for start, end in spans:
        _hide(kept, start, end)
    return kept


def _secret_spans(secret: Node) -> Iterator[tuple[_Spot, _Spot]]:
    for name in ("data", "stringData"):
        held = secret.get(name)
        if held is None:
            continue
        for node in held.below[1::2] if held.shape == "map" else [held]:
            yield node.start, node.end
    applied = secret.get("metadata", "annotations", _LAST_APPLIED)
    if applied is not None:
        yield applied.start, applied.end


def _hide(lines: list[str], start: _Spot, end: _Spot) -> None:
    """In place, and every other line keeps its number."""
    (first, left), (last, right) = start, end
    rest = lines[last][right:] if last < len(lines) else ""
    if last > first:
        lines[first] = lines[first][:left] + HIDDEN
        lines[first + 1 : last] = [""] * (min(last, len(lines)) - first - 1)
        if last < len(lines):
            lines[last] = " " * right + rest
    else:
        lines[first] = lines[first][:left] + HIDDEN + rest
