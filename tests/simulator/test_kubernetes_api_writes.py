"""Writing over HTTP: create, update, patch, dry run, validation, audit."""

from __future__ import annotations

import copy
from typing import Any

import httpx
import orjson
import pytest

from tests.simulator.kubernetes_world import World, a_world, app_of, client_of, container, deployment, event, pod

DEPLOYMENTS = "/apis/apps/v1/namespaces/shop/deployments"
WEB = f"{DEPLOYMENTS}/web"
CORE = "/api/v1/namespaces/shop"
MERGE = "application/merge-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"
JSON_PATCH = "application/json-patch+json"
Object = dict[str, Any]


@pytest.fixture
def world() -> World:
    return a_world()


@pytest.fixture
def client(world: World) -> httpx.AsyncClient:
    return client_of(world)


async def patch(client: httpx.AsyncClient, path: str, body: Any, kind: str = MERGE, **params: str) -> httpx.Response:
    return await client.patch(path, content=orjson.dumps(body), headers={"content-type": kind}, params=params)


def live(world: World, kind: str = "Deployment", name: str = "web") -> Object:
    found = world.store.get(kind, "shop", name)
    assert found is not None
    return found


def causes(answer: httpx.Response) -> list[tuple[str, str]]:
    status = answer.json()
    assert (answer.status_code, status["reason"]) == (422, "Invalid"), answer.text
    return [(cause["field"], cause["reason"]) for cause in status["details"]["causes"]]


async def test_a_created_deployment_is_filled_stored_and_answered(client: httpx.AsyncClient, world: World) -> None:
    answer = await client.post(DEPLOYMENTS, json=deployment("api"))
    made = answer.json()
    assert answer.status_code == 201
    assert made["metadata"]["generation"] == 1
    assert made["metadata"]["creationTimestamp"] == "2026-03-02T12:00:00Z"
    assert made["spec"]["progressDeadlineSeconds"] == 600
    assert live(world, name="api")["metadata"]["uid"] == made["metadata"]["uid"]
    assert world.kicks == 1


async def test_a_created_object_cannot_bring_its_status_or_its_identity(client: httpx.AsyncClient) -> None:
    sent = {**deployment("api"), "status": {"replicas": 9}}
    sent["metadata"] |= {"uid": "mine", "generation": 7, "creationTimestamp": "2020-01-01T00:00:00Z"}
    made = (await client.post(DEPLOYMENTS, json=sent)).json()
    assert made["status"] == {}
    assert made["metadata"]["uid"] != "mine"
    assert made["metadata"]["creationTimestamp"] == "2026-03-02T12:00:00Z"


async def test_a_body_takes_its_namespace_from_the_url(client: httpx.AsyncClient) -> None:
    sent = {"metadata": {"generateName": "job-"}, "data": {"a": "b"}}
    made = (await client.post(f"{CORE}/configmaps", json=sent)).json()
    assert made["metadata"]["namespace"] == "shop"
    assert made["metadata"]["name"].startswith("job-")
    assert (made["kind"], made["apiVersion"]) == ("ConfigMap", "v1")


async def test_a_yaml_body_is_as_good(client: httpx.AsyncClient) -> None:
    body = "kind: ConfigMap\napiVersion: v1\nmetadata: {name: c}\ndata: {since: '2026'}\n"
    answer = await client.post(f"{CORE}/configmaps", content=body, headers={"content-type": "application/yaml"})
    assert answer.json()["data"] == {"since": "2026"}


async def test_the_same_name_again_is_409(client: httpx.AsyncClient) -> None:
    answer = await client.post(DEPLOYMENTS, json=deployment("web"))
    assert answer.status_code == 409
    assert (answer.json()["reason"], answer.json()["message"]) == (
        "AlreadyExists",
        'deployments.apps "web" already exists',
    )


