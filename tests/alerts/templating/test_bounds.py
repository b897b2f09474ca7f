"""Whatever a template says: it is refused, fails, or renders, soon and within bounds, and can reach nothing but its data."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.templating.data import data_of, sample
from alerts.templating.evaluator import Limits, Rendering
from alerts.templating.library import Library
from alerts.templating.parser import parse
from alerts.templating.sinks import TextSink
from alerts.templating.values import Failed
from alerts.templating.vocabulary import FOR_RULES
from core.errors import Invalid

LIBRARY = Library("en")
DATA = sample()
ROOMY = 262_144


def outcome(text: str, kind: str = "text") -> str:
    try:
        return LIBRARY.text(text, kind=kind).render(DATA)
    except (Failed, Invalid) as error:
        return f"! {error}"


LONG = '{{ $x := printf "%1000s" "b" }}'


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('{{ define "a" }}{{ template "a" . }}{{ end }}{{ template "a" . }}', "deeper than"),
        (
            '{{ define "a" }}{{ range .Alerts }}{{ template "a" $ }}{{ end }}{{ end }}{{ template "a" . }}',
            "deeper than",
        ),
        ('{{ $x := "aaaaaaaa" }}' + '{{ $x = printf "%s%s" $x $x }}' * 40, "a text gets longer than"),
        ('{{ $x := "a" }}' + '{{ $x = reReplaceAll "a" "aaaaaaaaaa" $x }}' * 30, "a text gets longer than"),
        ('{{ $x := "a" }}' + "{{ $x = print $x $x $x $x }}" * 30, "a text gets longer than"),
        ('{{ $x := printf "%1000s" "" }}' + "{{ $x }}" * 300, "it writes more than"),
        ('{{ printf "%99999999d" 5 }}', "wider than"),
        ('{{ printf "%*d" 99999999 5 }}', "wider than"),
        ("{{ if true }}" * 100 + "{{ end }}" * 100, "nests deeper"),
        ("{{ " + "(" * 100 + "1" + ")" * 100 + " }}", "nests deeper"),
        ("x" * 300_000, "longer than"),
        ("{{ .Alerts.__class__ }}", "can't evaluate field __class__"),
        ("{{ (index .Alerts 0).StartsAt.at }}", "can't evaluate field at"),
        ('{{ tz "../../etc/passwd" (index .Alerts 0).StartsAt }}', "error calling tz"),
        ("{{ 99999999999999999999 }}", "is too large"),
        ("{{ 1e999 }}", "is too large"),
    ],
)
def test_what_would_grow_without_end_is_given_up(text: str, says: str) -> None:
    assert outcome(text).startswith("! ")
    assert says in outcome(text)


@pytest.mark.parametrize("pattern", ["(.*)*c", "( | )*c", " * * * *c"])
def test_what_takes_other_engines_for_ever_just_finds_nothing(pattern: str) -> None:
    assert outcome(LONG + f'{{{{ match "{pattern}" $x }}}}') == "false"


def test_a_template_that_doubles_with_each_call_ends_by_its_steps() -> None:
    names = "abcdefghijklmnopqrstuvwxy"
    calls = (
        f'{{{{ define "{a}" }}}}{{{{ template "{b}" }}}}{{{{ template "{b}" }}}}{{{{ end }}}}'
        for a, b in zip(names, names[1:] + "z", strict=True)
    )
    text = "".join(calls) + '{{ define "z" }}{{ end }}{{ template "a" }}'
    assert "it takes more than 200000 steps" in outcome(text)


def test_a_template_that_takes_too_long_is_given_up_by_the_clock() -> None:
    ticks = iter(range(1_000_000))
    bodies = parse("{{ range . }}{{ . }}{{ end }}", "t", FOR_RULES)
    rendering = Rendering(bodies, FOR_RULES, TextSink(), Limits(seconds=3), lambda: float(next(ticks)))
    with pytest.raises(Failed, match="it takes longer than 3 s"):
        rendering.run("t", list(range(1000)))


def test_zero_times_that_have_no_date_in_a_zone_stay_as_they_are() -> None:
    """The end of an alert that has none."""
    assert outcome('{{ tz "America/New_York" (index .Alerts 0).EndsAt }}') == "0001-01-01 00:00:00 +0000 UTC"
    assert outcome("{{ (index .Alerts 0).EndsAt.Add -1 }}") == "0001-01-01 00:00:00 +0000 UTC"


def test_newer_functions_of_alertmanager_are_known() -> None:
    at = "(index .Alerts 0).StartsAt"
    assert outcome(f'{{{{ {at} | tz "Asia/Shanghai" | date "15:04 MST" }}}}') == "16:00 CST"
    assert outcome('{{ trimSpace " a " }}{{ urlUnescape "a%20b" }}') == "aa b"
    assert outcome("{{ toJson .GroupLabels }}") == '{"alertname":"HighLatency"}'
    assert outcome(f"{{{{ since {at} | humanizeDuration | len | lt 5 }}}}") == "true"
    assert outcome('<a href="{{ safeUrl `tel:1` }}">{{ safeUrl `<` }}', "html") == '<a href="tel:1">&lt;'
    assert outcome('<a href="{{ `tel:1` }}">', "html") == '<a href="#ZgotmplZ">'


WORDS = (
    "{{ }} {{- -}} if else end range with define template block break continue := = $x $ . .Alerts .Status .Labels .Name"
    ' "a" `b` 1 -2.5 1e3 ( ) | , eq len index printf "%v %d %5s" not and or print join stringSlice toUpper match "a*"'
    " reReplaceAll slice .StartsAt .Format .SortedPairs .Firing true nil /* */ < > ' & <a href= <script> </script> <style> <!-- -->"
)
PIECES = st.sampled_from(WORDS.split(" "))
TEMPLATES = st.one_of(
    st.lists(PIECES, max_size=25).map(" ".join),
    st.lists(PIECES, max_size=25).map("".join),
    st.lists(PIECES, max_size=8).map(lambda pieces: "{{ range .Alerts }}{{ " + " ".join(pieces) + " }}{{ end }}"),
    st.text(max_size=60),
    st.text("{}()|.$\"`'/*-:=ab1 \n<>", max_size=60),
)


@settings(max_examples=400, deadline=None)
@given(text=TEMPLATES, kind=st.sampled_from(["text", "html"]))
def test_any_text_is_refused_or_fails_or_renders(text: str, kind: str) -> None:
    assert len(outcome(text, kind)) <= ROOMY


PLACES = (
    "<p>{}</p>",
    '<a href="{}">x</a>',
    "<a href='/x?y={}'>x</a>",
    "<a title={} x>y</a>",
    '<b style="color: {}">x</b>',
    "<script>var x = {};</script>",
    "<style>a {{ color: {} }}</style>".replace("{{", "{").replace("}}", "}"),
    "<textarea>{}</textarea>",
    "<!-- {} -->z",
    '<b onclick="f({})">x</b>',
    "<{}>x",
)


@settings(max_examples=300, deadline=None)
@given(place=st.sampled_from(PLACES), value=st.text("<>\"'=&/ ax:;(){}-!\\\n`", max_size=20))
def test_a_value_never_breaks_out_of_its_place(place: str, value: str) -> None:
    """The page has the same tags, quotes and comments around it as with a harmless value."""

    def shape(what: str) -> list[str]:
        before, _, after = place.partition("{}")
        written = before + "{{ .Receiver }}" + after
        shown = LIBRARY.text(written, kind="html").render(data_of({"receiver": what}))
        quotes = "\"'" if "script" not in place else ""
        return [char for char in shown if char in "<>" + quotes]

    assert shape(value) == shape("harmless")
