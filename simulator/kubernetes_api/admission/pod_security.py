"""PodSecurity: a namespace's labels say which standard its pods have to keep, and for which one a warning is enough.

A pod that breaks the enforced standard is refused; the warned-of one only answers with a warning, for workloads too, because they are
where the author of a pod is listening.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from simulator.kubernetes_api.admission.request import Object, Request, containers_of

PREFIX = "pod-security.kubernetes.io/"
LEVELS = ("privileged", "baseline", "restricted")
_DEFAULT_CAPABILITIES = frozenset(
    {
        "AUDIT_WRITE",
        "CHOWN",
        "DAC_OVERRIDE",
        "FOWNER",
        "FSETID",
        "KILL",
        "MKNOD",
        "NET_BIND_SERVICE",
        "SETFCAP",
        "SETGID",
    }
    | {"SETPCAP", "SETUID", "SYS_CHROOT"}
)
_PLAIN_VOLUMES = frozenset(
    {
        "configMap",
        "csi",
        "downwardAPI",
        "emptyDir",
        "ephemeral",
        "image",
        "persistentVolumeClaim",
        "projected",
        "secret",
    }
)
_TEMPLATED = frozenset({"DaemonSet", "Deployment", "Job", "ReplicaSet", "ReplicationController", "StatefulSet"})


def check(request: Request) -> None:
    if request.kind not in ("Pod", "CronJob", *_TEMPLATED):
        return
    namespace = request.store.get("Namespace", None, request.namespace)
    labels = (namespace or {"metadata": {}})["metadata"].get("labels") or {}
    if not any(label.startswith(PREFIX) for label in labels) or _is_settled(request):
        return
    pod = _pod_of(request)
    if request.kind == "Pod" and (broken := violations(pod, labels.get(f"{PREFIX}enforce", ""))):
        raise request.forbidden(f"violates PodSecurity {_standard(labels, 'enforce')}: {', '.join(broken)}")
    if broken := violations(pod, labels.get(f"{PREFIX}warn", "")):
        request.warnings.append(f"would violate PodSecurity {_standard(labels, 'warn')}: {', '.join(broken)}")


def _is_settled(request: Request) -> bool:
    """A write that leaves the pod's own definition as it was, such as one of a status."""
    return request.old is not None and request.old.get("spec") == request.obj.get("spec")


def _standard(labels: Object, mode: str) -> str:
    return f'"{labels[PREFIX + mode]}:{labels.get(f"{PREFIX}{mode}-version", "latest")}"'


def _pod_of(request: Request) -> Object:
    spec = request.obj.get("spec") or {}
    if request.kind == "Pod":
        return request.obj
    if request.kind == "CronJob":
        spec = (spec.get("jobTemplate") or {}).get("spec") or {}
    template: Object = spec.get("template") or {}
    return template


def violations(pod: Object, level: str) -> list[str]:
    if level not in LEVELS[1:]:
        return []
    return [*_baseline(pod), *(_restricted(pod) if level == "restricted" else ())]


def _baseline(pod: Object) -> Iterator[str]:
    spec = pod.get("spec") or {}
    shared = [name for name in ("hostNetwork", "hostPID", "hostIPC") if spec.get(name)]
    if shared:
        yield f"host namespaces ({', '.join(f'{name}=true' for name in shared)})"
    paths = [volume["name"] for volume in spec.get("volumes") or [] if "hostPath" in volume]
    if paths:
        yield f"hostPath volumes ({_named('volume', paths)})"
    yield from _host_ports(pod)
    if bad := [each for each in containers_of(pod) if _security(each).get("privileged")]:
        yield f"privileged ({_containers(bad)} must not set securityContext.privileged=true)"
    added = {each["name"]: _strange_capabilities(each) for each in containers_of(pod)}
    if bad := [each for each in containers_of(pod) if added[each["name"]]]:
        names = ", ".join(f'"{name}"' for name in sorted({name for each in bad for name in added[each["name"]]}))
        yield f"non-default capabilities ({_containers(bad)} must not include {names} in securityContext.capabilities.add)"
    if bad := [each for each in containers_of(pod) if _seccomp(each) == "Unconfined"]:
        yield f'seccompProfile ({_containers(bad)} must not set securityContext.seccompProfile.type to "Unconfined")'


