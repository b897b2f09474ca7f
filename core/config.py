"""Settings: one class, read once, every field documented, every value with its origin.

Order of precedence: environment, then the YAML file (``--config`` or ``FIRSTMATE_CONFIG``), then the default. The short environment
names that operators already use (``LLM_API_KEY``, ``PROMETHEUS_URL``, ``K8S_CONFIG_PATH``, ...) are the field's aliases and are
honoured as they are; the YAML file uses the field names. A secret may be a reference (``env:NAME``, ``file:PATH``) or encrypted
(``enc:v1:...``). Outside the demo a missing or well-known SECRET_KEY stops the start: a default that opens the door is worse than a
door that stays shut.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

import yaml
from pydantic import AliasChoices, BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator

from core.errors import Invalid
from core.secrets import is_weak, resolve

MASK = "********"
MAX_FILE = 1024 * 1024
MAY_HOLD_SECRETS = {"webhook_urls", "prometheus_url", "llm_base_url", "embedding_base_url"}


def _field(default: Any, text: str, *names: str, **limits: Any) -> Any:
    return Field(default=default, description=text, validation_alias=AliasChoices(*names) if names else None, **limits)


class Settings(BaseModel):
    """Field order is the order of `firstmate config` and of the documentation."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    env: Literal["production", "development", "testing", "demo"] = _field(
        "production", "What this process is for", "ENV"
    )
    debug: bool = _field(False, "Log at DEBUG level; never shows tracebacks to users", "DEBUG")
    host: str = _field("127.0.0.1", "Address to listen on", "HOST")
    port: int = _field(8080, "Port to listen on", "PORT", ge=1, le=65535)
    public_url: str = _field(
        "",
        "Address people reach this server by, for links in messages; empty: derived from host and port",
        "PUBLIC_URL",
    )
    language: Literal["en", "zh"] = _field(
        "en", "Language where no question decides it: notifications, reports", "FIRSTMATE_LANGUAGE"
    )
    data_dir: Path = _field(Path(".var"), "Folder for the database, checkpoints and keys", "FIRSTMATE_DATA_DIR")
    secret_key: SecretStr = _field(SecretStr(""), "Key that signs and hashes; at least 16 characters", "SECRET_KEY")
    api_token: SecretStr = _field(
        SecretStr(""), "Bearer token of the administrator; empty: one is made at the first start", "FIRSTMATE_TOKEN"
    )
    api_rate_limit: int = _field(600, "Requests a minute from one caller before 429", "API_RATE_LIMIT", ge=1)

    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = _field("INFO", "Least level that is logged", "LOG_LEVEL")
    log_format: Literal["json", "text"] = _field("json", "One JSON object a line, or text for a terminal", "LOG_FORMAT")

    database_url: SecretStr = _field(
        SecretStr(""),
        "sqlite:///path or postgresql://user:password@host/name; empty: SQLite in data_dir",
        "DATABASE_URL",
    )

    prometheus_url: str = _field("", "Any server with Prometheus's HTTP API", "PROMETHEUS_URL")
    prometheus_token: SecretStr = _field(SecretStr(""), "Bearer token for Prometheus", "PROMETHEUS_TOKEN")
    prometheus_timeout: float = _field(10.0, "Seconds before a query is given up", "PROMETHEUS_TIMEOUT", gt=0, le=120)

    k8s_config_path: str = _field(
        "", "kubeconfig file; empty: ~/.kube/config where it exists", "K8S_CONFIG_PATH", "KUBECONFIG"
    )
    k8s_in_cluster: bool = _field(False, "Use the pod's own service account", "K8S_IN_CLUSTER")
    k8s_context: str = _field("", "kubeconfig context to use by default; empty: the current one", "K8S_CONTEXT")
    k8s_namespace: str = _field("default", "Namespace meant where none is named", "K8S_NAMESPACE")
    k8s_timeout: float = _field(8.0, "Seconds before a Kubernetes request is given up", "K8S_TIMEOUT", gt=0, le=120)

    llm_api_key: SecretStr = _field(SecretStr(""), "Key for the model endpoint", "LLM_API_KEY")
    llm_base_url: str = _field("", "An OpenAI-compatible endpoint; empty: the offline planner answers", "LLM_BASE_URL")
    llm_model: str = _field("", "Model to ask first", "LLM_MODEL")
    llm_fallback_models: tuple[str, ...] = _field(
        (), "Models to ask when the first fails, in order, comma-separated", "LLM_FALLBACK_MODELS"
    )
    llm_timeout: float = _field(
        60.0, "Seconds before a model call is given up", "LLM_REQUEST_TIMEOUT", "LLM_TIMEOUT", gt=0, le=600
    )
    llm_temperature: float = _field(0.1, "Sampling temperature", "LLM_TEMPERATURE", ge=0, le=2)
    llm_max_tokens: int = _field(2048, "Longest answer in tokens", "LLM_MAX_TOKENS", ge=64, le=200_000)

    knowledge_dirs: tuple[Path, ...] = _field(
        (), "Folders of your own runbooks, beside the shipped ones", "FIRSTMATE_KNOWLEDGE_DIRS"
    )
    knowledge_hosts: tuple[str, ...] = _field(
        (),
        "Hosts whose pages may be added though their addresses are private, comma-separated",
        "FIRSTMATE_KNOWLEDGE_HOSTS",
    )

    embedding_model: str = _field(
        "",
        "sentence-transformers folder or name, or with EMBEDDING_BASE_URL the endpoint's model; empty: lexical vectors",
        "EMBEDDING_MODEL",
    )
    embedding_base_url: str = _field("", "An OpenAI-compatible endpoint of embeddings", "EMBEDDING_BASE_URL")
    embedding_api_key: SecretStr = _field(SecretStr(""), "Key for the embeddings endpoint", "EMBEDDING_API_KEY")
    embedding_timeout: float = _field(
        30.0, "Seconds before a batch of texts is given up", "EMBEDDING_TIMEOUT", gt=0, le=600
    )

    knowledge_index: Literal["auto", "local", "redis"] = _field(
        "auto",
        "Where passages are indexed: local (memory), redis (its Query Engine), or auto: Redis where it has one",
        "FIRSTMATE_KNOWLEDGE_INDEX",
    )

    rules_files: tuple[Path, ...] = _field((), "Prometheus rule files; empty: the shipped rules", "FIRSTMATE_RULES")
    evaluation_interval: float = _field(
        15.0, "Seconds between evaluations of a group without its own", "EVALUATION_INTERVAL", ge=1, le=3600
    )
    alert_config: Path | None = _field(
        None,
        "Alertmanager configuration file: routes, receivers, inhibition, time intervals; else all to the log, WEBHOOK_URLS, FEISHU_WEBHOOK",
        "ALERTMANAGER_CONFIG",
    )
    escalations: Path | None = _field(
        None,
        "File of escalations and rotas: whom to tell next when nobody has reacted; empty: nobody",
        "FIRSTMATE_ESCALATIONS",
    )
    group_wait: float = _field(
        10.0, "Seconds to gather alerts of one group before the first notification", "GROUP_WAIT", ge=0, le=3600
    )
    repeat_interval: float = _field(
        14_400.0, "Seconds before a still firing alert is sent again", "REPEAT_INTERVAL", ge=60
    )
    webhook_urls: tuple[str, ...] = _field(
        (), "Addresses that get every notification as JSON, comma-separated", "WEBHOOK_URLS"
    )
    webhook_timeout: float = _field(10.0, "Seconds before a delivery is given up", "WEBHOOK_TIMEOUT", gt=0, le=120)
    alert_history_days: float = _field(
        90.0,
        "Days that alerts, their moves, decisions, incidents and escalations are kept after their end",
        "ALERT_HISTORY_DAYS",
        ge=1,
        le=3650,
    )
    message_days: float = _field(
        14.0, "Days that the words of a delivered message are kept", "MESSAGE_DAYS", ge=1, le=3650
    )
    silence_hours: float = _field(
        120.0, "Hours that a silence is kept after it has expired", "SILENCE_HOURS", ge=1, le=87_600
    )
    feishu_webhook: SecretStr = _field(
        SecretStr(""),
        "A Feishu group's robot that gets every notification; ALERTMANAGER_CONFIG decides where it is set",
        "FEISHU_WEBHOOK",
    )

    approval_minutes: float = _field(
        30.0, "Minutes before a proposed repair expires", "APPROVAL_MINUTES", gt=0, le=1440
    )
    verify_seconds: float = _field(
        180.0, "Seconds a repair has to show that it helped before it is undone", "VERIFY_SECONDS", ge=5, le=3600
    )
    protected_namespaces: tuple[str, ...] = _field(
        ("kube-system", "kube-public", "kube-node-lease"), "Namespaces no repair may touch", "PROTECTED_NAMESPACES"
    )
    max_replicas: int = _field(20, "Most replicas a repair may ask for", "AUTOFIX_MAX_REPLICAS", ge=1, le=1000)

    redis_url: SecretStr = _field(SecretStr(""), "Redis, for the knowledge index; empty: not used", "REDIS_URL")
    redis_host: str = _field("", "Redis host, where no REDIS_URL is given", "REDIS_HOST")
    redis_port: int = _field(6379, "Redis port", "REDIS_PORT", ge=1, le=65535)
    redis_db: int = _field(0, "Redis database", "REDIS_DB", ge=0)
    redis_password: SecretStr = _field(SecretStr(""), "Redis password", "REDIS_PASSWORD")

    @field_validator("prometheus_url", "llm_base_url", "embedding_base_url", "public_url")
    @classmethod
    def _address(cls, value: str) -> str:
        if value and urlsplit(value).scheme not in {"http", "https"}:
            raise ValueError("an address begins with http:// or https://")
        return value

    @field_validator(
        "llm_fallback_models",
        "knowledge_dirs",
        "knowledge_hosts",
        "rules_files",
        "webhook_urls",
        "protected_namespaces",
        mode="before",
    )
    @classmethod
    def _split(cls, value: Any) -> Any:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    @property
    def records_url(self) -> str:
        """Where the records are kept: as it was set, else SQLite in the data folder."""
        return self.database_url.get_secret_value() or f"sqlite:///{self.data_dir / 'firstmate.db'}"


