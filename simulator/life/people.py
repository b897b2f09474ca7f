"""What people and their pipelines do on an ordinary day: a patch version goes out, a setting is touched that nobody reads.

Both write as a client would, under a field manager of their own. The pipeline asks first whether all is green, as a decent one does: it
deploys into no incident and over nobody's unfinished roll-out.
"""

from __future__ import annotations

from datetime import datetime

from simulator.apps import App, Shop
from simulator.clock import rfc3339
from simulator.kubernetes_api.managed_fields import Manager, record_update
from simulator.noise import uniform
from simulator.objects import Object, annotations_of, namespace_of, with_metadata, with_spec
from simulator.registry import Registry
from simulator.shop import repository
from simulator.store import Store

PIPELINE = "deploy-pipeline"
CHANGE_CAUSE = "kubernetes.io/change-cause"
SUBJECTS = (
    "bump dependencies",
    "tidy up log messages",
    "fix a typo in the help text",
    "更新依赖版本",
    "refactor request validation",
    "add a metric for cache hits",
    "优化日志输出",
    "remove a feature flag that is on everywhere",
)
NOTICES = ("spring", "summer", "autumn", "winter", "none", "holidays")


def release(store: Store, registry: Registry, shop: Shop, seed: int, name: str, now: datetime) -> str | None:
    """A patch version of some program goes out; its name, or None where the pipeline held back."""
    apps = [app for app in shop.apps if app.protocol == "http" and app.strategy == "RollingUpdate"]
    if not apps or not _all_green(store, shop):
        return None
    app = apps[int(uniform(seed, f"{name}/app") * len(apps))]
    known = store.get("Deployment", app.namespace, app.name)
    version = _next_version(known, app) if known else None
    if known is None or version is None:
        return None
    reference = registry.publish(app, version)
    subject = SUBJECTS[int(uniform(seed, f"{name}/subject") * len(SUBJECTS))]
    changed = _with_image(known, app, reference)
    annotations = {**annotations_of(known), CHANGE_CAUSE: f"{app.name} {version}: {subject}"}
    _write(
        store,
        "Deployment",
        known,
        with_metadata(changed, annotations=annotations),
        Manager(PIPELINE, "Update", "apps/v1", rfc3339(now)),
    )
    return app.name


def touch_settings(store: Store, shop: Shop, seed: int, name: str, now: datetime) -> None:
    """Somebody edits the banner of the season, which no program reads before it starts."""
    namespace = shop.namespaces[int(uniform(seed, f"{name}/namespace") * len(shop.namespaces))]
    known = store.get("ConfigMap", namespace, shop.settings)
    if known is None:
        return
    notice = NOTICES[int(uniform(seed, f"{name}/notice") * len(NOTICES))]
    changed = {**known, "data": {**(known.get("data") or {}), "SEASONAL_BANNER": notice}}
    _write(store, "ConfigMap", known, changed, Manager("kubectl-edit", "Update", "v1", rfc3339(now)))


def _write(store: Store, kind: str, known: Object, changed: Object, manager: Manager) -> None:
    store.update(kind, record_update(kind, known, changed, manager))


def _all_green(store: Store, shop: Shop) -> bool:
    return all(_is_settled(each) for each in store.list("Deployment") if namespace_of(each) in shop.namespaces)


def _is_settled(deployment: Object) -> bool:
    status, wanted = deployment.get("status") or {}, int(deployment["spec"].get("replicas", 1))
    counts = [status.get(field, 0) for field in ("replicas", "updatedReplicas", "availableReplicas")]
    return counts == [wanted] * 3 and status.get("observedGeneration") == deployment["metadata"]["generation"]


def _next_version(deployment: Object, app: App) -> str | None:
    """The patch after the one that runs; None where something else runs than what the pipeline put there."""
    image = _container(deployment, app).get("image", "")
    tag = image.removeprefix(f"{repository(app)}:")
    parts = tag.split(".")
    if tag == image or not all(part.isdigit() for part in parts):
        return None
    return ".".join([*parts[:-1], str(int(parts[-1]) + 1)])


def _container(deployment: Object, app: App) -> Object:
    containers = deployment["spec"]["template"]["spec"]["containers"]
    return next((dict(each) for each in containers if each["name"] == app.name), {})


def _with_image(deployment: Object, app: App, reference: str) -> Object:
    template = deployment["spec"]["template"]
    containers = [
        {**each, "image": reference} if each["name"] == app.name else each for each in template["spec"]["containers"]
    ]
    return with_spec(deployment, template={**template, "spec": {**template["spec"], "containers": containers}})


__all__ = ["CHANGE_CAUSE", "PIPELINE", "release", "touch_settings"]
