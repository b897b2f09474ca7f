"""Templates and data that are rendered by Alertmanager's own engine and by ours: what people have in their files, and the corners of it."""

from typing import Any

FILE = """{{ define "shop.title" }}[{{ .Status | toUpper }}{{ if eq .Status "firing" }}:{{ .Alerts.Firing | len }}{{ end }}] \
{{ .GroupLabels.SortedPairs.Values | join " " }} {{ if gt (len .CommonLabels) (len .GroupLabels) }}\
({{ with .CommonLabels.Remove .GroupLabels.Names }}{{ .Values | join " " }}{{ end }}){{ end }}{{ end }}
{{ define "shop.alert" }}{{ range .Labels.SortedPairs }} - {{ .Name }} = {{ .Value }}
{{ end }}{{ end }}
{{ define "shop.text" }}{{ range .Alerts }}*{{ .Annotations.summary }}* `{{ .Labels.severity }}`
{{ template "shop.alert" . }}{{ end }}{{ end }}
"""

TEXTS = (
    "{{ title `foo.bar a:b a-b x_1y A1B 1a2b a.1 o’neil's 'quoted' ab..cd a,b 1.a KUBE_POD über-ALLES 中文abc a1.b2 a/b` }}",
    'plain text, 中文 and "quotes" & <signs>',
    "{{ . }}",
    "{{ .Receiver }} {{ .Status }} {{ .ExternalURL }}",
    '{{ template "shop.title" . }}',
    '{{ template "shop.text" . }}',
    '{{ template "shop.alert" (index .Alerts 0) }}',
    "{{ .GroupLabels }} {{ .CommonLabels }} {{ .CommonAnnotations }}",
    "{{ .GroupLabels.SortedPairs }} {{ .CommonLabels.Names }} {{ .CommonLabels.Values }}",
    '{{ (.CommonLabels.Remove (stringSlice "severity" "nope")).SortedPairs }}',
    "{{ .CommonLabels.SortedPairs.Names }}{{ .CommonLabels.SortedPairs.Values }}",
    "{{ .CommonLabels.alertname }}|{{ .CommonLabels.nope }}|{{ .CommonAnnotations.summary }}",
    '{{ index .CommonLabels "severity" }}{{ index .CommonLabels "nope" }}',
    '{{ len .Alerts }} {{ len .Alerts.Firing }} {{ len .Alerts.Resolved }} {{ .Alerts.Firing | len | printf "%03d" }}',
    "{{ range .Alerts }}{{ .Status }}:{{ .Labels.pod }} {{ end }}",
    "{{ range $i, $alert := .Alerts }}{{ $i }}={{ $alert.Labels.pod }}{{ if $i }}!{{ end }};{{ end }}",
    "{{ range $alert := .Alerts }}{{ $alert.Fingerprint }}/{{ $.Status }};{{ end }}",
    "{{ range $name, $value := .CommonLabels }}{{ $name }}={{ $value }};{{ else }}none{{ end }}",
    "{{ range .Alerts.Resolved }}{{ .Labels.pod }}{{ else }}nothing is over{{ end }}",
    '{{ range (index .Alerts 0).Labels.SortedPairs }}{{ if eq .Name "pod" }}{{ continue }}{{ end }}{{ .Name }} {{ end }}',
    '{{ range .CommonLabels.SortedPairs }}{{ if eq .Name "severity" }}{{ break }}{{ end }}{{ .Name }} {{ end }}',
    "{{ with .CommonAnnotations.runbook_url }}see {{ . }}{{ else }}no runbook{{ end }}",
    "{{ with $x := .Receiver }}{{ $x | toUpper }} {{ $.Status }}{{ end }}",
    '{{ if eq .Status "firing" }}F{{ else if eq .Status "resolved" }}R{{ else }}?{{ end }}',
    '{{ if and .CommonLabels.severity (eq .CommonLabels.severity "critical" "page") }}wake{{ else }}sleep{{ end }}',
    '{{ if or (match "^w.*g$" .CommonLabels.severity) (not .CommonLabels.severity) }}quiet{{ else }}loud{{ end }}',
    '{{ $color := "good" }}{{ if eq .Status "firing" }}{{ $color = "danger" }}{{ end }}{{ $color }}',
    "{{ $n := 0 }}{{ range .Alerts }}{{ $n = len .Labels }}{{ $n }},{{ end }}{{ $n }}",
    "a {{- /* trimmed */ -}} b {{/* kept */}} c\n{{- if true -}} d {{- end }}\n e",
    'x\n\n  {{- .Status -}}  \n\ny {{- " z " }}',
    '{{ "a\\tb\\n\\"q\\" \\u4e2d \\x41 \\101" }}{{ `raw \\n "x"` }}{{ \'a\' }}',
    "{{ 1 }} {{ 1.5 }} {{ 1e3 }} {{ -7 }} {{ 0x1F }} {{ 1_000 }} {{ true }} {{ 0b101 }} {{ .5 }} {{ 017 }}",
    '{{ "abc" | toUpper | printf "%s-%s" "x" | title }}',
    '{{ title "hello wide-open world it\'s 9lives under_score" }} {{ toLower "ÀBC" }} {{ toUpper "straße" }}',
    '{{ reReplaceAll "(.*)-(.*)" "$2-${1}" "left-right" }} {{ reReplaceAll "a*" "-" "baaau" }} {{ reReplaceAll "x" "$$1$0" "axb" }}',
    '{{ reReplaceAll "(?P<host>[^:]+):\\\\d+" "$host" "node1:9100, node2:9100" }} {{ reReplaceAll "(o)" "$1x" "foo" }}',
    '{{ reReplaceAll "[[:upper:]]+" "_" "aBCdE" }} {{ reReplaceAll "\\\\s+$" "" "x  " }}| {{ match "^a$" "a\\n" }}',
    '{{ join "," (stringSlice "a" "b" "c") }} {{ stringSlice "x" "y" | join "+" }} {{ stringSlice }}',
    '{{ printf "%5d|%-5d|%05d|%+d|%x|%X|%o|%b|%c|%q|%U" 42 42 42 42 255 255 8 5 65 65 65 }}',
    '{{ printf "%s|%10s|%-10s|%.2s|%q|%x|%v|%5.1s|" "héllo" "hi" "hi" "abc" "a\\"b\\n中" "hi" "v" "xyz" }}',
    '{{ printf "%f|%.2f|%8.3f|%e|%g|%G|%v|%6.2f%%" 3.14159 2.5 1.0 12345.678 1e21 1e-7 1e6 99.5 }}',
    '{{ printf "%t|%v|%d|%s|%!|%z" true false "text" 5 }}',
    '{{ printf "%s %s" "one" }}{{ printf "none" 1 "x" 2.5 }}{{ printf "%[2]s %[1]s" "a" "b" }}{{ printf "%*d" 5 42 }}',
    '{{ printf "%v %s %q %+v" .CommonLabels .GroupLabels .GroupLabels.Names .GroupLabels.SortedPairs }}',
    '{{ printf "%T %T %T %T" 1 "s" 1.5 .CommonLabels }}',
    '{{ print 1 2 "a" "b" 3 4 true }} {{ print "a" "b" }} {{ println "x" 1 2 }}{{ print nil }}',
    '{{ lt 1 2 }}{{ le 2 2 }}{{ gt 1.5 2.5 }}{{ ge "b" "a" }}{{ ne 1 2 }}{{ eq 1 3 2 1 }}{{ eq true true }}',
    '{{ and 1 0 2 }} {{ or 0 "" "x" }} {{ not "" }} {{ and true }} {{ 0 | or 5 }}',
    '{{ len "中文" }} {{ slice "abcdef" 1 3 }} {{ index (stringSlice "a" "b") 1 }} {{ index "abc" 1 }} {{ len (slice .Alerts 0 1) }}',
    '{{ html "<a href=\'x\'>&" }} {{ js "it\'s <b>" }} {{ urlquery "a b&c/d?é~" }}',
    "{{ (index .Alerts 0).StartsAt }} {{ (index .Alerts 0).EndsAt }}",
    (
        '{{ range .Alerts }}{{ .StartsAt.Format "2006-01-02 15:04:05 MST" }};{'
        '{ .StartsAt.Format "Mon Jan _2 3:04:05.000PM -0700 2006" }};{{ end }}'
    ),
    '{{ range .Alerts }}{{ .StartsAt.Format "Monday, 02-January-06 Z07:00 .999999 002 __2 Month" }};{{ end }}',
    '{{ range .Alerts }}{{ (.StartsAt.Add 28800e9).Format "2006-01-02 15:04:05" }} {{ .StartsAt.Unix }} {{ .EndsAt.IsZero }};{{ end }}',
    "{{ range .Alerts }}{{ .EndsAt.Sub .StartsAt }} {{ (.EndsAt.Sub .StartsAt).Minutes }} {{ .StartsAt.Before .EndsAt }};{{ end }}",
    "{{ range .Alerts }}{{ .StartsAt.Year }} {{ .StartsAt.Month }} {{ .StartsAt.Day }} {{ .StartsAt.Weekday }};{{ end }}",
    "{{ range .Alerts }}{{ .StartsAt.UTC.Hour }}:{{ .StartsAt.Minute }}:{{ .StartsAt.Second }} {{ .StartsAt.YearDay }};{{ end }}",
    '{{ range .Alerts }}{{ printf "%d %s %v" .StartsAt.Month .StartsAt.Month .StartsAt.UTC }};{{ end }}',
    '{{ define "local" }}<{{ . }}>{{ end }}{{ template "local" .Status }}{{ template "local" }}',
    '{{ block "inline" .Receiver }}[{{ . }}]{{ end }}',
    (
        '{{ define "deep" }}{{ if gt (len .) 0 }}{{ slice . 0 1 }}{{ template "deep" (slice . 1) }}{{ end }}{{ end }}'
        '{{ template "deep" "abcde" }}'
    ),
    '{{ (.Alerts.Firing | len) | printf "%d firing" }} {{ ((.Status)) }}',
    "{{ if not (eq (len .Alerts.Firing) 0) }}some{{ end }}{{ if .Alerts.Resolved }} over{{ end }}",
    "{{ range .Alerts }}{{ range .Annotations.SortedPairs }}{{ .Name }}: {{ .Value }}\n{{ end }}{{ end }}",
    '{{ range .Alerts }}{{ if ne .Status "firing" }}{{ continue }}{{ end }}<{{ .GeneratorURL }}|{{ .Labels.alertname }}>{{ end }}',
    '{{ $sep := "" }}{{ range .Alerts }}{{ $sep }}{{ .Labels.pod }}{{ $sep = ", " }}{{ end }}',
    '{{ range $i, $p := .CommonLabels.SortedPairs }}{{ if $i }}, {{ end }}{{ $p.Name }}="{{ $p.Value }}"{{ end }}',
    '{{ .CommonAnnotations.summary | reReplaceAll "[aeiou]" "*" }}',
    '{{ safeHtml "<b>bold</b>" }} {{ "<b>" }}',
    '{{ range (stringSlice "b" "a") }}{{ . }}{{ end }}{{ with stringSlice "q" }}{{ index . 0 }}{{ end }}',
    "{{- range .Alerts -}}\n{{ .Labels.pod }}\n{{- end -}}",
    "{{ $x := 1 }}{{ if true }}{{ $x := 2 }}{{ $x }}{{ end }}{{ $x }}{{ with 3 }}{{ $x = . }}{{ end }}{{ $x }}",
    "{{ if .CommonLabels.missing }}a{{ else }}{{ with .CommonLabels.severity }}{{ . }}{{ end }}{{ end }}",
    "{{ $.Receiver }}{{ with .GroupLabels }}{{ $.Receiver }}{{ .alertname }}{{ end }}",
    '{{ printf "%-20s|" .CommonLabels.severity }}{{ printf "%6.2f" 3.14159 }}{{ printf "%s" .Status | printf "%q" }}',
    '{{ .Alerts.Firing | printf "%d" | len | lt 5 }} {{ eq .CommonLabels.severity `critical` }}',
)

