"""The templates of alert rules: read when a rule is loaded, rendered when it fires.

The engine is the one of messages (`alerts.templating`), with the words that Prometheus has for rules and the variables that it puts
before each of them: ``$labels $value $externalLabels $externalURL``. What would ask the metrics again (``query``) is refused by name at
load, never rendered wrongly. A template that fails while rendering does not lose its alert: as in Prometheus, the failure is written
where the text would have been.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from alerts.templating.evaluator import Limits, Rendering
from alerts.templating.parser import parse
from alerts.templating.sinks import TextSink
from alerts.templating.tree import Words, calls
from alerts.templating.values import Failed, Record, Value
from alerts.templating.vocabulary import FOR_RULES
from core.errors import Invalid

MAX_TEMPLATE = 16_384
_LIMITS = Limits(steps=20_000, output=16_384, seconds=0.5)
_NAME = "the template"
_FIELDS = {"Labels": 1, "Value": 0, "ExternalLabels": 1, "ExternalURL": 0}
_VARIABLES = {"$labels": 1, "$value": 0, "$externalLabels": 1, "$externalURL": 0}


@dataclass(frozen=True, slots=True)
class Facts:
    """What a template may speak of."""

    labels: Mapping[str, str]
    value: float
    external_labels: Mapping[str, str]
    external_url: str = ""

    def fields(self) -> dict[str, Value]:
        return {
            "Labels": _table(self.labels),
            "Value": float(self.value),
            "ExternalLabels": _table(self.external_labels),
            "ExternalURL": self.external_url,
        }


def _table(labels: Mapping[str, str]) -> dict[str, str]:
    return labels if type(labels) is dict else dict(labels)


class Template:
    def __init__(self, text: str) -> None:
        if len(text) > MAX_TEMPLATE:
            raise Invalid(f"The template is longer than {MAX_TEMPLATE} characters.")
        self.text = text
        self._bodies = parse(text, _NAME, FOR_RULES, _VARIABLES, _FIELDS)
        for body in self._bodies.values():
            for call in calls(body.nodes):
                if call.name not in self._bodies:
                    raise Invalid(f"The template calls {call.name!r} in line {call.line}, which it does not define.")
        words = [node.text for node in self._bodies[_NAME].nodes if isinstance(node, Words)]
        is_plain = len(words) == len(self._bodies[_NAME].nodes)
        self._plain = "".join(words) if is_plain else None

    def render(self, facts: Facts) -> str:
        if self._plain is not None:
            return self._plain
        fields = facts.fields()
        rendering = Rendering(self._bodies, FOR_RULES, TextSink(), _LIMITS)
        try:
            variables = dict(zip(_VARIABLES, fields.values(), strict=True))
            return rendering.run(_NAME, Record("the alert", fields), variables)
        except Failed as error:
            return f"<error expanding template: {error}>"
