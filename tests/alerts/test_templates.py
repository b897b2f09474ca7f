"""Templates as Go and Prometheus render them; the figures were checked against Prometheus itself (see test_against_prometheus)."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.numbers import go_float
from alerts.templates import Facts, Template
from core.errors import Invalid


def rendered(text: str, value: float = 1.0, **labels: str) -> str:
    return Template(text).render(Facts(labels, float(value), {"cluster": "east"}, "http://firstmate"))


def test_labels_and_value_are_written_in_both_spellings() -> None:
    assert rendered("{{ $labels.pod }}={{ .Labels.pod }} {{$value}}={{ .Value }}", 2, pod="a") == "a=a 2=2"


def test_a_label_that_is_not_there_is_empty() -> None:
    assert rendered("[{{ $labels.nope }}]") == "[]"


def test_external_labels_and_address_are_known() -> None:
    assert rendered("{{ $externalLabels.cluster }} {{ $externalURL }}") == "east http://firstmate"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.5, "0.5"),
        (90061, "90061"),
        (1e6, "1e+06"),
        (123456789, "1.23456789e+08"),
        (0.00001234, "1.234e-05"),
        (0.0001, "0.0001"),
        (-3.25, "-3.25"),
        (1e21, "1e+21"),
        (math.inf, "+Inf"),
        (-math.inf, "-Inf"),
        (math.nan, "NaN"),
    ],
)
def test_a_value_is_printed_as_go_prints_it(value: float, shown: str) -> None:
    assert rendered("{{ $value }}", value) == shown


@pytest.mark.parametrize(
    ("function", "value", "shown"),
    [
        ("humanize", 1234567, "1.235M"),
        ("humanize", 0.0123, "12.3m"),
        ("humanize", 0, "0"),
        ("humanize", math.nan, "NaN"),
        ("humanize1024", 1048576, "1Mi"),
        ("humanize1024", 0.5, "0.5"),
        ("humanizePercentage", 0.12345, "12.35%"),
        ("humanizeDuration", 90061, "1d 1h 1m 1s"),
        ("humanizeDuration", 3600, "1h 0m 0s"),
        ("humanizeDuration", 61.5, "1m 1s"),
        ("humanizeDuration", 1.5, "1.5s"),
        ("humanizeDuration", 0.0125, "12.5ms"),
        ("humanizeDuration", -90, "-1m 30s"),
        ("humanizeTimestamp", 1e6, "1970-01-12 13:46:40 +0000 UTC"),
    ],
)
def test_numbers_are_humanized_as_prometheus_does(function: str, value: float, shown: str) -> None:
    assert rendered(f"{{{{ $value | {function} }}}}", value) == shown
    assert rendered(f"{{{{ {function} $value }}}}", value) == shown


@pytest.mark.parametrize(
    ("template", "shown"),
    [
        ('{{ printf "%.2f" $value }}', "3.14"),
        ('{{ printf "%s at %v" $labels.pod $value }}', "a at 3.14159"),
        ('{{ $value | printf "%5.1f" }}', "  3.1"),
        ('{{ printf "%d" $value }}', "%!d(float64=3.14159)"),
        ('{{ printf "%q" $labels.pod }}', '"a"'),
        ('{{ printf "%d%%" 5 }}', "5%"),
        ('{{ printf "%s" }}', "%!s(MISSING)"),
        ('{{ printf "x" 5 }}', "x%!(EXTRA int=5)"),
        ('{{ printf "%-3s|" "a" }}', "a  |"),
    ],
)
def test_printf_formats_as_go_does(template: str, shown: str) -> None:
    assert rendered(template, 3.14159, pod="a") == shown


@pytest.mark.parametrize(
    ("template", "shown"),
    [
        ("{{ if gt $value 1.0 }}high{{ else }}low{{ end }}", "high"),
        ('{{ if eq $labels.pod "b" }}b{{ else if eq $labels.pod "a" }}A{{ else }}?{{ end }}', "A"),
        ("{{ if $labels.nope }}x{{ end }}.", "."),
        ("{{ if and $labels.pod (not $labels.nope) }}yes{{ end }}", "yes"),
        ("{{ if or $labels.nope (lt $value 1.0) }}yes{{ else }}no{{ end }}", "no"),
        ("{{ if true }}{{ if false }}x{{ else }}y{{ end }}{{ end }}", "y"),
    ],
)
def test_conditions_nest_and_compare(template: str, shown: str) -> None:
    assert rendered(template, 3.0, pod="a") == shown


@pytest.mark.parametrize(
    ("template", "shown"),
    [
        ("a {{- /* why */ -}} b", "ab"),
        ("x {{- $labels.pod -}} y", "xay"),
        ('{{ `raw` }} {{ "q\\"" }}', 'raw q"'),
        ('{{ index $labels "pod" | toUpper }}', "A"),
        ('{{ reReplaceAll "(.*)-.*" "$1" "web-1" }}', "web"),
        ('{{ if match "^w" "web" }}m{{ end }}', "m"),
        ('{{ stripPort "10.0.0.1:80" }} {{ stripPort "[::1]:80" }}', "10.0.0.1 ::1"),
        ('{{ title "hello world" }} {{ toLower "ABC" }} {{ len "abc" }}', "Hello World abc 3"),
        ("{{ $labels }}", "map[pod:a]"),
        ("{{ range $name, $value := $labels }}{{ $name }}={{ $value }};{{ end }}", "pod=a;"),
        ("{{ with $labels.pod }}[{{ . }}]{{ else }}none{{ end }}", "[a]"),
        ('{{ define "x" }}<{{ . }}>{{ end }}{{ template "x" $labels.pod }}', "<a>"),
        ("{{ $pod := toUpper $labels.pod }}{{ $pod }}", "A"),
        ('{{ stripDomain "node1.example.com:9100" }}', "node1:9100"),
    ],
)
def test_the_rest_of_what_rules_use(template: str, shown: str) -> None:
    assert rendered(template, pod="a") == shown


@pytest.mark.parametrize(
    ("template", "says"),
    [
        ("{{ if gt $value 5 }}x{{ end }}", "incompatible types"),
        ('{{ "abc" | humanize }}', "not a number"),
        ('{{ reReplaceAll "(" "x" "y" }}', "reReplaceAll"),
        ("{{ humanizeTimestamp 1e21 }}", "not a time"),
    ],
)
def test_what_cannot_be_rendered_is_written_in_its_place(template: str, says: str) -> None:
    text = rendered(template)
    assert text.startswith("<error expanding template: ")
    assert says in text


@pytest.mark.parametrize(
    "template",
    [
        "{{ $labels.pod",
        "{{ }}",
        "{{ nosuch $value }}",
        "{{ $nosuch }}",
        '{{ range query "up" }}x{{ end }}',
        "{{ with $labels }}x",
        '{{ template "nosuch" . }}',
        "{{ .Nosuch }}",
        "{{ .Value.x }}",
        "{{ break }}",
        "{{ if $value }}x",
        "{{ end }}",
        "{{ else }}",
        "{{ (humanize $value }}",
        "{{ $value | }}",
        "{{ $value | $labels }}",
        "{{ $value.x }}",
        "{{ $labels.a.b }}",
        "{{ $value ) }}",
        "{{ # }}",
        "x" * 20_000,
        "{{ if $value }}" * 60 + "{{ end }}" * 60,
        "{{ " + "(" * 60 + "$value" + ")" * 60 + " }}",
    ],
)
def test_a_template_that_would_fail_at_night_is_refused_when_it_is_loaded(template: str) -> None:
    with pytest.raises(Invalid):
        Template(template)


@given(st.text(max_size=200))
def test_any_text_is_either_refused_or_rendered(text: str) -> None:
    try:
        template = Template(text)
    except Invalid:
        return
    assert isinstance(template.render(Facts({"pod": "a"}, 1.0, {})), str)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_printed_number_is_the_number(value: float) -> None:
    assert float(go_float(value)) == value
