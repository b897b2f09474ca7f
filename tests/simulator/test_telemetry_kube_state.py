"""kube-state-metrics of hand-written objects, whole: every name, every label and every value of a kind, as the real exporter tells them."""

from __future__ import annotations

import pytest

from simulator.objects import Object
from simulator.telemetry.kube_state import BASE, COLLECTORS

BORN, LATER = "2026-01-01T00:00:00Z", "2026-01-01T01:00:00Z"
THEN, LATER_THEN = 1_767_225_600, 1_767_229_200
CONTROLLER = {"kind": "ReplicaSet", "name": "web-1", "controller": True, "uid": "r"}


def told(kind: str, content: Object) -> dict[str, float]:
    """As the text format shows it, without the labels of the target."""
    metadata = {"name": "web", "namespace": "shop", "uid": "u", "resourceVersion": "41", "generation": 3}
    obj: Object = {"spec": {}, **content}
    obj["metadata"] = {**metadata, "creationTimestamp": BORN, **content.get("metadata", {})}
    found = {}
    for labels, value in COLLECTORS[kind](obj):
        named = dict(labels)
        assert {key: named.pop(key) for key in BASE} == BASE
        name = named.pop("__name__")
        line = f"{name}{{{','.join(f'{key}={text}' for key, text in sorted(named.items()))}}}"
        assert line not in found, "a series is told twice"
        found[line] = value
    return found


WHOLE: list[tuple[str, Object, dict[str, float]]] = [
    (
        "ReplicaSet",
        {"metadata": {"ownerReferences": [{"kind": "Deployment", "name": "web", "controller": True}]}}
        | {"spec": {"replicas": 3}, "status": {"replicas": 2, "readyReplicas": 1}},
        {
            "kube_replicaset_spec_replicas{namespace=shop,replicaset=web}": 3,
            "kube_replicaset_status_replicas{namespace=shop,replicaset=web}": 2,
            "kube_replicaset_status_ready_replicas{namespace=shop,replicaset=web}": 1,
            "kube_replicaset_created{namespace=shop,replicaset=web}": THEN,
            "kube_replicaset_owner{namespace=shop,owner_is_controller=true,owner_kind=Deployment,owner_name=web,"
            "replicaset=web}": 1,
        },
    ),
    (
        "CronJob",
        {"spec": {"schedule": "0 3 * * *"}, "status": {"active": [{}, {}], "lastScheduleTime": LATER}},
        {
            "kube_cronjob_info{concurrency_policy=Allow,cronjob=web,namespace=shop,schedule=0 3 * * *}": 1,
            "kube_cronjob_spec_suspend{cronjob=web,namespace=shop}": 0,
            "kube_cronjob_status_active{cronjob=web,namespace=shop}": 2,
            "kube_cronjob_status_last_schedule_time{cronjob=web,namespace=shop}": LATER_THEN,
            "kube_cronjob_created{cronjob=web,namespace=shop}": THEN,
        },
    ),
    (
        "Service",
        {"spec": {"clusterIP": "10.96.0.7"}},
        {
            "kube_service_info{cluster_ip=10.96.0.7,namespace=shop,service=web,uid=u}": 1,
            "kube_service_spec_type{namespace=shop,service=web,type=ClusterIP,uid=u}": 1,
        },
    ),
    (
        "Endpoints",
        {"subsets": [{"addresses": [{"ip": "a"}], "notReadyAddresses": [{"ip": "b"}], "ports": [{"port": 80}]}]},
        {
            "kube_endpoint_address{endpoint=web,ip=a,namespace=shop,port_number=80,port_protocol=TCP,ready=true}": 1,
            "kube_endpoint_address{endpoint=web,ip=b,namespace=shop,port_number=80,port_protocol=TCP,ready=false}": 1,
            "kube_endpoint_info{endpoint=web,namespace=shop}": 1,
            "kube_endpoint_address_available{endpoint=web,namespace=shop}": 1,
            "kube_endpoint_address_not_ready{endpoint=web,namespace=shop}": 1,
        },
    ),
    (
        "Namespace",
        {"status": {"phase": "Terminating"}},
        {
            "kube_namespace_status_phase{namespace=web,phase=Active}": 0,
            "kube_namespace_status_phase{namespace=web,phase=Terminating}": 1,
        },
    ),
    (
        "PersistentVolume",
        {
            "spec": {"capacity": {"storage": "2Ki"}, "claimRef": {"name": "data", "namespace": "shop"}},
            "status": {"phase": "Released"},
        },
        {
            "kube_persistentvolume_info{persistentvolume=web}": 1,
            "kube_persistentvolume_status_phase{persistentvolume=web,phase=Pending}": 0,
            "kube_persistentvolume_status_phase{persistentvolume=web,phase=Available}": 0,
            "kube_persistentvolume_status_phase{persistentvolume=web,phase=Bound}": 0,
            "kube_persistentvolume_status_phase{persistentvolume=web,phase=Released}": 1,
            "kube_persistentvolume_status_phase{persistentvolume=web,phase=Failed}": 0,
            "kube_persistentvolume_capacity_bytes{persistentvolume=web}": 2048,
            "kube_persistentvolume_claim_ref{claim_namespace=shop,name=data,persistentvolume=web}": 1,
        },
    ),
    (
        "StorageClass",
        {"provisioner": "csi.example"},
        {
            "kube_storageclass_info{provisioner=csi.example,reclaim_policy=Delete,storageclass=web,"
            "volume_binding_mode=Immediate}": 1
        },
    ),
    (
        "ConfigMap",
        {},
        {
            "kube_configmap_info{configmap=web,namespace=shop}": 1,
            "kube_configmap_metadata_resource_version{configmap=web,namespace=shop}": 41,
        },
    ),
    (
        "Secret",
        {"type": "kubernetes.io/tls"},
        {
            "kube_secret_info{namespace=shop,secret=web}": 1,
            "kube_secret_type{namespace=shop,secret=web,type=kubernetes.io/tls}": 1,
        },
    ),
    (
        "ResourceQuota",
        {"status": {"hard": {"requests.cpu": "2"}, "used": {"requests.cpu": "1500m"}}},
        {
            "kube_resourcequota{namespace=shop,resource=requests.cpu,resourcequota=web,type=hard}": 2,
            "kube_resourcequota{namespace=shop,resource=requests.cpu,resourcequota=web,type=used}": 1.5,
        },
    ),
]