def _host_ports(pod: Object) -> Iterator[str]:
    ports = {
        each["name"]: [p["hostPort"] for p in each.get("ports") or [] if p.get("hostPort")]
        for each in containers_of(pod)
    }
    bad = [each for each in containers_of(pod) if ports[each["name"]]]
    if bad:
        used = sorted({port for each in bad for port in ports[each["name"]]})
        verb = "uses" if len(bad) == 1 else "use"
        yield f"hostPort ({_containers(bad)} {verb} hostPort{'s' if len(used) > 1 else ''} {', '.join(map(str, used))})"


def _restricted(pod: Object) -> Iterator[str]:
    spec, own = pod.get("spec") or {}, _security(pod.get("spec") or {})
    everyone = containers_of(pod)
    if bad := [each for each in everyone if _security(each).get("allowPrivilegeEscalation") is not False]:
        yield f"allowPrivilegeEscalation != false ({_containers(bad)} must set securityContext.allowPrivilegeEscalation=false)"
    if bad := [
        each for each in everyone if "ALL" not in ((_security(each).get("capabilities") or {}).get("drop") or [])
    ]:
        yield f'unrestricted capabilities ({_containers(bad)} must set securityContext.capabilities.drop=["ALL"])'
    yield from _restricted_volumes(spec)
    if bad := [each for each in everyone if _security(each).get("runAsNonRoot", own.get("runAsNonRoot")) is not True]:
        yield f"runAsNonRoot != true (pod or {_containers(bad)} must set securityContext.runAsNonRoot=true)"
    if bad := [each for each in everyone if _security(each).get("runAsUser") == 0]:
        yield f"runAsUser=0 ({_containers(bad)} must not set runAsUser=0)"
    allowed = ("RuntimeDefault", "Localhost")
    inherited = _seccomp(spec)
    if bad := [each for each in everyone if (_seccomp(each) or inherited) not in allowed]:
        wanted = " or ".join(f'"{name}"' for name in allowed)
        yield f"seccompProfile (pod or {_containers(bad)} must set securityContext.seccompProfile.type to {wanted})"


def _restricted_volumes(spec: Object) -> Iterator[str]:
    bad = [(volume["name"], (volume.keys() - {"name"} - _PLAIN_VOLUMES)) for volume in spec.get("volumes") or []]
    bad = [(name, kinds) for name, kinds in bad if kinds]
    if bad:
        kinds = sorted({kind for _, found in bad for kind in found})
        use = ("uses", "type") if len(bad) == 1 else ("use", "types")
        quoted = ", ".join(f'"{kind}"' for kind in kinds)
        names = _named("volume", [name for name, _ in bad])
        yield f"restricted volume types ({names} {use[0]} restricted volume {use[1] if len(kinds) > 1 else 'type'} {quoted})"


def _security(spec: Object) -> Object:
    context: Object = spec.get("securityContext") or {}
    return context


def _seccomp(spec: Object) -> str:
    return str((_security(spec).get("seccompProfile") or {}).get("type", ""))


def _strange_capabilities(container: Object) -> list[str]:
    added = (_security(container).get("capabilities") or {}).get("add") or []
    return [name for name in added if name not in _DEFAULT_CAPABILITIES]


def _containers(containers: Sequence[Object]) -> str:
    return _named("container", [str(each["name"]) for each in containers])


def _named(noun: str, names: Sequence[str]) -> str:
    return f"{noun}{'s' if len(names) > 1 else ''} {', '.join(f'{chr(34)}{name}{chr(34)}' for name in names)}"
