"""YAML: objects and rules under headings that people would give them, nothing multiplied, no Secret shown."""

import pytest

from core.errors import Invalid
from knowledge_base.formats import yaml
from knowledge_base.parse import Page, parse
from knowledge_base.split import split

DEPLOYMENT = """# The cart; ask team shop.
apiVersion: apps/v1
kind: Deployment
metadata:
  name: cart
  namespace: shop
spec:
  replicas: 2  # never one
"""
RULES = """groups:
  - name: shop
    interval: 30s
    rules:
      # Raised by the gateway.
      - alert: RefundStuck
        expr: refund_age_seconds > 600
        annotations:
          summary: A refund has not left the ledger.
          description: |
            Replay it.
            # Then tell finance.
          runbook: https://wiki.example.com/refund
      - record: shop:errors:rate5m
        expr: rate(errors_total[5m])
      - alert: ParcelQueueGrows
        expr: parcels > 100
"""


def page(source: str) -> Page:
    return parse(source.encode(), "ops/file.yaml")


def headings(found: Page) -> list[str]:
    return [line for line in found.text.split("\n") if line.startswith("## ")]


def refusal(source: str) -> str:
    with pytest.raises(Invalid) as refused:
        page(source)
    return refused.value.sentence


def test_an_object_is_a_section_of_its_name_and_its_comments_are_kept() -> None:
    found = page(DEPLOYMENT)
    assert found.text == f"## Deployment shop/cart\n\n```yaml\n{DEPLOYMENT}```\n"
    assert (found.title, found.kind, found.id) == ("Deployment shop/cart", "yaml", "ops-file-yaml")


def test_each_document_is_a_section() -> None:
    found = page(f"%YAML 1.2\n---\n{DEPLOYMENT}---\n# nothing\n---\nkind: Namespace\nmetadata: {{name: 店铺}}\n...\n")
    assert headings(found) == ["## Deployment shop/cart", "## Namespace 店铺"]
    assert "# nothing" in found.text
    assert found.title == "file"


def test_each_item_of_a_list_is_a_section() -> None:
    items = "".join(f"- kind: Service\n  metadata:\n    name: s{n}\n" for n in range(3))
    assert headings(page(f"kind: List\nitems:\n{items}")) == ["## Service s0", "## Service s1", "## Service s2"]


def test_each_alert_is_a_section_and_says_what_it_means() -> None:
    found = page(RULES)
    assert found.alerts == ("RefundStuck", "ParcelQueueGrows")
    assert headings(found) == [
        "## Rules shop",
        "## Alert RefundStuck",
        "## Record shop:errors:rate5m",
        "## Alert ParcelQueueGrows",
    ]
    refund = next(piece for piece in split(found.text) if piece.headings == ("Alert RefundStuck",))
    assert refund.text.startswith(
        "A refund has not left the ledger.\n\nReplay it.\n    # Then tell finance.\n\n```yaml\n"
    )
    assert "# Raised by the gateway.\n- alert: RefundStuck" in refund.text
    assert "https://wiki.example.com/refund" in refund.text


def test_the_operators_rules_are_read_like_the_file() -> None:
    below = "".join(f"  {line}\n" for line in RULES.splitlines())
    found = page(f"kind: PrometheusRule\nmetadata: {{name: shop, namespace: ops}}\nspec:\n{below}")
    assert headings(found)[:2] == ["## PrometheusRule ops/shop", "## Alert RefundStuck"]
    assert found.alerts == ("RefundStuck", "ParcelQueueGrows")


def test_rules_written_in_one_line_stay_in_one_piece() -> None:
    found = page("groups: [{name: a, rules: [{alert: One, expr: x}, {alert: Two, expr: y}]}]\n")
    assert found.alerts == ("One", "Two")
    assert "{alert: One, expr: x}, {alert: Two, expr: y}" in found.text


def test_any_other_file_is_one_section_and_may_say_what_it_is() -> None:
    found = page(
        "title: Who to call\ntags: [people, 值班]\nvalid_from: 2026-01-01\nvalid_until: 2026-12-31\nnight: Ann\n"
    )
    assert (found.title, found.tags) == ("Who to call", ("people", "值班"))
    assert (str(found.valid_from), str(found.valid_until)) == ("2026-01-01", "2026-12-31")
    assert "night: Ann" in found.text


