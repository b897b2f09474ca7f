"""Requests beyond plain expressions that a real Prometheus and ours must answer alike, wrong parameters among them."""

from typing import Any

from tests.simulator.promql_data import START_MS

T = START_MS // 1000

Request = tuple[str, dict[str, Any]]

WRONG: list[Request] = [
    ("/api/v1/query", {"query": "up", "time": "yesterday"}),
    ("/api/v1/query", {"query": "up", "timeout": "soon"}),
    ("/api/v1/query", {"query": "up", "timeout": "1x"}),
    ("/api/v1/query_range", {"query": "up", "start": "x", "end": T, "step": 15}),
    ("/api/v1/query_range", {"query": "up", "start": T, "step": 15}),
    ("/api/v1/query_range", {"query": "up", "start": T + 1, "end": T, "step": 15}),
    ("/api/v1/query_range", {"query": "up", "start": T, "end": T + 60, "step": 0}),
    ("/api/v1/query_range", {"query": "up", "start": T, "end": T + 60, "step": -5}),
    ("/api/v1/query_range", {"query": "up", "start": T, "end": T + 60}),
    ("/api/v1/query_range", {"query": "up", "start": T, "end": T + 60, "step": "often"}),
    ("/api/v1/query_range", {"query": "up", "start": T, "end": T + 60, "step": "1e300"}),
    ("/api/v1/query_range", {"query": "up", "start": T, "end": T + 200_000, "step": 15}),
    ("/api/v1/query_range", {"query": "up[5m]", "start": T, "end": T + 60, "step": 15}),
    ("/api/v1/query_range", {"query": '"text"', "start": T, "end": T + 60, "step": 15}),
    ("/api/v1/series", {}),
    ("/api/v1/series", {"match[]": "up", "start": T, "end": T - 1}),
    ("/api/v1/series", {"match[]": "up", "start": "then"}),
    ("/api/v1/label/bad-name/values", {}),
    ("/api/v1/metadata", {"limit": "many"}),
    ("/api/v1/series", {"match[]": '{__name__=~".*"}'}),
    ("/api/v1/series", {"match[]": ["up", "{}"]}),
    ("/api/v1/labels", {"match[]": '{job=~".*"}'}),
    ("/api/v1/labels", {"start": "x"}),
    ("/api/v1/label/job/values", {"match[]": "{}"}),
    ("/api/v1/label/job/values", {"end": "later"}),
    ("/api/v1/query_exemplars", {"query": "up", "start": T, "end": 1}),
    ("/api/v1/query_exemplars", {"query": "up", "start": "x"}),
    ("/api/v1/rules", {"type": "x"}),
    ("/api/v1/targets/metadata", {"limit": "x"}),
]

RIGHT: list[Request] = [
    ("/api/v1/query", {"query": "up", "time": "2023-11-14T22:43:20Z"}),
    ("/api/v1/query", {"query": "up", "time": "2023-11-15T00:43:20.5+02:00", "timeout": "5s"}),
    ("/api/v1/query", {"query": "queue_depth[2m]", "time": T + 1900}),
    ("/api/v1/query", {"query": "short_lived[50m]", "time": T + 3600}),
    ("/api/v1/query", {"query": "max_over_time(up[5m])[7m:2m]", "time": T + 1900}),
    ("/api/v1/query", {"query": '"a \\"text\\""', "time": T}),
    ("/api/v1/query", {"query": "`raw \\d text`", "time": T}),
    ("/api/v1/query", {"query": 'label_replace(up, "n", "<$1>", "job", `(\\w).*`)', "time": T + 60}),
    ("/api/v1/query", {"query": "vector(1e21) or vector(0.000001)", "time": T}),
    ("/api/v1/query", {"query": "1e-7 * 1", "time": T + 0.25}),
    ("/api/v1/query", {"query": "-1/0", "time": T}),
    ("/api/v1/query_range", {"query": "1e22 * time()", "start": T, "end": T + 60, "step": "20s"}),
    ("/api/v1/query_range", {"query": "up", "start": T, "end": T + 600, "step": "1m30s"}),
    ("/api/v1/query_range", {"query": "up", "start": T + 0.5, "end": T + 600, "step": 59.999}),
    ("/api/v1/query_range", {"query": "queue_depth * 1e-9", "start": T, "end": T + 600, "step": 60}),
    ("/api/v1/query_range", {"query": "up @ end()", "start": T, "end": T + 601, "step": 60}),
    ("/api/v1/query_range", {"query": "sum(up)", "start": T, "end": T + 164_985, "step": 15}),
    ("/api/v1/query_range", {"query": "up", "start": T, "end": T, "step": 15}),
    ("/api/v1/series", {"match[]": ["up", 'kube_node_info{node=~".*1"}']}),
    ("/api/v1/series", {"match[]": '{job="api",__name__!~"http.*"}', "start": T, "end": T + 7200}),
    ("/api/v1/labels", {}),
    ("/api/v1/labels", {"match[]": "queue_depth"}),
    ("/api/v1/label/job/values", {}),
    ("/api/v1/label/__name__/values", {}),
    ("/api/v1/label/pod/values", {"match[]": ['short_lived{pod!="p1"}', "kube_pod_info"]}),
    ("/api/v1/label/nothing/values", {}),
    ("/api/v1/query_exemplars", {"query": "up", "start": T, "end": T + 60}),
    ("/api/v1/query_exemplars", {"query": "up"}),
    ("/api/v1/rules", {}),
    ("/api/v1/rules", {"type": "alert"}),
    ("/api/v1/alerts", {}),
    ("/api/v1/alertmanagers", {}),
    ("/api/v1/scrape_pools", {}),
    ("/api/v1/targets", {}),
    ("/api/v1/targets", {"state": "dropped"}),
    ("/api/v1/targets/metadata", {}),
    ("/api/v1/metadata", {"limit": -1}),
    ("/api/v1/metadata", {"metric": "up"}),
    ("/api/v1/status/walreplay", {}),
    ("/api/v1/format_query", {"query": "sum(up)by(job)"}),
    ("/api/v1/format_query", {"query": "up{job='a'}[5m:1m] @ 7 offset 1m"}),
]

COUNTED = [
    "sum(up)",
    "rate(http_requests_total[1m])",
    "max_over_time(queue_depth[5m]) / 2",
    "up + on (job, instance) queue_depth",
]