async def test_nothing_is_created_in_a_namespace_that_is_not_there_or_is_leaving(client: httpx.AsyncClient) -> None:
    path = DEPLOYMENTS.replace("shop", "ghost")
    missing = await client.post(path, json=deployment("api", namespace="ghost"))
    assert (missing.status_code, missing.json()["message"]) == (404, 'namespaces "ghost" not found')
    await client.delete("/api/v1/namespaces/shop")
    leaving = await client.post(DEPLOYMENTS, json=deployment("api"))
    assert leaving.status_code == 403
    assert "because it is being terminated" in leaving.json()["message"]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"kind": "ReplicaSet"}, "does not match the expected API version"),
        ({"apiVersion": "v1"}, "does not match the expected API version"),
        ({"metadata": {"name": "api", "namespace": "bank"}}, "the namespace of the provided object does not match"),
        ({"metadata": {"name": "api", "resourceVersion": "7"}}, "resourceVersion should not be set"),
        ({"metadata": []}, "cannot unmarshal array"),
        ({"spec": "big"}, "cannot be handled as a Deployment: json: cannot unmarshal string"),
    ],
)
async def test_a_body_that_contradicts_the_request_is_400(
    client: httpx.AsyncClient, change: Object, sentence: str
) -> None:
    answer = await client.post(DEPLOYMENTS, json={**deployment("api"), **change})
    assert answer.status_code == 400
    assert sentence in answer.json()["message"]


@pytest.mark.parametrize("body", [b"{", b"[]", b"null", b"7", b'"x"', b"\xff", b"", b"[" * 200_000])
async def test_a_body_that_is_no_object_is_400(client: httpx.AsyncClient, body: bytes) -> None:
    answer = await client.post(DEPLOYMENTS, content=body, headers={"content-type": "application/json"})
    assert (answer.status_code, answer.json()["reason"]) == (400, "BadRequest")


async def test_other_media_types_are_415_with_the_ones_that_do(client: httpx.AsyncClient) -> None:
    answer = await client.post(DEPLOYMENTS, content=b"x", headers={"content-type": "text/csv"})
    assert answer.status_code == 415
    assert "application/json" in answer.json()["message"]
    patched = await patch(client, WEB, {}, kind="application/json")
    assert patched.status_code == 415
    assert "application/strategic-merge-patch+json" in patched.json()["message"]


async def test_yaml_has_a_lower_limit_for_it_is_slow_to_read(client: httpx.AsyncClient, world: World) -> None:
    big = f"metadata:\n  name: c\ndata:\n  a: {'x' * 256 * 1024}\n"
    answer = await client.post(f"{CORE}/configmaps", content=big.encode(), headers={"content-type": "application/yaml"})
    assert (answer.status_code, answer.json()["reason"]) == (413, "RequestEntityTooLarge")
    assert world.store.list("ConfigMap") == []


async def test_a_body_over_three_megabytes_is_413(client: httpx.AsyncClient, world: World) -> None:
    big = {"metadata": {"name": "c"}, "data": {"a": "x" * (3 * 1024 * 1024)}}
    answer = await client.post(f"{CORE}/configmaps", json=big)
    assert (answer.status_code, answer.json()["reason"]) == (413, "RequestEntityTooLarge")

    async def chunks() -> Any:
        for _ in range(50):
            yield b"x" * 100_000

    streamed = await client.post(f"{CORE}/configmaps", content=chunks(), headers={"content-type": "application/json"})
    assert streamed.status_code == 413
    assert world.store.list("ConfigMap") == []


async def test_an_unknown_field_falls_off_with_a_warning_or_is_refused_when_strict(client: httpx.AsyncClient) -> None:
    sent = deployment("api")
    sent["spec"]["replica"] = 3
    strict = await client.post(DEPLOYMENTS, json=sent, params={"fieldValidation": "Strict"})
    assert strict.status_code == 400
    assert strict.json()["message"] == 'strict decoding error: unknown field "spec.replica"'
    ignored = await client.post(DEPLOYMENTS, json=sent, params={"fieldValidation": "Ignore", "dryRun": "All"})
    assert "warning" not in ignored.headers
    created = await client.post(DEPLOYMENTS, json=sent)
    assert "replica" not in created.json()["spec"]
    assert created.headers["warning"] == '299 - "unknown field \\"spec.replica\\""'


@pytest.mark.parametrize("kind", ["CSIDriver", "CSINode"])
async def test_no_storage_driver_is_kept_that_a_table_could_not_show(client: httpx.AsyncClient, kind: str) -> None:
    path = f"/apis/storage.k8s.io/v1/{kind.lower()}s"
    sent = {"apiVersion": "storage.k8s.io/v1", "kind": kind, "metadata": {"name": "odd"}, "spec": ["x"]}
    refused = await client.post(path, json=sent)
    assert refused.status_code == 400
    assert f"of type v1.{kind}Spec" in refused.json()["message"]


