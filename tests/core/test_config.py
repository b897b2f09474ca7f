from pathlib import Path

import pytest

from core.config import MASK, Settings, check, load, load_key, variables
from core.errors import Invalid
from core.secrets import encrypt

GOOD_KEY = "a-key-that-nobody-knows-1"


def test_the_names_operators_already_use_are_honoured() -> None:
    settings = load(
        environ={
            "LLM_API_KEY": "k-123",
            "LLM_BASE_URL": "https://models.example/v1",
            "LLM_MODEL": "qwen",
            "K8S_CONFIG_PATH": "/etc/kube/config",
            "K8S_IN_CLUSTER": "true",
            "K8S_NAMESPACE": "shop",
            "PROMETHEUS_URL": "http://prometheus:9090",
            "REDIS_HOST": "redis",
            "REDIS_PASSWORD": "hush",
            "FEISHU_WEBHOOK": "https://open.feishu.example/hook/1",
            "HOST": "0.0.0.0",  # noqa: S104 - a value to read, not an address to bind
            "PORT": "9000",
            "ENV": "development",
            "DEBUG": "true",
            "SECRET_KEY": "0123456789abcdef",
        }
    ).settings
    assert settings.llm_api_key.get_secret_value() == "k-123"
    assert (settings.llm_model, settings.k8s_namespace, settings.port) == ("qwen", "shop", 9000)
    assert settings.k8s_in_cluster is True
    assert settings.env == "development"


def test_the_environment_wins_over_the_file_and_each_value_tells_its_origin(tmp_path: Path) -> None:
    file = tmp_path / "firstmate.yaml"
    file.write_text("port: 9001\nprometheus_url: http://from-file:9090\n")
    loaded = load(file, {"PORT": "9002"})
    rows = {row.name: row for row in loaded.rows()}
    assert loaded.settings.port == 9002
    assert rows["port"].origin == "environment: PORT"
    assert rows["prometheus_url"].origin == f"file: {file}"
    assert rows["host"].origin == "default"


def test_the_command_line_wins_over_all() -> None:
    loaded = load(environ={"PORT": "9002"}, port=9100)
    assert (loaded.settings.port, loaded.origins["port"]) == (9100, "command line")


def test_secrets_are_masked_wherever_settings_are_shown() -> None:
    loaded = load(
        environ={"SECRET_KEY": "not-to-be-seen-anywhere", "DATABASE_URL": "postgresql://u:not-to-be-seen@h/d"}
    )
    rows = {row.name: row.value for row in loaded.rows()}
    assert rows["secret_key"] == rows["database_url"] == MASK
    assert "not-to-be-seen" not in repr(loaded.settings)


def test_addresses_are_shown_without_what_opens_them() -> None:
    loaded = load(
        environ={
            "PROMETHEUS_URL": "http://bot:hunter2@prometheus:9090/p",
            "WEBHOOK_URLS": "https://hooks.example/services/T0/B0/hunter2",
        }
    )
    rows = {row.name: row.value for row in loaded.rows()}
    assert rows["prometheus_url"] == f"http://{MASK}@prometheus:9090/p"
    assert rows["webhook_urls"] == f"https://hooks.example/{MASK}"


def test_a_weak_token_stops_the_start() -> None:
    with pytest.raises(Invalid, match="FIRSTMATE_TOKEN"):
        check(load(environ={"SECRET_KEY": "b3Zlcm5pZ2h0LXdhdGNo", "FIRSTMATE_TOKEN": "admin"}).settings)


def test_a_secret_may_be_a_reference(tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_text("from-a-file-0123456789\n")
    settings = load(
        environ={"SECRET_KEY": f"file:{key}", "LLM_API_KEY": "env:TEAM_KEY", "TEAM_KEY": "from-elsewhere"}
    ).settings
    assert settings.secret_key.get_secret_value() == "from-a-file-0123456789"
    assert settings.llm_api_key.get_secret_value() == "from-elsewhere"


def test_a_secret_may_be_encrypted_under_the_key(tmp_path: Path) -> None:
    file = tmp_path / "settings.yaml"
    file.write_text(f"llm_api_key: {encrypt(GOOD_KEY, 'sk-hidden')}\n")
    assert load(file, {"SECRET_KEY": "env:K", "K": GOOD_KEY}).settings.llm_api_key.get_secret_value() == "sk-hidden"
    with pytest.raises(Invalid, match="The setting LLM_API_KEY: A value was encrypted under another SECRET_KEY"):
        load(file, {"SECRET_KEY": "quite-another-key-123"})
    assert load_key(file, {"SECRET_KEY": "quite-another-key-123"}) == "quite-another-key-123"


@pytest.mark.parametrize("secret", ["", "changeme", "your-secret-key", "short", "a" * 40])
def test_a_well_known_secret_stops_the_start_outside_the_demo(secret: str) -> None:
    with pytest.raises(Invalid, match="SECRET_KEY"):
        check(load(environ={"SECRET_KEY": secret}).settings)
    check(load(environ={"SECRET_KEY": secret, "ENV": "demo"}).settings)


def test_a_good_secret_is_accepted() -> None:
    check(load(environ={"SECRET_KEY": "b3Zlcm5pZ2h0LXdhdGNo"}).settings)


@pytest.mark.parametrize("variable", ["PROMETHEUS_URL", "LLM_BASE_URL", "PUBLIC_URL"])
def test_an_address_without_its_scheme_is_refused_at_once(variable: str) -> None:
    with pytest.raises(Invalid, match=f"{variable}.*http://"):
        load(environ={variable: "prometheus:9090"})


def test_a_wrong_value_names_the_variable() -> None:
    with pytest.raises(Invalid, match="PORT"):
        load(environ={"PORT": "ninety"})


def test_an_unknown_name_in_the_file_is_refused_by_name(tmp_path: Path) -> None:
    file = tmp_path / "firstmate.yaml"
    file.write_text("promethius_url: http://x\n")
    with pytest.raises(Invalid, match="promethius_url"):
        load(file, {})


@pytest.mark.parametrize("text", ["- a\n- b\n", "a: [1\n"])
def test_a_file_that_is_no_mapping_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "firstmate.yaml"
    file.write_text(text)
    with pytest.raises(Invalid, match=r"firstmate\.yaml"):
        load(file, {})


def test_a_missing_file_is_said_to_be_missing(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="cannot be read"):
        load(tmp_path / "nowhere.yaml", {})


def test_lists_are_comma_separated() -> None:
    settings = load(environ={"LLM_FALLBACK_MODELS": "a, b,,c", "PROTECTED_NAMESPACES": "kube-system"}).settings
    assert settings.llm_fallback_models == ("a", "b", "c")
    assert settings.protected_namespaces == ("kube-system",)


def test_every_setting_is_documented_and_has_a_variable() -> None:
    for name, field in Settings.model_fields.items():
        assert field.description, name
        assert variables(name), name


def test_no_two_settings_share_a_variable() -> None:
    names = [variable for name in Settings.model_fields for variable in variables(name)]
    assert len(names) == len(set(names))