@pytest.mark.parametrize(("kind", "content", "wanted"), WHOLE, ids=[kind for kind, _, _ in WHOLE])
def test_an_object_is_told_whole(kind: str, content: Object, wanted: dict[str, float]) -> None:
    assert told(kind, content) == wanted


CONDITION = {"type": "Available", "status": "False"}
POD: Object = {
    "metadata": {"ownerReferences": [CONTROLLER]},
    "spec": {
        "nodeName": "n1",
        "volumes": [{"name": "v", "persistentVolumeClaim": {"claimName": "data"}}, {"name": "e", "emptyDir": {}}],
        "containers": [{"name": "c", "resources": {"requests": {"cpu": "250m"}, "limits": {"memory": "1Mi"}}}],
    },
    "status": {
        "phase": "Running",
        "podIP": "10.1.0.4",
        "qosClass": "Burstable",
        "conditions": [{"type": "Ready", "status": "Unknown"}],
        "containerStatuses": [
            {
                "name": "c",
                "ready": False,
                "restartCount": 4,
                "state": {"waiting": {"reason": "CrashLoopBackOff"}},
                "lastState": {"terminated": {"reason": "OOMKilled", "exitCode": 137}},
            }
        ],
    },
}
NODE: Object = {
    "metadata": {"labels": {"node-role.kubernetes.io/control-plane": "", "disk": "ssd"}},
    "spec": {"unschedulable": True, "taints": [{"key": "k", "effect": "NoSchedule"}]},
    "status": {"conditions": [{"type": "Ready", "status": "Unknown"}], "capacity": {"ephemeral-storage": "1Ki"}},
}
JOB: Object = {
    "spec": {},
    "status": {"failed": 2, "conditions": [{"type": "Failed", "status": "True", "reason": "DeadlineExceeded"}]},
}
SCALER: Object = {
    "spec": {
        "maxReplicas": 9,
        "scaleTargetRef": {"kind": "Deployment", "name": "web"},
        "metrics": [{"resource": {"name": "cpu", "target": {"averageUtilization": 70}}}, {"type": "External"}],
    },
    "status": {"desiredReplicas": 5},
}
STATES: list[tuple[str, Object, dict[str, float | None]]] = [
    (
        "Pod",
        POD,
        {
            "kube_pod_owner{namespace=shop,owner_is_controller=true,owner_kind=ReplicaSet,owner_name=web-1,"
            "pod=web,uid=u}": 1,
            "kube_pod_status_phase{namespace=shop,phase=Running,pod=web,uid=u}": 1,
            "kube_pod_status_phase{namespace=shop,phase=Failed,pod=web,uid=u}": 0,
            "kube_pod_status_ready{condition=unknown,namespace=shop,pod=web,uid=u}": 1,
            "kube_pod_status_ready{condition=true,namespace=shop,pod=web,uid=u}": 0,
            "kube_pod_status_scheduled{condition=true,namespace=shop,pod=web,uid=u}": None,
            "kube_pod_status_qos_class{namespace=shop,pod=web,qos_class=Burstable,uid=u}": 1,
            "kube_pod_container_resource_requests{container=c,namespace=shop,node=n1,pod=web,resource=cpu,uid=u,"
            "unit=core}": 0.25,
            "kube_pod_container_resource_limits{container=c,namespace=shop,node=n1,pod=web,resource=memory,uid=u,"
            "unit=byte}": 1048576,
            "kube_pod_container_status_restarts_total{container=c,namespace=shop,pod=web,uid=u}": 4,
            "kube_pod_container_status_running{container=c,namespace=shop,pod=web,uid=u}": 0,
            "kube_pod_container_status_waiting_reason{container=c,namespace=shop,pod=web,reason=CrashLoopBackOff,"
            "uid=u}": 1,
            "kube_pod_container_status_last_terminated_reason{container=c,namespace=shop,pod=web,"
            "reason=OOMKilled,uid=u}": 1,
            "kube_pod_container_status_last_terminated_exitcode{container=c,namespace=shop,pod=web,uid=u}": 137,
            "kube_pod_spec_volumes_persistentvolumeclaims_info{namespace=shop,persistentvolumeclaim=data,pod=web,"
            "uid=u,volume=v}": 1,
        },
    ),
    (
        "Node",
        NODE,
        {
            "kube_node_role{node=web,role=control-plane}": 1,
            "kube_node_spec_unschedulable{node=web}": 1,
            "kube_node_spec_taint{effect=NoSchedule,key=k,node=web}": 1,
            "kube_node_status_condition{condition=Ready,node=web,status=unknown}": 1,
            "kube_node_status_condition{condition=Ready,node=web,status=true}": 0,
            "kube_node_status_capacity{node=web,resource=ephemeral_storage,unit=byte}": 1024,
        },
    ),
    (
        "Job",
        JOB,
        {
            "kube_job_status_failed{job_name=web,namespace=shop,reason=DeadlineExceeded}": 1,
            "kube_job_status_failed{job_name=web,namespace=shop,reason=BackoffLimitExceeded}": 0,
            "kube_job_failed{condition=true,job_name=web,namespace=shop}": 1,
            "kube_job_complete{condition=true,job_name=web,namespace=shop}": None,
            "kube_job_spec_completions{job_name=web,namespace=shop}": None,
        },
    ),
    (
        "Job",
        {},
        {
            "kube_job_status_failed{job_name=web,namespace=shop}": 0,
        },
    ),
    (
        "HorizontalPodAutoscaler",
        SCALER,
        {
            "kube_horizontalpodautoscaler_spec_target_metric{horizontalpodautoscaler=web,metric_name=cpu,"
            "metric_target_type=utilization,namespace=shop}": 70,
            "kube_horizontalpodautoscaler_spec_min_replicas{horizontalpodautoscaler=web,namespace=shop}": 1,
            "kube_horizontalpodautoscaler_status_desired_replicas{horizontalpodautoscaler=web,namespace=shop}": 5,
        },
    ),
    (
        "Deployment",
        {"status": {"conditions": [CONDITION]}},
        {
            "kube_deployment_status_condition{condition=Available,deployment=web,namespace=shop,status=false}": 1,
        },
    ),
    (
        "Deployment",
        {"spec": {"paused": True}},
        {
            "kube_deployment_spec_paused{deployment=web,namespace=shop}": 1,
        },
    ),
    (
        "Deployment",
        {},
        {
            "kube_deployment_metadata_generation{deployment=web,namespace=shop}": 3,
        },
    ),
]


@pytest.mark.parametrize(("kind", "content", "wanted"), STATES)
def test_a_state_is_told_by_its_series_or_by_none(kind: str, content: Object, wanted: dict[str, float | None]) -> None:
    found = told(kind, content)
    assert {line: found.get(line) for line in wanted} == wanted