def broken(**changes: Any) -> Object:
    """A Deployment with parts of its first container or its spec replaced."""
    made = deployment("api")
    for name, value in changes.items():
        place = made["spec"] if name in made["spec"] or name == "strategy" else _first_container(made)
        place[name] = value
    return made


def _first_container(made: Object) -> Object:
    first: Object = made["spec"]["template"]["spec"]["containers"][0]
    return first


FIRST = "spec.template.spec.containers[0]"


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        (broken(replicas=-1), [("spec.replicas", "FieldValueInvalid")]),
        (broken(selector={"matchLabels": {"app": "b"}}), [("spec.template.metadata.labels", "FieldValueInvalid")]),
        (broken(selector={}), [("spec.selector", "FieldValueInvalid")]),
        (broken(image=""), [(f"{FIRST}.image", "FieldValueRequired")]),
        (broken(image=" a"), [(f"{FIRST}.image", "FieldValueInvalid")]),
        (broken(name="Web_1"), [(f"{FIRST}.name", "FieldValueInvalid")]),
        (broken(ports=[{"containerPort": 70_000}]), [(f"{FIRST}.ports[0].containerPort", "FieldValueInvalid")]),
        (broken(ports=[{"name": "http"}]), [(f"{FIRST}.ports[0].containerPort", "FieldValueRequired")]),
        (broken(imagePullPolicy="Maybe"), [(f"{FIRST}.imagePullPolicy", "FieldValueNotSupported")]),
        (broken(volumeMounts=[{"name": "x", "mountPath": "/x"}]), [(f"{FIRST}.volumeMounts[0].name", "FieldValueNotFound")]),
        (broken(env=[{"value": "1"}]), [(f"{FIRST}.env[0].name", "FieldValueRequired")]),
        (broken(livenessProbe={"periodSeconds": -1}), [
            (f"{FIRST}.livenessProbe", "FieldValueRequired"),
            (f"{FIRST}.livenessProbe.periodSeconds", "FieldValueInvalid"),
        ]),
        (broken(readinessProbe={"httpGet": {"port": 0}}), [(f"{FIRST}.readinessProbe.httpGet.port", "FieldValueInvalid")]),
        (broken(resources={"limits": {"cpu": "1"}, "requests": {"cpu": "2"}}), [(f"{FIRST}.resources.requests", "FieldValueInvalid")]),
        (broken(strategy={"type": "Blue"}), [("spec.strategy.type", "FieldValueNotSupported")]),
        (broken(strategy={"type": "Recreate", "rollingUpdate": {"maxSurge": 1}}), [("spec.strategy.rollingUpdate", "FieldValueForbidden")]),
    ],
)  # fmt: skip
async def test_a_common_mistake_is_422_with_its_cause(
    client: httpx.AsyncClient, sent: Object, expected: list[tuple[str, str]]
) -> None:
    assert causes(await client.post(DEPLOYMENTS, json=sent)) == expected


async def test_all_mistakes_are_told_together(client: httpx.AsyncClient) -> None:
    answer = await client.post(DEPLOYMENTS, json=broken(replicas=-1, image=""))
    assert len(causes(answer)) == 2
    message = answer.json()["message"]
    assert message.startswith('Deployment.apps "api" is invalid: [spec.replicas: Invalid value: -1: must be greater')
    assert message.endswith("image: Required value]")


async def test_a_missing_name_is_required(client: httpx.AsyncClient) -> None:
    answer = await client.post(f"{CORE}/configmaps", json={"metadata": {}})
    assert causes(answer) == [("metadata.name", "FieldValueRequired")]