@dataclass(frozen=True, slots=True)
class Setting:
    name: str
    value: str
    origin: str
    text: str
    variables: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Loaded:
    """The settings in force, and where each value came from."""

    settings: Settings
    origins: Mapping[str, str]

    def rows(self) -> list[Setting]:
        return [self._row(name) for name in Settings.model_fields]

    def _row(self, name: str) -> Setting:
        field = Settings.model_fields[name]
        return Setting(
            name=name,
            value=_shown(name, getattr(self.settings, name)),
            origin=self.origins.get(name, "default"),
            text=field.description or "",
            variables=variables(name),
        )


def variables(name: str) -> tuple[str, ...]:
    """The environment names of a field, the first being the one to write."""
    alias = Settings.model_fields[name].validation_alias
    return tuple(str(choice) for choice in alias.choices) if isinstance(alias, AliasChoices) else ()


def load(path: Path | None = None, environ: Mapping[str, str] | None = None, **overrides: Any) -> Loaded:
    """Read file and environment; `overrides` (the command line's) win over both."""
    environ = os.environ if environ is None else environ
    values, origins = _written(path, environ)
    for name, value in overrides.items():
        if value is not None:
            values[name], origins[name] = value, "command line"
    return Loaded(_validated(_resolved(values, environ)), origins)