HTML = (
    "<p>{{ .CommonAnnotations.summary }}</p>",
    '<a href="{{ .ExternalURL }}">{{ .Receiver }}</a>',
    '<a href="http://x/?q={{ .CommonAnnotations.summary }}&r={{ .Status }}">x</a>',
    '<a href="{{ .CommonAnnotations.evil }}">x</a><img src="/a/{{ .CommonAnnotations.summary }}/b.png">',
    "<b title=\"{{ .CommonAnnotations.summary }}\" title='{{ .CommonAnnotations.evil }}' alt={{ .CommonAnnotations.summary }}>x</b>",
    "{{ range .Alerts }}<li>{{ .Labels.pod }} {{ .Annotations.evil }}</li>{{ end }}",
    '{{ safeHtml "<b>bold</b>" }} {{ "<b>plain</b>" }} {{ .CommonAnnotations.summary | safeHtml }}',
    '<td style="color: {{ .Status }}; background: {{ .CommonAnnotations.evil }}">x</td>',
    "a <!-- not {{ .Status }} shown --> b < c & d {{ 1.5 }} {{ true }}",
    "<title>{{ .CommonAnnotations.evil }}</title><textarea>{{ .CommonAnnotations.summary }}</textarea>",
    '{{ define "h" }}<i>{{ . }}</i>{{ end }}{{ template "h" .CommonAnnotations.evil }}',
    '<a href="{{ range .GroupLabels.SortedPairs }}{{ .Name }}%3D%22{{ .Value }}%22%2C{{ end }}#x">x</a>',
    '<div class="a {{ if eq .Status "firing" }}red{{ else }}green{{ end }}">{{ .CommonLabels }}</div>',
    "<script>var x = {{ .CommonAnnotations.evil }}; var n = {{ len .Alerts }};</script>",
    '{{ html "<x>" }} {{ .CommonAnnotations.summary | html }} {{ printf "%s" "<y>" }}',
    '<style>p { color: {{ .Status }} }</style><input value="{{ .Receiver }}" disabled>',
)