@pytest.mark.parametrize(
    ("plural", "obj", "field"),
    [
        ("configmaps", {"metadata": {"name": "Bad_Name"}}, "metadata.name"),
        ("configmaps", {"metadata": {"name": "c", "labels": {"a b": "c"}}}, "metadata.labels"),
        ("configmaps", {"metadata": {"name": "c", "labels": {"a": "c d"}}}, "metadata.labels"),
        ("configmaps", {"metadata": {"name": "c"}, "data": {"a/b": "1"}}, "data[a/b]"),
        ("secrets", {"metadata": {"name": "c"}, "data": {"a": "?"}}, "data[a]"),
        ("services", {"metadata": {"name": "s"}, "spec": {}}, "spec.ports"),
        ("services", {"metadata": {"name": "s"}, "spec": {"ports": [{"port": 0}]}}, "spec.ports[0].port"),
        ("services", {"metadata": {"name": "1s"}, "spec": {"ports": [{"port": 1}]}}, "metadata.name"),
        ("services", {"metadata": {"name": "s"}, "spec": {"ports": [{"port": 1, "targetPort": 99999}]}}, "spec.ports[0].targetPort"),
        ("resourcequotas", {"metadata": {"name": "q"}, "spec": {"hard": {"cpu": "-1"}}}, "spec.hard[cpu]"),
        ("pods", {"metadata": {"name": "p"}, "spec": {"containers": []}}, "spec.containers"),
        ("events", {**event("e"), "involvedObject": {"namespace": "bank"}}, "involvedObject.namespace"),
    ],
)  # fmt: skip
async def test_other_kinds_have_their_checks(client: httpx.AsyncClient, plural: str, obj: Object, field: str) -> None:
    found = causes(await client.post(f"{CORE}/{plural}", json=obj))
    assert found[0][0] == field


async def test_a_secrets_mistake_does_not_print_the_secret(client: httpx.AsyncClient) -> None:
    answer = await client.post(f"{CORE}/secrets", json={"metadata": {"name": "c"}, "data": {"a": "hunter2!"}})
    assert answer.status_code == 422
    assert "hunter2" not in answer.text


async def test_string_data_arrives_encoded_in_data(client: httpx.AsyncClient) -> None:
    made = await client.post(f"{CORE}/secrets", json={"metadata": {"name": "c"}, "stringData": {"a": "b"}})
    assert made.json()["data"] == {"a": "Yg=="}
    assert "stringData" not in made.json()


async def test_a_service_gets_a_free_address_and_keeps_it(client: httpx.AsyncClient) -> None:
    spec = {"ports": [{"port": 80}], "selector": {"app": "web"}}
    first = (await client.post(f"{CORE}/services", json={"metadata": {"name": "a"}, "spec": spec})).json()
    second = (await client.post(f"{CORE}/services", json={"metadata": {"name": "b"}, "spec": spec})).json()
    addresses = {first["spec"]["clusterIP"], second["spec"]["clusterIP"]}
    assert len(addresses) == 2
    assert all(address.startswith("10.96.") for address in addresses)
    assert first["spec"]["ports"] == [{"port": 80, "protocol": "TCP", "targetPort": 80}]
    replaced = await client.put(f"{CORE}/services/a", json={"metadata": {"name": "a"}, "spec": spec})
    assert replaced.json()["spec"]["clusterIP"] == first["spec"]["clusterIP"]
    moved = await patch(client, f"{CORE}/services/a", {"spec": {"clusterIP": "10.96.0.1"}})
    assert causes(moved) == [("spec.clusterIP", "FieldValueInvalid")]


async def test_an_update_replaces_the_spec_and_moves_the_generation(client: httpx.AsyncClient, world: World) -> None:
    sent = copy.deepcopy(live(world))
    sent["spec"]["replicas"] = 5
    answer = await client.put(WEB, json=sent)
    assert answer.status_code == 200
    assert (answer.json()["spec"]["replicas"], answer.json()["metadata"]["generation"]) == (5, 2)


async def test_an_update_with_an_old_version_is_409_in_the_known_words(client: httpx.AsyncClient, world: World) -> None:
    old = copy.deepcopy(live(world))
    await patch(client, WEB, {"spec": {"replicas": 3}})
    answer = await client.put(WEB, json={**old, "spec": {**old["spec"], "replicas": 9}})
    assert answer.status_code == 409
    assert answer.json()["message"] == (
        'Operation cannot be fulfilled on deployments.apps "web": the object has been modified; '
        "please apply your changes to the latest version and try again"
    )
    stale = await patch(client, WEB, {"metadata": {"resourceVersion": "2"}, "spec": {"replicas": 9}})
    assert stale.status_code == 409
    assert live(world)["spec"]["replicas"] == 3


async def test_an_update_for_another_uid_is_409(client: httpx.AsyncClient) -> None:
    answer = await patch(client, WEB, {"metadata": {"uid": "another"}})
    assert answer.status_code == 409
    assert "Precondition failed: UID in precondition: another" in answer.json()["message"]


