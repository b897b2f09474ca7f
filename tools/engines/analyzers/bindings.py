"""Secrets, ConfigMaps and keys that a template refers to and that are not there.

The kubelet names what it misses, in a waiting message or in FailedMount; where it was not asked, each reference is held against the
objects that were read. That an object is absent is only a fact where its kind was listed in full, or where others of the kind in that
namespace were; and only pods that do not start make it a cause. A file or variable that is marked optional misses nothing.
"""

import difflib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from core.language import Text
from tools.engines.changes import last_rollout
from tools.engines.complaints import Complaint, complaints, is_in_trouble, programs_with_pods_unread
from tools.engines.diagnosis import Evidence
from tools.engines.finding import Finding, evidence
from tools.engines.graph import Graph
from tools.engines.objects import Object, mapping, name_of
from tools.engines.program import Program
from tools.engines.references import Reference, references
from tools.engines.snapshot import Snapshot

_KINDS = {"secret": "Secret", "configmap": "ConfigMap", "config": "ConfigMap"}
_GONE = re.compile(r"(?i)\b(secret|configmap)s? \\?[\"']([\w./-]+?)\\?[\"'] not found")
_KEY_GONE = re.compile(r"(?i)couldn'?t find key ([^\s,;]+) in (secret|configmap) ([\w.-]+)/([\w.-]+)")
_FILE_GONE = re.compile(r"(?i)references non-existent (secret|config) key: ([^\s,;\"']+)")
_GIVEN = {"kube-root-ca.crt", "openshift-service-ca.crt"}
_FAULTS = {"Secret": "missing_secret_binding", "ConfigMap": "missing_config_map"}


@dataclass(frozen=True, slots=True)
class Missing:
    kind: str
    name: str
    key: str = ""

    @property
    def fault(self) -> str:
        return "missing_config_key" if self.key else _FAULTS[self.kind]


def references_that_name_nothing(snapshot: Snapshot, graph: Graph) -> Iterable[Finding]:  # noqa: ARG001
    for program in programs_with_pods_unread(snapshot):
        proof: dict[Missing, list[Evidence]] = {}
        for what, item in [*_said(snapshot, program), *_compared(snapshot, program)]:
            proof.setdefault(what, []).append(item)
        seen: set[str] = set()
        for what, items in proof.items():
            if what.fault not in seen:
                seen.add(what.fault)
                yield _finding(snapshot, program, what, items)


def _said(snapshot: Snapshot, program: Program) -> Iterator[tuple[Missing, Evidence]]:
    for one in complaints(snapshot, program):
        if one.reason == "FailedToRetrieveImagePullSecret":
            continue
        for what in _named(program, one):
            if not _is_there(snapshot, program.namespace, what):
                yield what, one.proof(0.85)


def _named(program: Program, one: Complaint) -> Iterator[Missing]:
    if found := _KEY_GONE.search(one.text):
        yield Missing(_KINDS[found.group(2).lower()], found.group(4), found.group(1))
    elif found := _GONE.search(one.text):
        yield Missing(_KINDS[found.group(1).lower()], found.group(2).rpartition("/")[2])
    elif found := _FILE_GONE.search(one.text):
        kind, key = _KINDS[found.group(1).lower()], found.group(2)
        holders = [ref.name for ref in references(program) if ref.kind == kind and ref.key == key]
        yield Missing(kind, holders[0] if holders else "", key)


def _is_there(snapshot: Snapshot, namespace: str, what: Missing) -> bool:
    """Created since: what was said is over."""
    obj = snapshot.get(what.kind, namespace, what.name)
    return obj is not None and (not what.key or what.key in _keys(obj))


def _compared(snapshot: Snapshot, program: Program) -> Iterator[tuple[Missing, Evidence]]:
    if not is_in_trouble(program):
        return
    for ref in references(program):
        if ref.kind not in _FAULTS or ref.optional or ref.name in _GIVEN:
            continue
        obj = snapshot.get(ref.kind, program.namespace, ref.name)
        if obj is None:
            yield from _without_object(snapshot, program, ref)
        elif ref.key and ref.key not in (keys := _keys(obj)) and (keys or ref.kind == "ConfigMap"):
            quote = f"{ref.kind} {ref.name} has no key {ref.key}; it has {', '.join(sorted(keys)[:8]) or 'none'}"
            yield Missing(ref.kind, ref.name, ref.key), evidence("kubernetes", _place(program, ref), quote, weight=0.85)


def _without_object(snapshot: Snapshot, program: Program, ref: Reference) -> Iterator[tuple[Missing, Evidence]]:
    others = [one for one in snapshot.of(ref.kind, program.namespace) if name_of(one) not in _GIVEN]
    if snapshot.reads(ref.kind) or others:
        quote = f"there is no {ref.kind} {ref.name} in {program.namespace}"
        weight = 0.85 if snapshot.reads(ref.kind) else 0.6
        yield Missing(ref.kind, ref.name), evidence("kubernetes", _place(program, ref), quote, weight=weight)


def _finding(snapshot: Snapshot, program: Program, what: Missing, items: list[Evidence]) -> Finding:
    rollout = last_rollout(snapshot, program.obj) if program.obj else None
    changed = [one for one in rollout.fields if what.name in f"{one.after}{one.path}"] if rollout else []
    if rollout and changed:
        ref = f"{program.component} revision {rollout.current.number} ({rollout.current.name})"
        items = [*items, evidence("change", ref, str(changed[0]), rollout.current.at, weight=0.4)]
    names_en = f"key {what.key} in {what.kind} {what.name}" if what.key else f"{what.kind} {what.name}"
    names_zh = f"{what.kind} {what.name} 中的键 {what.key}" if what.key else f"{what.kind} {what.name}"
    fix = _advice(snapshot, program, what)
    return Finding(
        fault=what.fault,
        category="startup",
        component=program.component,
        words=Text(
            f"{program.component} cannot start its pods: it refers to {names_en}, which does not exist.{fix('en')}",
            f"{program.component} 的 Pod 无法启动：它引用的 {names_zh} 不存在。{fix('zh')}",
        ),
        evidence=tuple(items),
        onset=min((item.at for item in items if item.at), default=None),
        remedies=("rollback_rollout",) if changed else (),
        facts={"kind": what.kind, "name": what.name, "key": what.key},
    )


def _advice(snapshot: Snapshot, program: Program, what: Missing) -> Text:
    if what.key:
        obj = snapshot.get(what.kind, program.namespace, what.name)
        near = _nearest(what.key, _keys(obj) if obj else set())
        if near:
            return Text(f" The nearest key there is {near}.", f"其中最接近的键是 {near}。")
        return Text(f" Add the key to {what.name}.", f"请在 {what.name} 中补上该键。")
    near = _nearest(what.name, {name_of(one) for one in snapshot.of(what.kind, program.namespace)} - _GIVEN)
    if near:
        return Text(f" The nearest that exists is {near}.", f"现有最接近的是 {near}。")
    return Text(f" Create it in {program.namespace}.", f"请在 {program.namespace} 中创建它。")


def _nearest(name: str, others: set[str]) -> str:
    return next(iter(difflib.get_close_matches(name, sorted(others)[:500], n=1, cutoff=0.6)), "")


def _keys(obj: Object) -> set[str]:
    return {str(key) for part in ("data", "binaryData", "stringData") for key in mapping(obj, part)}


def _place(program: Program, ref: Reference) -> str:
    return f"{program.ref}.{ref.path}"
