"""The shipped rules about pods that do not come up, played by Prometheus itself: what fires, when, and what must stay silent."""

import subprocess
from pathlib import Path

import pytest
import yaml

from alerts.rules import SHIPPED

POD = 'namespace="shop", pod="cart-1"'
CLAIM = 'namespace="shop", persistentvolumeclaim="data"'
SET = 'namespace="shop", replicaset="cart-5d"'
UNPLACED = {f'kube_pod_status_scheduled{{{POD}, condition="false"}}': "1x20"}
UNREADY = {
    f'kube_pod_status_ready{{{POD}, condition="false"}}': "1x20",
    f'kube_pod_status_phase{{{POD}, phase="Running"}}': "1x20",
}
UNBOUND = {f'kube_persistentvolumeclaim_status_phase{{{CLAIM}, phase="Pending"}}': "1x20"}
MOUNTED = {f"kube_pod_spec_volumes_persistentvolumeclaims_info{{{CLAIM}, {POD.split(', ')[1]}}}": "1x20"}
REFUSED = {f"kube_replicaset_status_replicas{{{SET}}}": "1x20", f"kube_replicaset_spec_replicas{{{SET}}}": "3x20"}
CREATED = {f"kube_replicaset_status_replicas{{{SET}}}": "3x20", f"kube_replicaset_spec_replicas{{{SET}}}": "3x20"}
CONFIG = {
    f'kube_pod_container_status_waiting_reason{{{POD}, container="app", reason="CreateContainerConfigError"}}': "1x20"
}
CREATING = {f'kube_pod_container_status_waiting_reason{{{POD}, container="app", reason="ContainerCreating"}}': "1x20"}
INIT = {f'kube_pod_init_container_status_waiting_reason{{{POD}, container="wait", reason="CrashLoopBackOff"}}': "1x20"}
OF_A_JOB = {f'kube_pod_owner{{{POD}, owner_kind="Job"}}': "1x20"}
GOING = {f"kube_pod_deletion_timestamp{{{POD}}}": "1x20"}
DONE = {
    f'kube_pod_status_ready{{{POD}, condition="false"}}': "1x20",
    f'kube_pod_status_phase{{{POD}, phase="Succeeded"}}': "1x20",
}
BRIEFLY = dict.fromkeys(UNREADY, "1x1 0x18")
FEWER = {
    'kube_deployment_status_replicas_available{namespace="shop", deployment="cart"}': "1x20",
    'kube_deployment_spec_replicas{namespace="shop", deployment="cart"}': "3x20",
}


@pytest.mark.real("prometheus")
@pytest.mark.parametrize(
    ("rule", "samples", "minute"),
    [
        ("KubePodUnschedulable", UNPLACED, 3),
        ("KubePodNotReady", UNREADY, 4),
        ("KubePersistentVolumeClaimPending", UNBOUND | MOUNTED, 3),
        ("KubePodsNotCreated", REFUSED, 3),
        ("KubeContainerWaiting", CONFIG, 1),
        ("KubeContainerWaiting", INIT, 1),
        ("KubeDeploymentReplicasMismatch", FEWER, 5),
    ],
)
def test_a_rule_fires_after_its_patience_and_not_before(
    rule: str, samples: dict[str, str], minute: int, tmp_path: Path
) -> None:
    assert not fires(rule, samples, minute - 1, tmp_path)
    assert fires(rule, samples, minute + 1, tmp_path)


@pytest.mark.real("prometheus")
@pytest.mark.parametrize(
    ("rule", "samples"),
    [
        pytest.param("KubePodNotReady", UNREADY | OF_A_JOB, id="a pod of a Job"),
        pytest.param("KubePodNotReady", UNREADY | GOING, id="a pod that is being deleted"),
        pytest.param("KubePodNotReady", DONE, id="a pod that has done its work"),
        pytest.param("KubePodNotReady", BRIEFLY, id="a pod that becomes ready"),
        pytest.param("KubePersistentVolumeClaimPending", UNBOUND, id="a claim nobody mounts"),
        pytest.param("KubePodsNotCreated", CREATED, id="a set with all its pods"),
        pytest.param("KubeContainerWaiting", CREATING, id="a container that is being made"),
    ],
)
def test_what_is_well_or_will_be_stays_silent(rule: str, samples: dict[str, str], tmp_path: Path) -> None:
    assert not fires(rule, samples, 15, tmp_path)


def fires(rule: str, samples: dict[str, str], minute: int, folder: Path) -> bool:
    """Asked by claiming that nothing fires: Prometheus contradicts where something does."""
    test = {
        "rule_files": [str(path) for path in sorted(SHIPPED.glob("*.yaml"))],
        "evaluation_interval": "1m",
        "tests": [
            {
                "interval": "1m",
                "input_series": [{"series": name, "values": values} for name, values in samples.items()],
                "alert_rule_test": [{"eval_time": f"{minute}m", "alertname": rule, "exp_alerts": []}],
            }
        ],
    }
    (folder / "test.yaml").write_text(yaml.safe_dump(test))
    done = subprocess.run(
        ["promtool", "test", "rules", str(folder / "test.yaml")],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    said = done.stdout + done.stderr
    assert done.returncode == 0 or f"alertname: {rule}" in said, said
    return done.returncode != 0
