"""Where an application keeps the addresses of what it calls: environment, a ConfigMap read as environment, or a file in a ConfigMap."""

from tests.evaluation.casebook.model import Call, Object, Program
from tests.evaluation.casebook.scene import Scene

_SCHEMES = {
    "mysql": "mysql",
    "postgres": "postgresql",
    "mongo": "mongodb",
    "redis": "redis",
    "rabbitmq": "amqp",
    "kafka": "",
    "nats": "nats",
}


def key_of(program: Program) -> str:
    return program.name.upper().replace("-", "_")


def url_of(caller: Program, call: Call) -> str:
    """The address as the caller writes it in one piece."""
    place = f"{call.host}:{call.port}"
    engine = call.callee.language
    if not call.callee.is_data:
        return f"http://{call.host}" if call.port == 80 and call.callee.name[0] < "m" else f"http://{place}"
    if engine in ("mysql", "postgres") and caller.language == "java":
        return f"jdbc:{_SCHEMES[engine]}://{place}/{_database(call)}"
    scheme = _SCHEMES[engine]
    return f"{scheme}://{place}/{_database(call) if call.callee.role == 'database' else 0}" if scheme else place


def _database(call: Call) -> str:
    return call.callee.namespace.replace("-", "_")


def write(scene: Scene, caller: Program, call: Call) -> None:
    """Put a call's address where this customer keeps them, and remember the place in the call."""
    habit = scene.style.addresses
    if caller.language == "nginx":
        habit = "file"
    if caller.role == "worker" and habit == "file":
        habit = "env-url"
    call.where = {"env-host": "env", "env-url": "env"}.get(habit, habit)
    call.text = url_of(caller, call)
    if habit == "env-host":
        call.key = f"{key_of(call.callee)}_HOST"
        caller.set_env(call.key, call.host)
        caller.set_env(f"{key_of(call.callee)}_PORT", str(call.port))
        call.text = call.host
    elif habit == "env-url":
        call.key = f"{key_of(call.callee)}_{'URL' if '://' in call.text else 'ADDR'}"
        caller.set_env(call.key, call.text)
    elif habit == "envfrom":
        call.key, call.holder = f"{key_of(call.callee)}_URL", f"{caller.name}-env"
        holder = _holder(scene, caller, call.holder)
        holder["data"][call.key] = call.text
        caller.container.setdefault("envFrom", [{"configMapRef": {"name": call.holder}}])
    else:
        _into_file(scene, caller, call)
    if call.callee.role in ("database", "cache"):
        _credentials(caller, call)


def readdress(scene: Scene, caller: Program, call: Call, *, host: str = "", port: int = 0) -> None:
    """Change an address where it is kept (in a template's copy, if the caller was revised)."""
    old, call.host, call.port = call.text, host or call.host, port or call.port
    new = call.host if call.text and "://" not in call.text and ":" not in call.text else url_of(caller, call)
    if call.where == "env":
        caller.set_env(call.key, new)
        if call.key.endswith("_HOST"):
            caller.set_env(call.key.removesuffix("_HOST") + "_PORT", str(call.port))
    elif call.where == "envfrom":
        scene.find("ConfigMap", call.holder, caller.namespace)["data"][call.key] = new
    else:
        holder = scene.find("ConfigMap", call.holder, caller.namespace)
        holder["data"][call.key] = holder["data"][call.key].replace(old, new)
    call.text = new


def _holder(scene: Scene, caller: Program, name: str) -> Object:
    try:
        return scene.find("ConfigMap", name, caller.namespace)
    except StopIteration:
        return scene.add("ConfigMap", name, caller.namespace, created=caller.created, data={"LOG_FORMAT": "json"})


def _into_file(scene: Scene, caller: Program, call: Call) -> None:
    """A line of the caller's configuration file, which is one key of a ConfigMap mounted into it."""
    call.where = "file"
    call.holder = f"{caller.name}-config"
    call.key = "nginx.conf" if caller.language == "nginx" else _file_for(scene, caller)
    try:
        holder = scene.find("ConfigMap", call.holder, caller.namespace)
    except StopIteration:
        holder = scene.add(
            "ConfigMap", call.holder, caller.namespace, created=caller.created, data={call.key: _head(caller, call.key)}
        )
        path = {"nginx.conf": "/etc/nginx/nginx.conf"}.get(call.key, f"/etc/{caller.name}/{call.key}")
        caller.container.setdefault("volumeMounts", []).append(
            {"name": "config", "mountPath": path, "subPath": call.key, "readOnly": True}
        )
        caller.pod_spec.setdefault("volumes", []).append(
            {"name": "config", "configMap": {"name": call.holder, "defaultMode": 420}}
        )
    holder["data"][call.key] = _added(call.key, holder["data"][call.key], call.callee.name, call.text)


def _file_for(scene: Scene, caller: Program) -> str:
    if caller.language == "java":
        return "application.yml"
    return scene.style.config_file if scene.style.config_file != "application.yml" else "config.yaml"


def _head(caller: Program, key: str) -> str:
    if key == "nginx.conf":
        server = f"  server {{\n    listen {caller.listens};\n  }}\n"
        return f"worker_processes auto;\nevents {{ worker_connections 1024; }}\nhttp {{\n{server}}}\n"
    if key.endswith((".yml", ".yaml")):
        return f"server:\n  port: {caller.listens}\nlogging:\n  level: info\nclients:\n"
    if key.endswith(".toml"):
        return f'[server]\nport = {caller.listens}\nlog_level = "info"\n\n[clients]\n'
    if key.endswith(".json"):
        return f'{{\n  "port": {caller.listens},\n  "clients": {{\n  }}\n}}\n'
    return f"PORT={caller.listens}\nLOG_LEVEL=info\n"


def _added(key: str, text: str, name: str, address: str) -> str:
    if key == "nginx.conf":
        block = f"    location /{name}/ {{\n      proxy_pass {address};\n      proxy_read_timeout 30s;\n    }}\n"
        return text.replace("  }\n}\n", f"{block}  }}\n}}\n")
    if key.endswith((".yml", ".yaml")):
        return f"{text}  {name}:\n    url: {address}\n    timeout: 3s\n"
    if key.endswith(".toml"):
        return f'{text}{name.replace("-", "_")} = "{address}"\n'
    if key.endswith(".json"):
        comma = "," if '"clients": {\n  }' not in text else ""
        head, _, tail = text.rpartition("\n  }\n")
        return f'{head}{comma}\n    "{name}": "{address}"\n  }}\n{tail}'
    return f"{text}{name.upper().replace('-', '_')}_URL={address}\n"


def _credentials(caller: Program, call: Call) -> None:
    """The user by name, the password from the store's own Secret (copied where it lives in another namespace)."""
    engine = call.callee.language
    prefix = key_of(call.callee)
    secret, key = _secret_of(call.callee)
    if call.callee.role == "database":
        users = (
            one["value"] for one in call.callee.container["env"] if one["name"].endswith("_USER") and "value" in one
        )
        caller.set_env(f"{prefix}_USER", str(next(users, engine)))
    caller.container["env"].append(
        {"name": f"{prefix}_PASSWORD", "valueFrom": {"secretKeyRef": {"name": secret, "key": key}}}
    )


def _secret_of(store: Program) -> tuple[str, str]:
    ref = next(one["valueFrom"]["secretKeyRef"] for one in store.container["env"] if "valueFrom" in one)
    return str(ref["name"]), str(ref["key"])