async def test_the_name_in_the_body_must_be_the_one_in_the_url(client: httpx.AsyncClient) -> None:
    answer = await client.put(WEB, json=deployment("other"))
    assert answer.status_code == 400
    assert answer.json()["message"] == "the name of the object (other) does not match the name on the URL (web)"


async def test_the_selector_cannot_be_changed(client: httpx.AsyncClient) -> None:
    labels = {"app": "web", "x": "y"}
    template = {"metadata": {"labels": labels}}
    answer = await patch(client, WEB, {"spec": {"selector": {"matchLabels": labels}, "template": template}})
    assert causes(answer) == [("spec.selector", "FieldValueInvalid")]
    assert answer.json()["message"].endswith("field is immutable")


async def test_of_a_pod_only_the_image_can_be_changed(client: httpx.AsyncClient) -> None:
    image = await patch(client, f"{CORE}/pods/web-0", {"spec": {"containers": [container(image="b:2")]}}, STRATEGIC)
    assert image.status_code == 200
    moved = await patch(client, f"{CORE}/pods/web-0", {"spec": {"nodeName": "node-2"}})
    assert causes(moved) == [("spec", "FieldValueForbidden")]


async def test_an_update_leaves_the_status_alone_and_the_status_door_the_spec(client: httpx.AsyncClient) -> None:
    both = {"spec": {"replicas": 3}, "status": {"replicas": 3}}
    assert "status" not in (await patch(client, WEB, both)).json()
    reported = (await patch(client, f"{WEB}/status", {"spec": {"replicas": 9}, "status": {"replicas": 3}})).json()
    assert (reported["spec"]["replicas"], reported["status"]) == (3, {"replicas": 3})
    assert reported["metadata"]["generation"] == 2


async def test_the_three_patch_types_do_the_same_in_their_way(client: httpx.AsyncClient, world: World) -> None:
    image = {"spec": {"template": {"spec": {"containers": [{"name": "web", "image": "shop/web:2"}]}}}}
    assert (await patch(client, WEB, image, STRATEGIC)).status_code == 200
    assert _first_container(live(world))["terminationMessagePolicy"] == "File"
    path = "/spec/template/spec/containers/0/image"
    assert (await patch(client, WEB, [{"op": "replace", "path": path, "value": "x:3"}], JSON_PATCH)).status_code == 200
    assert _first_container(live(world))["image"] == "x:3"
    annotated = await patch(client, WEB, {"metadata": {"annotations": {"a": "b"}}})
    assert annotated.json()["metadata"]["annotations"] == {"a": "b"}


async def test_a_null_in_a_patch_unsets(client: httpx.AsyncClient, world: World) -> None:
    await patch(client, WEB, {"spec": {"paused": True}})
    assert live(world)["spec"]["paused"] is True
    await patch(client, WEB, {"spec": {"paused": None}}, STRATEGIC)
    assert "paused" not in live(world)["spec"]


async def test_a_json_patch_whose_test_fails_changes_nothing(client: httpx.AsyncClient, world: World) -> None:
    operations = [
        {"op": "replace", "path": "/spec/replicas", "value": 9},
        {"op": "test", "path": "/metadata/name", "value": "other"},
    ]
    answer = await patch(client, WEB, operations, JSON_PATCH)
    assert answer.status_code == 422
    assert answer.json()["message"] == "the server rejected our request due to an error in our request"
    assert live(world)["spec"]["replicas"] == 2


@pytest.mark.parametrize(
    ("body", "kind"),
    [([], MERGE), ({}, JSON_PATCH), ("x", STRATEGIC), ([{"op": "replace", "path": "", "value": 3}], JSON_PATCH)],
)
async def test_a_patch_of_the_wrong_shape_is_400(client: httpx.AsyncClient, body: Any, kind: str) -> None:
    assert (await patch(client, WEB, body, kind)).status_code == 400


async def test_a_patch_of_nothing_is_404_and_one_without_effect_is_no_write(
    client: httpx.AsyncClient, world: World
) -> None:
    assert (await patch(client, f"{DEPLOYMENTS}/ghost", {})).status_code == 404
    before = world.store.version
    answer = await patch(client, WEB, {"spec": {"replicas": 2}})
    assert answer.status_code == 200
    assert (world.store.version, world.kicks) == (before, 0)


