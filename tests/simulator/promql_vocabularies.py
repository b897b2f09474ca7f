"""The names that the generator may use, by sample set."""

from tests.simulator.promql_data import START_MS
from tests.simulator.promql_generator import Vocabulary
from tests.simulator.promql_odd_data import FLEET_MS, ODD_MS

VOCABULARIES = {
    "shop": Vocabulary(
        metrics=(
            "queue_depth",
            "up",
            "temperature",
            "short_lived",
            "quota",
            "build_info",
            "lonely",
            "http_requests_total",
        ),
        counters=("http_requests_total", "request_seconds_count"),
        labels=("job", "instance", "code", "version", "sensor", "pod"),
        matchers=('job="api"', 'instance!="1"', 'code=~"2..|4.."', 'version!~"1.[01]"', 'pod=""'),
        buckets="request_seconds_bucket",
        moment=START_MS // 1000 + 3000,
    ),
    "cluster": Vocabulary(
        metrics=("container_memory_working_set_bytes", "kube_pod_info", "kube_pod_status_phase", "kube_node_info"),
        counters=("container_cpu_usage_seconds_total", "kube_pod_container_status_restarts_total"),
        labels=("namespace", "pod", "node", "phase", "kernel", "container"),
        matchers=('namespace="ns1"', 'pod!="pod-3"', 'node=~"node-[01]"', 'phase!="Pending"'),
        buckets="kube_node_info",
        moment=START_MS // 1000 - 3600,
    ),
    "odd": Vocabulary(
        metrics=(
            *("level", "steps", "flag", "ticks_total", "drifting"),
            *("special", "ramp", "texts", "twice", "once"),
        ),
        counters=("ticks_total", "from_below_total", "sawtooth_total", "ramp"),
        labels=("rhythm", "phase", "text", "kind"),
        matchers=('rhythm="15"', 'rhythm!="7"', 'phase=~"7.*|0"', 'text!~"a.*"', 'kind=""'),
        buckets="disorder_bucket",
        moment=ODD_MS // 1000 + 2820,
    ),
    "fleet": Vocabulary(
        metrics=("busy_ratio", "weight", "region_info", "owner_info", "latency_seconds", "served_total"),
        counters=("served_total",),
        labels=("region", "service", "replica", "owner", "code", "quantile"),
        matchers=('region="eu"', 'service=~"cart|pay"', 'replica!="1"', 'owner=~"team-.*"', 'code!~"20[01]"'),
        buckets="latency_seconds",
        moment=FLEET_MS // 1000 + 3600,
    ),
}