def load_key(path: Path | None = None, environ: Mapping[str, str] | None = None) -> str:
    """SECRET_KEY alone: it must be found also where nothing else can be opened any more."""
    environ = os.environ if environ is None else environ
    values, _ = _written(path, environ)
    kept = {name: value for name, value in values.items() if name == "secret_key"}
    return check_key(_validated(_resolved(kept, environ)))


def check(settings: Settings) -> None:
    """Refuse to serve with a secret that everybody knows."""
    if settings.env in {"demo", "testing"}:
        return
    token = settings.api_token.get_secret_value()
    if token and is_weak(token):
        raise Invalid(
            "FIRSTMATE_TOKEN is well known or shorter than 16 characters; leave it empty and one is made.",
            field="FIRSTMATE_TOKEN",
        )
    check_key(settings)


def check_key(settings: Settings) -> str:
    """The key, if it is one."""
    key = settings.secret_key.get_secret_value()
    if is_weak(key):
        raise Invalid(
            "SECRET_KEY is missing, well known or shorter than 16 characters; set one, such as `openssl rand -base64 32` prints.",
            field="SECRET_KEY",
        )
    return key


def _written(path: Path | None, environ: Mapping[str, str]) -> tuple[dict[str, Any], dict[str, str]]:
    """What file and environment say, and where it was found."""
    if path is None and environ.get("FIRSTMATE_CONFIG"):
        path = Path(environ["FIRSTMATE_CONFIG"])
    values, origins = _from_file(path) if path else ({}, {})
    for name in Settings.model_fields:
        variable = next((known for known in variables(name) if environ.get(known, "") != ""), None)
        if variable:
            values[name], origins[name] = environ[variable], f"environment: {variable}"
    return values, origins


