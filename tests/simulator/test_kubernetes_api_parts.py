"""The parts under the API, one by one: selectors, patches, quantities, field sets, ages."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from simulator.kubernetes_api.decode import MAX_DEPTH, Malformed, decode, parse_json, parse_yaml
from simulator.kubernetes_api.defaults import defaulted
from simulator.kubernetes_api.managed_fields import field_set
from simulator.kubernetes_api.patches import json_patch, merge_patch
from simulator.kubernetes_api.printers import human_duration, pod_ready, pod_restarts, pod_status
from simulator.kubernetes_api.quantity import is_quantity, quantity
from simulator.kubernetes_api.selectors import from_spec, labels_match, parse_fields, parse_labels, selector_text
from simulator.kubernetes_api.status import Failure
from simulator.kubernetes_api.strategic import strategic_merge
from tests.simulator.kubernetes_world import NOON, deployment, event, pod


def labelled(**labels: str) -> dict[str, Any]:
    return {"metadata": {"name": "x", "labels": labels}}


@pytest.mark.parametrize(
    ("selector", "matches"),
    [
        ("app=web", True),
        ("app==web,tier!=back", True),
        ("app!=web", False),
        ("app in (web, api)", True),
        ("app notin (web,api),tier=front", False),
        ("tier", True),
        ("!tier", False),
        ("!canary", True),
        ("canary!=yes", True),
        ("canary notin (yes)", True),
        ("rank>2", True),
        ("rank<2", False),
        ("", True),
    ],
)
def test_a_label_selector_selects_as_kubernetes_does(selector: str, matches: bool) -> None:
    assert labels_match(parse_labels(selector), labelled(app="web", tier="front", rank="3")) is matches


@pytest.mark.parametrize("selector", ["app=web=x", "app in web", "=web", "app in (a", "a b c", "-a=b"])
def test_a_label_selector_that_does_not_parse_is_refused(selector: str) -> None:
    with pytest.raises(Failure, match="unable to parse requirement") as refused:
        parse_labels(selector)
    assert refused.value.code == 400


def test_a_specs_selector_with_expressions_is_read_and_printed() -> None:
    expressions = [{"key": "tier", "operator": "In", "values": ["b", "a"]}, {"key": "old", "operator": "DoesNotExist"}]
    selector = {"matchLabels": {"app": "web"}, "matchExpressions": expressions}
    assert labels_match(from_spec(selector), labelled(app="web", tier="a"))
    assert not labels_match(from_spec(selector), labelled(app="web", tier="a", old="1"))
    assert selector_text(selector) == "!old,app=web,tier in (a,b)"


@pytest.mark.parametrize(
    ("selector", "matches"),
    [
        ("metadata.name=web-0", True),
        ("status.phase=Running,spec.nodeName=node-1", True),
        ("status.phase!=Running", False),
        ("spec.hostNetwork=false", True),
        ("status.nominatedNodeName=", True),
    ],
)
def test_a_field_selector_reads_the_fields_that_pods_index(selector: str, matches: bool) -> None:
    assert parse_fields(selector, "Pod")(pod("web-0")) is matches


def test_events_are_selected_by_what_they_are_about() -> None:
    about = parse_fields("involvedObject.name=web-0,involvedObject.kind=Pod,type=Warning,source=kubelet", "Event")
    assert about(event("e"))
    assert not about(event("e", about="web-1"))
    assert parse_fields("regarding.name=web-0", "Event")(event("e"))


def test_a_field_that_the_kind_does_not_index_is_refused() -> None:
    with pytest.raises(Failure, match=r"field label not supported: spec\.image"):
        parse_fields("spec.image=x", "Pod")


def test_a_merge_patch_removes_with_null_and_replaces_lists() -> None:
    target = {"a": {"b": 1, "c": 2}, "l": [1, 2]}
    assert merge_patch(target, {"a": {"b": None}, "l": [3]}) == {"a": {"c": 2}, "l": [3]}
    assert target == {"a": {"b": 1, "c": 2}, "l": [1, 2]}


def test_a_json_patch_runs_its_operations_in_order() -> None:
    operations = [
        {"op": "test", "path": "/spec/replicas", "value": 2},
        {"op": "replace", "path": "/spec/replicas", "value": 3},
        {"op": "add", "path": "/list/1", "value": "b"},
        {"op": "add", "path": "/list/-", "value": "d"},
        {"op": "remove", "path": "/list/0"},
        {"op": "add", "path": "/labels/a~1b", "value": "x"},
        {"op": "copy", "from": "/labels/a~1b", "path": "/copied"},
        {"op": "move", "from": "/copied", "path": "/moved"},
    ]
    target = {"spec": {"replicas": 2}, "list": ["a", "c"], "labels": {}}
    patched = json_patch(target, operations)
    assert patched == {"spec": {"replicas": 3}, "list": ["b", "c", "d"], "labels": {"a/b": "x"}, "moved": "x"}
    assert target["list"] == ["a", "c"]


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "test", "path": "/a", "value": 2},
        {"op": "remove", "path": "/nope"},
        {"op": "replace", "path": "/nope", "value": 1},
        {"op": "add", "path": "/list/7", "value": 1},
        {"op": "remove", "path": "/list/-1"},
        {"op": "add", "path": "/a/b/c", "value": 1},
    ],
)
def test_a_json_patch_that_does_not_fit_is_422(operation: dict[str, Any]) -> None:
    with pytest.raises(Failure) as refused:
        json_patch({"a": 1, "list": []}, [operation])
    assert refused.value.code == 422


@pytest.mark.parametrize(
    "operations",
    [
        {},
        ["x"],
        [{"op": "spin", "path": "/a"}],
        [{"op": "add", "path": "a", "value": 1}],
        [{"op": "add", "path": "/a"}],
    ],
)
def test_a_json_patch_that_is_none_is_400(operations: Any) -> None:
    with pytest.raises(Failure) as refused:
        json_patch({"a": 1}, operations)
    assert refused.value.code == 400


def template_patch(spec: dict[str, Any]) -> dict[str, Any]:
    return {"spec": {"template": {"spec": spec}}}


def merged_pod_spec(live: dict[str, Any], patch: dict[str, Any]) -> dict[str, Any]:
    target = deployment()
    target["spec"]["template"]["spec"] |= live
    merged = strategic_merge("Deployment", target, template_patch(patch))
    result: dict[str, Any] = merged["spec"]["template"]["spec"]
    return result


def test_containers_merge_by_name_and_env_by_name() -> None:
    live = {"containers": [{"name": "web", "image": "a", "env": [{"name": "A", "value": "1"}]}, {"name": "side"}]}
    patch = {"containers": [{"name": "web", "image": "b", "env": [{"name": "B", "value": "2"}]}]}
    first, second = merged_pod_spec(live, patch)["containers"]
    assert first == {"name": "web", "image": "b", "env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]}
    assert second == {"name": "side"}


def test_container_ports_merge_by_container_port_and_service_ports_by_port() -> None:
    live = {"containers": [{"name": "web", "ports": [{"containerPort": 80, "name": "http"}]}]}
    patch = {"containers": [{"name": "web", "ports": [{"containerPort": 80, "protocol": "TCP"}]}]}
    merged = merged_pod_spec(live, patch)
    assert merged["containers"][0]["ports"] == [{"containerPort": 80, "name": "http", "protocol": "TCP"}]
    service = {"metadata": {}, "spec": {"ports": [{"port": 80, "targetPort": 8080}]}}
    moved = strategic_merge("Service", service, {"spec": {"ports": [{"port": 80, "targetPort": 9090}]}})
    assert moved["spec"]["ports"] == [{"port": 80, "targetPort": 9090}]


def test_tolerations_have_no_merge_key_and_are_replaced() -> None:
    live = {"tolerations": [{"key": "a", "operator": "Exists"}]}
    merged = merged_pod_spec(live, {"tolerations": [{"key": "b", "operator": "Exists"}]})
    assert merged["tolerations"] == [{"key": "b", "operator": "Exists"}]


def test_a_list_item_can_be_deleted_by_its_key() -> None:
    live = {"volumes": [{"name": "data"}, {"name": "tmp"}]}
    merged = merged_pod_spec(live, {"volumes": [{"name": "tmp", "$patch": "delete"}]})
    assert merged["volumes"] == [{"name": "data"}]


def test_a_list_and_a_map_can_be_replaced_whole() -> None:
    live = {"volumes": [{"name": "data"}], "nodeSelector": {"disk": "ssd"}}
    patch = {"volumes": [{"$patch": "replace"}, {"name": "new"}], "nodeSelector": {"$patch": "replace", "zone": "a"}}
    merged = merged_pod_spec(live, patch)
    assert merged["volumes"] == [{"name": "new"}]
    assert merged["nodeSelector"] == {"zone": "a"}


def test_the_order_of_elements_follows_the_clients_wish() -> None:
    live = {"containers": [{"name": "a"}, {"name": "b"}]}
    order = [{"name": "b"}, {"name": "a"}]
    merged = merged_pod_spec(live, {"$setElementOrder/containers": order, "containers": [{"name": "b", "image": "i"}]})
    assert [item["name"] for item in merged["containers"]] == ["b", "a"]


def test_retained_keys_drop_the_other_fields_of_a_strategy() -> None:
    target = {"spec": {"strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1}}}}
    patch = {"spec": {"strategy": {"$retainKeys": ["type"], "type": "Recreate"}}}
    assert strategic_merge("Deployment", target, patch) == {"spec": {"strategy": {"type": "Recreate"}}}


def test_finalizers_are_a_set_from_which_one_can_be_taken() -> None:
    target = {"metadata": {"finalizers": ["a", "b"]}}
    added = strategic_merge("Pod", target, {"metadata": {"finalizers": ["b", "c"]}})
    assert added == {"metadata": {"finalizers": ["a", "b", "c"]}}
    taken = strategic_merge("Pod", target, {"metadata": {"$deleteFromPrimitiveList/finalizers": ["a"]}})
    assert taken == {"metadata": {"finalizers": ["b"]}}


def test_an_item_without_its_merge_key_is_refused() -> None:
    with pytest.raises(Failure, match="does not contain declared merge key: name"):
        merged_pod_spec({}, {"containers": [{"image": "b"}]})


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("250m", "0.25"),
        ("1.5Gi", "1610612736"),
        ("1e3", "1000"),
        ("2k", "2000"),
        (".5", "0.5"),
        ("-1", "-1"),
        ("3Ei", str(3 * 2**60)),
    ],
)
def test_quantities_have_their_amount(text: str, amount: str) -> None:
    assert quantity(text) == Decimal(amount)


@pytest.mark.parametrize("text", ["", "1.5.2", "12 Mi", "MB", "1Mb", "0x10", "1e999", "9" * 70])
def test_what_is_no_quantity_is_not_taken_for_one(text: str) -> None:
    assert not is_quantity(text)


def test_decoding_drops_nulls_and_names_unknown_fields() -> None:
    document = {"metadata": {"name": "x", "labels": None}, "spec": {"replica": 1, "replicas": None, "paused": True}}
    assert decode("Deployment", document) == ({"metadata": {"name": "x"}, "spec": {"paused": True}}, ["spec.replica"])


@pytest.mark.parametrize(
    ("spec", "sentence"),
    [
        (5, "cannot unmarshal number into Go struct field Deployment.spec of type v1.DeploymentSpec"),
        ({"replicas": "3"}, "cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32"),
        ({"replicas": 1.5}, r"cannot unmarshal number 1\.5 into Go struct field .* of type int32"),
        ({"replicas": True}, "cannot unmarshal bool"),
        ({"replicas": 3_000_000_000}, r"cannot unmarshal number .* of type int32"),
        ({"paused": "yes"}, "cannot unmarshal string into Go struct field DeploymentSpec.spec.paused of type bool"),
        (template_patch({"containers": {}})["spec"], r"cannot unmarshal object .* of type \[\]v1.Container"),
        (template_patch({"containers": ["web"]})["spec"], "cannot unmarshal string"),
        (template_patch({"nodeSelector": []})["spec"], r"cannot unmarshal array .* of type map\[string\]string"),
        ({"selector": {"matchLabels": {"app": 1}}}, r"cannot unmarshal number"),
    ],
)
def test_a_value_of_the_wrong_type_is_told_in_the_decoders_words(spec: Any, sentence: str) -> None:
    with pytest.raises(Malformed, match=sentence):
        decode("Deployment", {"metadata": {"name": "x"}, "spec": spec})


def test_a_bad_quantity_does_not_decode() -> None:
    limits = {"containers": [{"name": "c", "resources": {"limits": {"memory": "12 Mi"}}}]}
    with pytest.raises(Malformed, match="quantities must match the regular expression"):
        decode("Pod", {"metadata": {}, "spec": limits})


def test_deep_documents_are_refused_before_anything_walks_them() -> None:
    with pytest.raises(Failure, match="nested deeper"):
        parse_json(b"[" * (MAX_DEPTH + 5) + b"]" * (MAX_DEPTH + 5))
    with pytest.raises(Failure) as refused:
        parse_json(b"[" * 100_000)
    assert refused.value.code == 400


def _nested(merge: str) -> str:
    """Sixteen levels of three: 48 aliases in a few hundred bytes, and 43 million values when all is written out."""
    levels = (merge.format(name=f"a{i}", of=", ".join([f"*a{i - 1}"] * 3)) for i in range(1, 17))
    return "a0: &a0 {x: 1}\n" + "".join(levels)


@pytest.mark.parametrize(
    "bomb",
    [
        "a: &a [x, x]\n" + "".join(f"b{i}: [{', '.join(['*a'] * 10)}]\n" for i in range(20)),
        _nested("{name}: &{name} [{of}]\n"),
        _nested("{name}: &{name} {{<<: [{of}]}}\n"),
    ],
    ids=["many", "lists in lists", "merged maps"],
)
def test_yaml_that_would_grow_is_refused(bomb: str) -> None:
    with pytest.raises(Failure, match="document contains excessive aliasing"):
        parse_yaml(bomb.encode())


def test_yaml_with_a_few_aliases_and_many_stars_is_read() -> None:
    assert parse_yaml(b"a: &a [x, '" + b"*" * 500 + b"']\nb: *a\nc: *a\n")["c"] == ["x", "*" * 500]


@pytest.mark.parametrize("text", [b"a: [", b"\xff\xfe", b"a: !!python/object:os.x {}", b"- " * 3000])
def test_yaml_that_does_not_parse_is_400(text: bytes) -> None:
    with pytest.raises(Failure) as refused:
        parse_yaml(text)
    assert refused.value.code == 400


def test_a_yaml_number_that_no_json_holds_is_400() -> None:
    with pytest.raises(Failure, match="out of range"):
        parse_yaml(b"a: 1000000000000000000000000000000")


def test_yaml_dates_and_numbers_as_keys_become_text() -> None:
    assert parse_yaml(b"data: {1: 2026-03-02}") == {"data": {"1": "2026-03-02"}}


def test_a_field_set_names_fields_keyed_items_and_set_values() -> None:
    obj = {
        "metadata": {"name": "x", "labels": {"app": "web"}, "finalizers": ["f"]},
        "spec": {"containers": [{"name": "web", "image": "i"}], "tolerations": [{"key": "a"}]},
    }
    assert field_set("Pod", obj) == {
        "f:metadata": {"f:labels": {"f:app": {}}, "f:finalizers": {'v:"f"': {".": {}}}},
        "f:spec": {
            "f:containers": {'k:{"name":"web"}': {".": {}, "f:name": {}, "f:image": {}}},
            "f:tolerations": {},
        },
    }


def test_defaults_fill_a_deployment_and_keep_what_is_set() -> None:
    filled = defaulted("Deployment", deployment(replicas=3))
    spec = filled["spec"]
    assert spec["replicas"] == 3
    assert spec["strategy"] == {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": "25%", "maxSurge": "25%"}}
    assert spec["template"]["spec"]["restartPolicy"] == "Always"
    assert spec["template"]["spec"]["containers"][0]["imagePullPolicy"] == "IfNotPresent"
    assert defaulted("Deployment", filled) == filled


@pytest.mark.parametrize(
    ("image", "policy"),
    [
        ("nginx", "Always"),
        ("nginx:latest", "Always"),
        ("nginx:1.25", "IfNotPresent"),
        ("registry:5000/nginx", "Always"),
        ("nginx@sha256:abc", "IfNotPresent"),
    ],
)
def test_the_pull_policy_follows_the_tag(image: str, policy: str) -> None:
    filled = defaulted("Pod", {"metadata": {}, "spec": {"containers": [{"name": "c", "image": image}]}})
    assert filled["spec"]["containers"][0]["imagePullPolicy"] == policy


def test_requests_follow_limits_where_they_are_left_out() -> None:
    resources = {"limits": {"cpu": "1", "memory": "1Gi"}, "requests": {"cpu": "100m"}}
    filled = defaulted("Pod", {"metadata": {}, "spec": {"containers": [{"name": "c", "resources": resources}]}})
    assert filled["spec"]["containers"][0]["resources"]["requests"] == {"cpu": "100m", "memory": "1Gi"}


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-5, "<invalid>"),
        (0, "0s"),
        (119, "119s"),
        (130, "2m10s"),
        (600, "10m"),
        (10_800, "3h"),
        (11_220, "3h7m"),
        (100_000, "27h"),
        (180_000, "2d2h"),
        (86_400 * 30, "30d"),
        (86_400 * 800, "2y70d"),
        (86_400 * 3000, "8y"),
    ],
)
def test_ages_are_said_as_kubectl_says_them(seconds: int, text: str) -> None:
    assert human_duration(timedelta(seconds=seconds)) == text


def waiting(reason: str) -> dict[str, Any]:
    return {"name": "web", "ready": False, "restartCount": 3, "state": {"waiting": {"reason": reason}}}


def ended(code: int, reason: str = "") -> dict[str, Any]:
    return {"name": "web", "state": {"terminated": {"exitCode": code, "reason": reason}}}


@pytest.mark.parametrize(
    ("status", "word"),
    [
        ({}, "Running"),
        ({"containerStatuses": [waiting("CrashLoopBackOff")]}, "CrashLoopBackOff"),
        ({"containerStatuses": [ended(137, "OOMKilled")]}, "OOMKilled"),
        ({"containerStatuses": [ended(3)]}, "ExitCode:3"),
        ({"phase": "Pending", "containerStatuses": []}, "Pending"),
        ({"phase": "Failed", "reason": "Evicted", "containerStatuses": []}, "Evicted"),
        ({"initContainerStatuses": [ended(1, "Error")]}, "Init:Error"),
        ({"initContainerStatuses": [{"name": "i", "state": {"running": {}}}]}, "Init:0/0"),
    ],
)
def test_a_pods_status_is_one_word(status: dict[str, Any], word: str) -> None:
    assert pod_status(pod("web-0", **status)) == word


def test_a_leaving_pod_is_terminating_whatever_it_was() -> None:
    leaving = pod("web-0")
    leaving["metadata"]["deletionTimestamp"] = "2026-03-02T12:00:00Z"
    assert pod_status(leaving) == "Terminating"


def test_restarts_tell_when_the_last_one_was() -> None:
    status = {**waiting("CrashLoopBackOff"), "lastState": {"terminated": {"finishedAt": "2026-03-02T11:55:00Z"}}}
    crashing = pod("web-0", containerStatuses=[status])
    assert pod_restarts(crashing, NOON) == "3 (5m ago)"
    assert pod_ready(crashing) == "0/1"