BROKEN = (
    "{{ .Nosuch }}",
    "{{ nosuch . }}",
    '{{ template "nosuch" . }}',
    "{{ if }}x{{ end }}",
    "{{ if true }}x",
    "{{ end }}",
    "{{ $x }}",
    "{{ .Status.X }}",
    "{{ index .Alerts 99 }}",
    "{{ toUpper 5 }}",
    "{{ eq 1 1.5 }}",
    "{{ lt true false }}",
    "{{ range 5 }}x{{ end }}",
    "{{ len 5 }}",
    '{{ "x" | "y" }}',
    '{{ .Status "x" }}',
    '{{ join "," "x" }}',
    '{{ reReplaceAll "(" "" "x" }}',
    "{{ nil }}",
    "{{ break }}",
    "{{ (1).x }}",
    "{{ / * x * / }}",
    "{{ .Alerts.Firing.x }}",
    "{{ $x = 1 }}",
    '{{ "unclosed }}',
    "{{ 1 2 }}",
    "{{ not }}",
    "{{ else }}",
)


def _alert(status: str, pod: str, starts: str, ends: str, **annotations: str) -> dict[str, Any]:
    labels = {"alertname": "Latency", "pod": pod, "severity": "critical", "app": "web"}
    return {
        "status": status,
        "labels": labels,
        "annotations": {"summary": f'{pod} isn\'t <fast> & "ok"', **annotations},
        "startsAt": starts,
        "endsAt": ends,
        "generatorURL": f"http://prometheus/graph?g0.expr=up%7Bpod%3D%22{pod}%22%7D&g0.tab=1",
        "fingerprint": f"{pod}-0123",
    }