def _from_file(path: Path) -> tuple[dict[str, Any], dict[str, str]]:
    try:
        if path.stat().st_size > MAX_FILE:
            raise Invalid(f"The settings file {path} is larger than {MAX_FILE} bytes.", field=str(path))
        read = yaml.safe_load(path.read_text())
    except OSError as error:
        raise Invalid(f"The settings file {path} cannot be read: {error.strerror}.", field=str(path)) from error
    except yaml.YAMLError as error:
        raise Invalid(f"The settings file {path} is not valid YAML: {error}.", field=str(path)) from error
    if read is None:
        return {}, {}
    if not isinstance(read, dict):
        raise Invalid(f"The settings file {path} must hold a mapping of names to values.", field=str(path))
    unknown = sorted(str(name) for name in read if name not in Settings.model_fields)
    if unknown:
        raise Invalid(f"Unknown setting {unknown[0]} in {path}.", field=unknown[0], allowed=Settings.model_fields)
    return dict(read), dict.fromkeys(read, f"file: {path}")


def _resolved(values: dict[str, Any], environ: Mapping[str, str]) -> dict[str, Any]:
    secret = {name for name, field in Settings.model_fields.items() if field.annotation is SecretStr} | MAY_HOLD_SECRETS
    # First the key, which opens the others.
    written = values.get("secret_key", "")
    key = resolve(written, environ) if isinstance(written, str) else ""
    return {
        name: _opened(name, value, environ, key) if name in secret and isinstance(value, str) else value
        for name, value in values.items()
    }


def _opened(name: str, value: str, environ: Mapping[str, str], key: str) -> str:
    try:
        return resolve(value, environ, key)
    except Invalid as error:
        raise Invalid(f"The setting {variables(name)[0]}: {error.sentence}", field=variables(name)[0]) from None


def _validated(values: dict[str, Any]) -> Settings:
    try:
        return Settings.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0]) if first["loc"] else "settings"
        shown = variables(name)[0] if variables(name) else name
        raise Invalid(f"The setting {shown} is wrong: {first['msg']}.", field=shown) from None


def _shown(name: str, value: Any) -> str:
    if isinstance(value, SecretStr):
        return MASK if value.get_secret_value() else ""
    if isinstance(value, tuple):
        return ", ".join(_shown(name, str(item)) for item in value)
    if name in MAY_HOLD_SECRETS and value:
        return _place(str(value), path=name != "webhook_urls")
    return str(value).lower() if isinstance(value, bool) else str(value)


def _place(url: str, *, path: bool) -> str:
    """Where an address leads, without who one is there; a webhook's path is its password."""
    parts = urlsplit(url)
    host = f"{parts.hostname or ''}{f':{parts.port}' if parts.port else ''}"
    user = f"{MASK}@" if parts.username else ""
    return f"{parts.scheme}://{user}{host}{parts.path if path else '/' + MASK}"
