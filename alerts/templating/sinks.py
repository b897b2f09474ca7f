"""Where a rendering goes: as it is, for text."""

from collections.abc import Callable, Mapping
from typing import TypeAlias

from alerts.templating.escaping import HtmlSink
from alerts.templating.evaluator import Sink
from alerts.templating.printing import show
from alerts.templating.values import Value


class TextSink:
    def __init__(self) -> None:
        self._parts: list[str] = []

    def literal(self, text: str) -> int:
        self._parts.append(text)
        return len(text)

    def value(self, value: Value) -> int:
        return self.literal("<no value>" if value is None else show(value))

    def done(self) -> str:
        return "".join(self._parts)


Sinks: TypeAlias = Mapping[str, Callable[[], Sink]]
SINKS: Sinks = {"text": TextSink, "html": HtmlSink}
