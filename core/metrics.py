"""What Firstmate says of itself at /metrics: one registry, every metric named here.

They are built once and passed in, never imported as globals, so that two applications in one process (as in tests) do not share
counters. Labels are few and bounded: a tool's name, an outcome, a channel; never a user's text.
"""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

_FAST = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class Metrics:
    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.http_requests = self._counter(
            "firstmate_http_requests_total", "HTTP requests answered", "method", "route", "status"
        )
        self.http_seconds = self._histogram(
            "firstmate_http_request_duration_seconds", "Time to answer", "method", "route"
        )
        self.tool_calls = self._counter("firstmate_tool_calls_total", "Tool calls", "tool", "outcome")
        self.tool_seconds = self._histogram("firstmate_tool_call_duration_seconds", "Time of a tool call", "tool")
        self.rule_evaluations = self._counter("firstmate_rule_evaluations_total", "Rule evaluations", "outcome")
        self.missed_ticks = self._counter(
            "firstmate_evaluator_missed_ticks_total", "Evaluation ticks skipped because one ran late"
        )
        self.tick_seconds = self._histogram(
            "firstmate_evaluator_tick_duration_seconds", "Time of one evaluation of all rules"
        )
        self.forest_lessons = self._counter("firstmate_forest_lessons_total", "Isolation forests learnt", "outcome")
        self.forest_seconds = self._histogram(
            "firstmate_forest_lesson_duration_seconds", "Time to learn the forests of one rule"
        )
        self.alerts = self._gauge("firstmate_alerts", "Alerts by state", "state")
        self.deliveries_held = self._gauge(
            "firstmate_deliveries_held", "Messages that wait because their vendor takes no more at a time", "receiver"
        )
        self.deliveries = self._counter("firstmate_deliveries_total", "Notification deliveries", "channel", "outcome")
        self.records_removed = self._counter(
            "firstmate_records_removed_total", "Records of alerts removed because their time was over", "records"
        )
        self.database_failures = self._counter(
            "firstmate_database_failures_total", "Reads and writes that the database did not take"
        )
        self.runs = self._counter("firstmate_agent_runs_total", "Agent runs", "route", "outcome")
        self.run_seconds = self._histogram("firstmate_agent_run_duration_seconds", "Time of an agent run", "route")
        self.model_calls = self._counter("firstmate_model_calls_total", "Language model calls", "model", "outcome")
        self.model_tokens = self._counter("firstmate_model_tokens_total", "Language model tokens", "model", "direction")
        self.plan_states = self._counter("firstmate_plan_transitions_total", "Repair plans entering a state", "state")
        self.search_seconds = self._histogram(
            "firstmate_knowledge_search_duration_seconds", "Time of a knowledge search"
        )

    def exposition(self) -> bytes:
        return generate_latest(self.registry)

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(name, text, labels, registry=self.registry)

    def _gauge(self, name: str, text: str, *labels: str) -> Gauge:
        return Gauge(name, text, labels, registry=self.registry)

    def _histogram(self, name: str, text: str, *labels: str) -> Histogram:
        return Histogram(name, text, labels, registry=self.registry, buckets=_FAST)