def test_an_object_may_say_until_when_it_holds() -> None:
    found = page('kind: ConfigMap\nmetadata:\n  name: x\n  annotations: {firstmate.io/valid-until: "2026-12-31"}\n')
    assert str(found.valid_until) == "2026-12-31"


def test_a_date_that_is_none_is_refused_by_name() -> None:
    assert "valid_until" in refusal("valid_until: next summer\n")
    assert "before valid_from" in refusal("valid_from: 2026-02-01\nvalid_until: 2026-01-01\n")


SECRET = """kind: Secret
metadata:
  name: pay
  annotations:
    kubectl.kubernetes.io/last-applied-configuration: |
      {"data":{"password":"aHVudGVyMg=="}}
type: Opaque  # kept
data:
  password: aHVudGVyMg==  # 支付
  multi: |
    aHVudGVyMg==
    aHVudGVyMg==

  quoted: "aHVudGVyMg==
    aHVudGVyMg=="
stringData: {user: &it aHVudGVyMg==, again: *it}
immutable: true
"""


def test_the_values_of_a_secret_are_left_out_and_its_keys_are_kept() -> None:
    text = page(SECRET).text
    assert "aHVud" not in text
    assert all(kept in text for kept in ("password: ", "# 支付", "multi: ", "quoted: ", "# kept", "immutable: true"))


@pytest.mark.parametrize(
    "source",
    [
        "kind: Secret\ndata: &d\n  a: aHVudGVyMg==\nother: *d\n",
        "kind: List\nitems:\n- kind: Secret\n  data: {a: aHVudGVyMg==}\n- {kind: Secret, stringData: {b: aHVudGVyMg==}}\n",
        "{kind: Secret, data: {名字: 'aHVudGVyMg==', b: aHVudGVyMg==}}",
        'kind: Secret\ndata: "aHVudGVyMg=="\n',
        "---\nkind: ConfigMap\n---\nkind: Secret\nstringData:\n  a: >-\n    aHVudGVyMg==",
        "kind: Secret\ndata:\n  list:\n  - aHVudGVyMg==\n  - b\n",
    ],
)
def test_a_secret_is_kept_secret_however_it_is_written(source: str) -> None:
    text = page(source).text
    assert "aHVud" not in text
    assert "Secret" in text


def test_what_is_not_yaml_is_refused_with_its_line() -> None:
    assert "line 6" in refusal("a: 1\n---\nb: 2\n---\nc: 3\nd: %x\n")
    assert "nothing is named nobody" in refusal("a: *nobody\n")
    assert "NUL" in refusal("a: \x00\n")


BOMBS = {
    "aliases": "a0: &a0 x\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 30)),
    "merges": "a0: &a0 {k: v}\n"
    + "".join(f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 9)}]}}\n" for n in range(1, 30)),
    "itself": "a: &a [*a, *a]\nb: &b {<<: *b, c: *a}\n",
}


@pytest.mark.parametrize("name", BOMBS)
def test_yaml_that_multiplies_itself_stays_as_small_as_it_is_written(name: str) -> None:
    assert len(page(BOMBS[name]).text) <= len(BOMBS[name]) + 20


@pytest.mark.parametrize("name", BOMBS)
def test_front_matter_that_multiplies_itself_is_harmless(name: str) -> None:
    source = f"---\n{BOMBS[name]}---\n# T\n\nbody\n".encode()
    if name == "aliases":
        assert parse(source, "x.md").title == "T"
    else:
        with pytest.raises(Invalid, match="merges"):
            parse(source, "x.md")


def test_yaml_nested_or_filled_without_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(yaml, "MAX_NODES", 1_000)
    assert "nested deeper" in refusal("[" * 500)
    assert "nested deeper" in refusal("".join(" " * n + "a:\n" for n in range(150)))
    assert "more than 1000 values" in refusal("[" + "a,\n" * 1_000 + "]")
    assert "documents" in refusal("---\na: 1\n" * 1_001)


@pytest.mark.parametrize(
    "value", ['!!int ""', "!!bool maybe", "!!timestamp soon", "!!float x", "2026-13-45", "9" * 5_000]
)
def test_front_matter_whose_values_are_not_what_they_say_is_refused(value: str) -> None:
    with pytest.raises(Invalid, match="front matter"):
        parse(f"---\ntitle: {value}\n---\nbody\n".encode(), "x.md")