@pytest.mark.parametrize("kind", [MERGE, STRATEGIC])
async def test_a_dry_run_answers_what_would_be_and_changes_nothing(
    client: httpx.AsyncClient, world: World, kind: str
) -> None:
    before, version = live(world), world.store.version
    answer = await patch(client, WEB, {"spec": {"replicas": 9}}, kind, dryRun="All")
    assert (answer.json()["spec"]["replicas"], answer.json()["metadata"]["generation"]) == (9, 2)
    created = await client.post(DEPLOYMENTS, json=deployment("api"), params={"dryRun": "All"})
    assert created.status_code == 201
    assert created.json()["metadata"]["uid"]
    put = await client.put(WEB, json=deployment(replicas=7), params={"dryRun": "All"})
    assert put.json()["spec"]["replicas"] == 7
    assert (live(world), world.store.version, world.kicks) == (before, version, 0)


async def test_a_dry_run_is_refused_like_the_real_write(client: httpx.AsyncClient) -> None:
    assert causes(await patch(client, WEB, {"spec": {"replicas": -2}}, dryRun="All")) == [
        ("spec.replicas", "FieldValueInvalid")
    ]
    assert (await client.post(DEPLOYMENTS, json=deployment(), params={"dryRun": "All"})).status_code == 409
    assert causes(await patch(client, WEB, {}, dryRun="Some")) == [("dryRun", "FieldValueNotSupported")]


async def test_every_write_is_audited_with_its_user_and_outcome(world: World) -> None:
    async with client_of(world, authorization="Bearer t0k") as client:
        await patch(client, WEB, {"spec": {"replicas": 3}})
        await patch(client, WEB, {"spec": {"replicas": 4}}, dryRun="All")
        await patch(client, WEB, {"spec": {"replicas": -4}})
        await client.delete(f"{DEPLOYMENTS}/ghost")
        await client.get(WEB)
    assert [(entry["verb"], entry["dryRun"], entry["status"]) for entry in world.audited] == [
        ("patch", False, 200),
        ("patch", True, 200),
        ("patch", False, 422),
        ("delete", False, 404),
    ]
    first = world.audited[0]
    assert (first["time"], first["path"]) == ("2026-03-02T12:00:00Z", WEB)
    assert first["user"].startswith("bearer:")
    assert "t0k" not in first["user"]


async def test_the_audit_names_who_the_token_belongs_to(world: World) -> None:
    async with client_of(world, {"s3cret": "firstmate"}, authorization="Bearer s3cret") as client:
        await client.delete(f"{CORE}/pods/web-0")
    async with client_of(world) as stranger:
        await stranger.delete(f"{CORE}/pods/web-1")
    assert [entry["user"] for entry in world.audited] == ["firstmate", "system:anonymous"]


async def test_an_event_written_in_the_newer_shape_is_stored_in_the_old(
    client: httpx.AsyncClient, world: World
) -> None:
    newer = {
        "metadata": {"name": "e"},
        "regarding": {"kind": "Pod", "name": "web-0", "namespace": "shop"},
        "note": "hello",
        "reason": "Hello",
        "type": "Normal",
        "reportingController": "me",
        "eventTime": "2026-03-02T12:00:00.000000Z",
    }
    answer = await client.post("/apis/events.k8s.io/v1/namespaces/shop/events", json=newer)
    assert (answer.status_code, answer.json()["note"]) == (201, "hello")
    stored = live(world, "Event", "e")
    assert (stored["message"], stored["involvedObject"]["name"], stored["apiVersion"]) == ("hello", "web-0", "v1")


async def test_what_cannot_be_handled_is_a_status_and_never_a_traceback(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken_clock() -> Any:
        raise ZeroDivisionError("secret detail")

    monkeypatch.setattr(world, "kick", broken_clock)
    transport = httpx.ASGITransport(app=app_of(world))
    async with httpx.AsyncClient(transport=transport, base_url="http://cluster") as client:
        answer = await patch(client, WEB, {"spec": {"replicas": 3}})
    assert (answer.status_code, answer.json()["reason"]) == (500, "InternalError")
    assert "secret detail" not in answer.text


async def test_a_pod_made_through_the_api_is_pending(client: httpx.AsyncClient) -> None:
    sent = pod("fresh")
    del sent["spec"]["nodeName"]
    made = (await client.post(f"{CORE}/pods", json=sent)).json()
    assert made["status"] == {"phase": "Pending"}
    assert made["spec"]["serviceAccountName"] == "default"
