"""Bodies in the binary form: read as what they mean, and refused when they mean nothing."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.kubernetes_api.protobuf import MAGIC, MEDIA_TYPE, WIRE, parse
from simulator.kubernetes_api.schema import SCALARS, fields_of, root_fields
from simulator.kubernetes_api.status import Failure
from tests.simulator.kubernetes_world import a_world, client_of


def varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def number(field: int, value: int) -> bytes:
    return varint(field << 3) + varint(value % (1 << 64))


def text(field: int, value: str | bytes) -> bytes:
    raw = value.encode() if isinstance(value, str) else value
    return varint(field << 3 | 2) + varint(len(raw)) + raw


def body(version: str, kind: str, raw: bytes) -> bytes:
    return MAGIC + text(1, text(1, version) + text(2, kind)) + text(2, raw) + text(3, "") + text(4, "")


def test_a_deployment_is_read_with_what_was_set_and_without_what_was_not() -> None:
    entry = text(1, "app") + text(2, "web")
    container = text(1, "web") + text(2, "nginx") + text(5, "") + number(16, 0)
    template = text(1, text(1, "")) + text(2, text(2, container))
    spec = number(1, 0) + text(2, text(1, entry)) + text(3, template) + number(5, 0) + number(7, 0)
    raw = text(1, text(1, "web") + text(3, "shop") + text(8, b"")) + text(2, spec) + text(3, number(1, 0))
    assert parse(body("apps/v1", "Deployment", raw)) == {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "namespace": "shop"},
        "spec": {
            "replicas": 0,
            "selector": {"matchLabels": {"app": "web"}},
            "template": {"metadata": {}, "spec": {"containers": [{"name": "web", "image": "nginx"}]}},
        },
    }


def test_wrapped_scalars_and_embedded_structs_are_unwrapped() -> None:
    target = number(1, 1) + number(2, 0) + text(3, "25%")
    assert parse(body("policy/v1", "PodDisruptionBudget", text(2, text(1, target))))["spec"] == {"minAvailable": "25%"}
    hard = text(1, "pods") + text(2, text(1, "10"))
    assert parse(body("v1", "ResourceQuota", text(2, text(1, hard))))["spec"] == {"hard": {"pods": "10"}}
    path = text(1, text(1, "/")) + text(3, "Prefix")
    rule = text(1, "shop.example") + text(2, text(1, path))
    ingress = parse(body("networking.k8s.io/v1", "Ingress", text(2, text(3, rule))))
    assert ingress["spec"]["rules"][0]["host"] == "shop.example"
    assert "paths" in ingress["spec"]["rules"][0]["http"]


def test_the_contents_of_a_secret_become_base64() -> None:
    data = text(1, "password") + text(2, b"\xff\x00")
    assert parse(body("v1", "Secret", text(2, data) + text(3, "Opaque"))) == {
        "apiVersion": "v1",
        "kind": "Secret",
        "data": {"password": "/wA="},
        "type": "Opaque",
    }


def test_negative_numbers_and_times_are_numbers_and_times() -> None:
    assert parse(body("scheduling.k8s.io/v1", "PriorityClass", number(2, -5)))["value"] == -5
    made = text(1, text(8, number(1, 1_700_000_000)))
    assert parse(body("v1", "Namespace", made))["metadata"]["creationTimestamp"] == "2023-11-14T22:13:20Z"


def test_every_message_of_the_table_has_its_types() -> None:
    for name, slots in WIRE.items():
        types = root_fields(name) or fields_of(name)
        assert types is not None, name
        inside = [word for slot in slots.values() for word in slot.inside]
        named = [slot.name for slot in slots.values() if slot.name not in ("", "status", "metadata")]
        for field in (*inside, *named):
            assert field in types, (name, field)
            assert types[field].type in SCALARS or types[field].type in WIRE, (name, field)


@pytest.mark.parametrize(
    ("raw", "told"),
    [
        (b"{}", "does not appear to be a protobuf message"),
        (body("v1", "Unicorn", b""), 'no kind "Unicorn" is known'),
        (body("v1", "ConfigMap", b"\x0a\xff"), "unexpected EOF"),
        (body("v1", "ConfigMap", b"\x0b"), "unexpected EOF"),
        (body("v1", "ConfigMap", number(1, 3)), "wrong wireType = 0"),
        (MAGIC + b"\xff" * 11, "integer overflow"),
    ],
)
def test_what_cannot_be_read_is_refused(raw: bytes, told: str) -> None:
    with pytest.raises(Failure) as refused:
        parse(raw)
    assert refused.value.code == 400
    assert told in refused.value.message


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=60), st.sampled_from(sorted(WIRE)))
def test_no_bytes_are_too_strange(raw: bytes, kind: str) -> None:
    with suppress(Failure):
        assert parse(body("v1", kind, raw))["kind"] == kind


async def test_what_was_sent_in_binary_is_created_and_checked_like_anything() -> None:
    world = a_world()
    async with client_of(world) as client:
        path, headers = "/api/v1/namespaces/shop/configmaps", {"content-type": MEDIA_TYPE}
        good = body("v1", "ConfigMap", text(1, text(1, "made")) + text(2, text(1, "a") + text(2, "b")))
        assert (await client.post(path, content=good, headers=headers)).status_code == 201
        assert (await client.get(f"{path}/made")).json()["data"] == {"a": "b"}
        wrong = body("v1", "Secret", b"")
        assert (
            "does not match the expected API version" in (await client.post(path, content=wrong, headers=headers)).text
        )
