"""The part of Go's text/template that alert rules use in the wild, parsed when a rule is loaded and rendered when it fires.

Known: text, ``{{ }}`` with trim marks and comments, ``$labels $value $externalLabels $externalURL`` and their dotted forms, pipelines,
parentheses, literals, ``if / else if / else / end``, comparisons, ``printf`` and Prometheus's humanize family. Whatever else Go knows
(range, with, query, define) is refused by name at load, never rendered wrongly. A template that fails while rendering does not lose
its alert: as in Prometheus, the failure is written where the text would have been.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from alerts.functions import FUNCTIONS, Failed, Value, is_true, show
from core.errors import Invalid

MAX_TEMPLATE = 16_384
MAX_RENDERED = 16_384
MAX_DEPTH = 20

_ACTION = re.compile(
    r"\{\{(?P<left>- )?(?P<body>(?:\"(?:\\.|[^\"\\])*\"|`[^`]*`|(?!\}\}).)*?)(?P<right> -)?\}\}", re.DOTALL
)
_TOKEN = re.compile(
    r"\s*(?:(?P<string>\"(?:\\.|[^\"\\])*\"|`[^`]*`)|(?P<number>[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)"
    r"|(?P<path>\$?(?:\.?[A-Za-z_]\w*)(?:\.[A-Za-z_]\w*)*)|(?P<mark>[|()]))"
)
_VARIABLES = {
    "$labels": "labels",
    ".Labels": "labels",
    "$value": "value",
    ".Value": "value",
    "$externalLabels": "external_labels",
    ".ExternalLabels": "external_labels",
    "$externalURL": "external_url",
    ".ExternalURL": "external_url",
}
_UNKNOWN_WORDS = ("range", "with", "define", "template", "block", "break", "continue")


@dataclass(frozen=True, slots=True)
class Facts:
    """What a template may speak of."""

    labels: Mapping[str, str]
    value: float
    external_labels: Mapping[str, str]
    external_url: str = ""

    def get(self, name: str) -> Value:
        known: dict[str, Value] = {
            "labels": self.labels,
            "value": self.value,
            "external_labels": self.external_labels,
            "external_url": self.external_url,
        }
        return known[name]


Expression: TypeAlias = Callable[[Facts], Value]


@dataclass(frozen=True, slots=True)
class Branch:
    test: Expression
    then: tuple["Node", ...]
    otherwise: tuple["Node", ...]


Node: TypeAlias = str | Branch | Expression


class Template:
    def __init__(self, text: str) -> None:
        if len(text) > MAX_TEMPLATE:
            raise Invalid(f"The template is longer than {MAX_TEMPLATE} characters.")
        self.text = text
        self._nodes = _Blocks(_pieces(text)).whole()

    def render(self, facts: Facts) -> str:
        try:
            return "".join(_rendered(self._nodes, facts))[:MAX_RENDERED]
        except Failed as error:
            return f"<error expanding template: {error}>"


@dataclass(frozen=True, slots=True)
class _Action:
    body: str


def _pieces(text: str) -> Iterator[str | _Action]:
    at = 0
    trim = False
    for match in _ACTION.finditer(text):
        literal = text[at : match.start()]
        literal = literal.lstrip() if trim else literal
        yield literal.rstrip() if match["left"] else literal
        if not match["body"].strip().startswith("/*"):
            yield _Action(match["body"].strip())
        at, trim = match.end(), bool(match["right"])
    rest = text[at:]
    if "{{" in rest:
        raise Invalid("The template opens {{ and does not close it.")
    yield rest.lstrip() if trim else rest


class _Blocks:
    """Nests if, else and end."""

    def __init__(self, pieces: Iterator[str | _Action]) -> None:
        self._pieces = pieces
        self._depth = 0

    def whole(self) -> tuple[Node, ...]:
        nodes, ended_by = self._until()
        if ended_by is not None:
            raise Invalid(f"The template has {{{{ {ended_by} }}}} without an if.")
        return nodes

    def _until(self) -> tuple[tuple[Node, ...], str | None]:
        """The nodes up to the word that ends this block, and that word."""
        nodes: list[Node] = []
        for piece in self._pieces:
            if isinstance(piece, str):
                nodes.append(piece)
                continue
            word, _, rest = piece.body.partition(" ")
            if word in ("end", "else"):
                return tuple(nodes), piece.body
            nodes.append(self._branch(rest) if word == "if" else _pipeline(piece.body))
        return tuple(nodes), None

    def _branch(self, test: str) -> Branch:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise Invalid(f"The template nests deeper than {MAX_DEPTH}.")
        then, ended_by = self._until()
        otherwise: tuple[Node, ...] = ()
        if ended_by is not None and ended_by.startswith("else if "):
            otherwise, ended_by = (self._branch(ended_by.removeprefix("else if ")),), "end"
        elif ended_by == "else":
            otherwise, ended_by = self._until()
        if ended_by != "end":
            raise Invalid("The template has an if without its end.")
        self._depth -= 1
        return Branch(_pipeline(test), then, otherwise)


def _rendered(nodes: tuple[Node, ...], facts: Facts) -> Iterator[str]:
    for node in nodes:
        if isinstance(node, str):
            yield node
        elif isinstance(node, Branch):
            yield from _rendered(node.then if is_true(node.test(facts)) else node.otherwise, facts)
        else:
            yield show(node(facts))


def _pipeline(text: str) -> Expression:
    tokens = _tokens(text)
    expression = _Parser(tokens).pipeline()
    if tokens:
        raise Invalid(f"The template does not understand {tokens[0][1]!r} in {{{{ {text} }}}}.")
    return expression


def _tokens(text: str) -> list[tuple[str, str]]:
    tokens: list[tuple[str, str]] = []
    at = 0
    while text[at:].strip():
        match = _TOKEN.match(text, at)
        if match is None or match.lastgroup is None:
            raise Invalid(f"The template does not understand {text[at:].strip()!r}.")
        tokens.append((match.lastgroup, match[match.lastgroup]))
        at = match.end()
    return tokens


class _Parser:
    def __init__(self, tokens: list[tuple[str, str]]) -> None:
        self._tokens = tokens
        self._depth = 0

    def pipeline(self) -> Expression:
        expression = self._command(None)
        while self._tokens and self._tokens[0] == ("mark", "|"):
            self._tokens.pop(0)
            expression = self._command(expression)
        return expression

    def _command(self, piped: Expression | None) -> Expression:
        """A value, or a function with its arguments; what is piped in comes last, as in Go."""
        if not self._tokens:
            raise Invalid("The template has an empty {{ }}.")
        kind, text = self._tokens[0]
        if kind != "path" or text[0] in "$." or text in ("true", "false"):
            if piped is not None:
                raise Invalid(f"The template pipes into {text}, which is not a function.")
            return self._operand()
        self._tokens.pop(0)
        function = _function(text)
        arguments: list[Expression] = []
        while self._tokens and self._tokens[0] not in (("mark", "|"), ("mark", ")")):
            arguments.append(self._operand())
        if piped is not None:
            arguments.append(piped)
        return lambda facts: function([argument(facts) for argument in arguments])

    def _operand(self) -> Expression:
        kind, text = self._tokens.pop(0)
        if kind == "string":
            literal = _unquoted(text)
            return lambda _facts: literal
        if kind == "number":
            number: Value = int(text) if re.fullmatch(r"[+-]?\d+", text) else float(text)
            return lambda _facts: number
        if kind == "path":
            return _path(text)
        return self._group(text)

    def _group(self, mark: str) -> Expression:
        self._depth += 1
        if mark != "(" or self._depth > MAX_DEPTH:
            raise Invalid(f"The template does not expect {mark!r} here.")
        inner = self.pipeline()
        if not self._tokens or self._tokens.pop(0) != ("mark", ")"):
            raise Invalid("The template opens ( and does not close it.")
        self._depth -= 1
        return inner


def _function(name: str) -> Callable[[list[Value]], Value]:
    if name in _UNKNOWN_WORDS:
        raise Invalid(f"The template uses {name}, which is not supported here.")
    if name not in FUNCTIONS:
        raise Invalid(f"The template uses the function {name}, which is not known.", allowed=sorted(FUNCTIONS))
    return FUNCTIONS[name]


def _path(text: str) -> Expression:
    if text in ("true", "false"):
        truth = text == "true"
        return lambda _facts: truth
    if text[0] not in "$.":
        called = _function(text)
        return lambda _facts: called([])
    head, _, field = text[1:].partition(".")
    name = _VARIABLES.get(text[0] + head)
    if name is None:
        raise Invalid(f"The template uses {text[0]}{head}, which is not known.", allowed=sorted(_VARIABLES))
    if not field:
        return lambda facts: facts.get(name)
    if not name.endswith("labels") or "." in field:
        raise Invalid(f"The template asks {text} for a field that it has not.")
    return lambda facts: _label(facts.get(name), field)


def _label(labels: Value, field: str) -> Value:
    return labels.get(field, "") if isinstance(labels, Mapping) else ""


def _unquoted(text: str) -> str:
    if text[0] == "`":
        return text[1:-1]
    escapes = {"n": "\n", "t": "\t", "r": "\r", '"': '"', "\\": "\\", "'": "'"}
    return re.sub(r"\\(.)", lambda match: escapes.get(match[1], match[0]), text[1:-1])