_EVIL = "javascript:alert('x')//</p><script>"
DATA: dict[str, dict[str, Any]] = {
    "firing": {
        "receiver": "team-shop",
        "status": "firing",
        "alerts": [
            _alert("firing", "a-1", "2024-02-29T23:59:59.123456789Z", "0001-01-01T00:00:00Z", evil=_EVIL),
            _alert("resolved", "b+2", "2023-12-31T09:05:03.5+08:00", "2024-01-01T00:00:00+08:00", zone="东八区"),
            _alert("firing", "c", "2024-07-04T12:30:00-03:30", "2024-07-04T12:30:00.0005-03:30"),
        ],
        "groupLabels": {"alertname": "Latency"},
        "commonLabels": {"alertname": "Latency", "severity": "critical", "app": "web"},
        "commonAnnotations": {"summary": 'it isn\'t <fast> & "ok" 100% +1', "evil": _EVIL},
        "externalURL": "http://alerts.example/x?y=1&z=a b",
    },
    "resolved": {
        "receiver": "night",
        "status": "resolved",
        "alerts": [_alert("resolved", "only", "2024-01-01T00:00:00Z", "2024-01-02T03:04:05.006Z")],
        "groupLabels": {},
        "commonLabels": {"severity": "warning", "zeta": "1", "Alpha": "2"},
        "commonAnnotations": {
            "runbook_url": "https://wiki/run book",
            "summary": "一切正常",
            "evil": "data:text/html,x",
        },
        "externalURL": "",
    },
    "bare": {"alerts": [{"labels": {"pod": "x"}}]},
}
