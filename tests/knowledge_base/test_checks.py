"""A page's checks are read from the Markdown that people read, and only names of objects get into what is run."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import Invalid
from knowledge_base.checks import MAX_CHECKS, Call, Check, call_in, checks, filled, placeholders

PAGE = """# Queue is stuck

Consumers stopped.

## First checks in order

1. **Who consumes?** `get_object kind=Pod name=<pod> namespace=<ns>` and `list_objects kind=Pod`
   kubectl: `kubectl -n <ns> get pod <pod>` and `kubectl get nodes`
   `Ready` is not enough: look at its age, `kubectl top pod` too.

   A second paragraph belongs to it.
2. **How much waits.** `query_metrics expr=sum by (queue) (depth{namespace="<ns>", queue!=""}) >= 5 last=24h step=1m`
   Growing is worse than high.
3. **Ask the owner.** There is no command for this.

## Repair

1. **Restart.** `propose_fix namespace=<ns> name=<name>`

## Verification

- `query_metrics expr=depth{queue="<queue>"}` is 0.
- The owner agrees.
- kubectl: `kubectl -n <ns> get pods -w` stays quiet.
"""


def numbered(section: str) -> list[Check]:
    return [check for check in checks(PAGE) if check.section == section]


def test_a_check_has_its_title_its_calls_and_the_same_by_hand() -> None:
    first = numbered("check")[0]
    assert (first.number, first.title) == (1, "Who consumes?")
    assert first.calls == (
        Call("get_object", {"kind": "Pod", "name": "<pod>", "namespace": "<ns>"}),
        Call("list_objects", {"kind": "Pod"}),
    )
    assert first.commands == ("kubectl -n <ns> get pod <pod>", "kubectl get nodes", "kubectl top pod")


def test_the_meaning_is_the_prose_without_what_is_run() -> None:
    said = "`Ready` is not enough: look at its age, `kubectl top pod` too. A second paragraph belongs to it."
    assert numbered("check")[0].meaning == said
    assert numbered("check")[1].meaning == "Growing is worse than high."


def test_an_expression_with_blanks_braces_and_a_comparison_stays_whole() -> None:
    call = numbered("check")[1].calls[0]
    assert call.arguments == {
        "expr": 'sum by (queue) (depth{namespace="<ns>", queue!=""}) >= 5',
        "last": "24h",
        "step": "1m",
    }


def test_what_only_a_person_can_do_is_no_check() -> None:
    assert [check.number for check in numbered("check")] == [1, 2]


def test_a_plain_check_is_called_by_what_it_says_before_its_call() -> None:
    page = "# P\n\n## First checks\n\n1. Look at the job: `get_object kind=Job name=<job>` says why.\n2. `read_logs name=<pod>` last\n"
    assert [(check.title, check.meaning) for check in checks(page)] == [
        ("Look at the job", "says why."),
        ("", "`read_logs name=<pod>` last"),
    ]


def test_the_verification_is_read_line_by_line_and_the_repair_is_not() -> None:
    proof = numbered("verification")
    assert [(check.number, check.title) for check in proof] == [(1, ""), (3, "")]
    assert proof[0].meaning == '`query_metrics expr=depth{queue="<queue>"}` is 0.'
    assert "propose_fix" not in {call.tool for check in checks(PAGE) for call in check.calls}


def test_placeholders_are_named_once_in_the_order_of_need() -> None:
    assert placeholders(checks(PAGE)) == ("pod", "ns", "queue")


def test_filling_replaces_what_is_known_and_leaves_the_rest_open() -> None:
    first = filled(numbered("check")[0], {"ns": "shop", "queue": "orders"})
    assert first.calls[0].arguments == {"kind": "Pod", "name": "<pod>", "namespace": "shop"}
    assert first.commands[0] == "kubectl -n shop get pod <pod>"
    assert (first.placeholders, first.ready) == (("pod",), False)
    assert filled(first, {"pod": "cart-0"}).ready


def test_a_check_that_is_made_by_hand_only_is_never_ready() -> None:
    assert not filled(numbered("verification")[1], {"ns": "shop"}).ready


@pytest.mark.parametrize(
    "value", ["", "a b", "x; rm -rf /", 'x"}', "$(id)", "`id`", "-n", "a\nb", "a\n", "x" * 254, "<pod>"]
)
def test_only_the_name_of_an_object_may_fill_a_placeholder(value: str) -> None:
    with pytest.raises(Invalid, match="<pod>"):
        filled(numbered("check")[0], {"pod": value})


def test_a_chinese_page_is_read_the_same_way() -> None:
    page = (
        "## 按顺序检查\n\n1. **谁在消费。** `list_objects kind=Pod`、`get_object kind=Pod name=<pod>`\n"
        "   kubectl：`kubectl get pods`、`kubectl get nodes`\n   只看就绪不够。\n\n## 验证\n\n- `list_objects kind=Pod`；全部就绪。\n"
    )
    first, proof = checks(page)
    assert (first.title, first.meaning) == ("谁在消费", "只看就绪不够。")
    assert [call.tool for call in first.calls] == ["list_objects", "get_object"]
    assert first.commands == ("kubectl get pods", "kubectl get nodes")
    assert proof.section == "verification"


def test_what_stands_in_a_code_block_is_an_example_and_no_check() -> None:
    page = "## First checks\n\n```\n## Repair\n1. `list_objects kind=Pod`\n```\n\n1. `list_objects kind=Node`\n   Count them.\n"
    assert [str(call) for check in checks(page) for call in check.calls] == ["list_objects kind=Node"]


def test_a_page_without_such_sections_has_no_checks() -> None:
    assert checks("# Notes\n\nWe met on `list_objects kind=Pod`.\n") == ()
    assert checks("") == ()


def test_a_page_of_endless_checks_is_cut() -> None:
    page = "## Checks\n" + "".join(f"{number}. `list_objects kind=Pod`\n" for number in range(1, 500))
    assert len(checks(page)) == MAX_CHECKS


@pytest.mark.parametrize(
    "span",
    [
        "kube_pod_status_phase",
        'up{job="x"}',
        "kubectl get pods",
        "spec.claimRef",
        "env FOO=bar",
        "key=value",
        "read_only",
        "sum(x) by (y)",
        "",
    ],
)
def test_other_code_spans_are_not_taken_for_calls(span: str) -> None:
    assert call_in(span) is None


def test_a_tool_without_arguments_is_a_call() -> None:
    assert call_in("cluster_overview") == Call("cluster_overview", {})
    assert str(call_in("diagnose namespace=<ns>  name=x")) == "diagnose namespace=<ns> name=x"


@given(st.text(max_size=300))
def test_no_text_breaks_the_reading(text: str) -> None:
    for check in checks(f"## Checks\n\n1. **x** {text}\n\n## Verification\n- {text}"):
        assert check.calls or check.commands
