"""From tokens to a tree, as Go's text/template reads them; everything that can be refused is refused here, with its line.

Functions and variables must be known, blocks must be closed, what is piped into must be something that can be called, and nothing nests
deeper than the evaluator would follow. The names of templates that are called are checked by whoever has them all together.
"""

import math
import re
from collections.abc import Callable, Collection, Mapping
from types import MappingProxyType

from alerts.templating.lexer import Token, tokens
from alerts.templating.tree import (
    Action,
    Block,
    Body,
    Call,
    Chain,
    Dot,
    Leave,
    Literal,
    Named,
    Node,
    Nodes,
    Operand,
    Path,
    Pipe,
    Variable,
    Words,
    is_blank,
)
from core.errors import Invalid, near_misses

MAX_TEMPLATE = 262_144
MAX_DEPTH = 40
_BLOCKS = ("if", "with", "range")
_KEYWORDS = frozenset({*_BLOCKS, "else", "end", "define", "template", "block", "break", "continue"})
_ESCAPE = re.compile(r"\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-7]{3})|(.))", re.DOTALL)
_SIMPLE = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", "\\": "\\", "'": "'", '"': '"'}


def parse(
    text: str,
    source: str,
    functions: Collection[str],
    variables: Mapping[str, int] = MappingProxyType({}),
    root: Mapping[str, int] = MappingProxyType({}),
) -> dict[str, Body]:
    """Every template that is defined in the text, and the text itself under the source's name.

    Variables that are there from the start and the fields of the data (`root`) come with how deep one may ask into them.
    """
    if len(text) > MAX_TEMPLATE:
        raise Invalid(f"{source}: the template is longer than {MAX_TEMPLATE} characters.")
    return _Parser(text, source, functions, variables, root).whole()


class _Parser:
    def __init__(
        self,
        text: str,
        source: str,
        functions: Collection[str],
        variables: Mapping[str, int],
        root: Mapping[str, int],
    ) -> None:
        self._source = source
        self._functions = functions
        self._root = root
        self._tokens = list(tokens(text, source))
        self._at = 0
        self._variables = ["$", *variables]
        self._given = variables
        self._depth = 0
        self._loops = 0
        self._dot_is_root = True
        self._found: dict[str, Body] = {}

    def whole(self) -> dict[str, Body]:
        nodes, ended_by = self._nodes()
        if ended_by:
            raise self._bad(f"{{{{ {ended_by} }}}} closes nothing")
        self._found.setdefault(self._source, Body(nodes, self._source))
        return self._found

    # Tokens.

    def _bad(self, what: str) -> Invalid:
        line = self._tokens[min(self._at, len(self._tokens) - 1)].line
        return Invalid(f"{self._source}, line {line}: {what}.")

    def _next(self) -> Token:
        token = self._tokens[self._at]
        self._at = min(self._at + 1, len(self._tokens) - 1)
        return token

    def _peek(self) -> Token:
        return self._tokens[self._at]

    def _skip_space(self) -> Token:
        while self._peek().kind == "space":
            self._next()
        return self._peek()

    def _close(self, after: str) -> None:
        if self._skip_space().kind != "right":
            raise self._bad(f"unexpected {self._peek().text!r} after {after}")
        self._next()

    def _deeper(self) -> None:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise self._bad(f"it nests deeper than {MAX_DEPTH}")

    # What stands outside and between the braces.

    def _nodes(self) -> tuple[Nodes, str]:
        """Up to the end of this block, and the word that ends it."""
        nodes: list[Node] = []
        while (token := self._next()).kind != "end":
            if token.kind == "text":
                nodes += [Words(token.text)] if token.text else []
                continue
            self._at -= 1
            word = self._skip_space()
            if word.kind == "word" and word.text in ("end", "else"):
                self._next()
                return tuple(nodes), word.text
            nodes += self._action(word)
        return tuple(nodes), ""

    def _action(self, token: Token) -> list[Node]:
        word = token.text if token.kind == "word" else ""
        if word not in _KEYWORDS:
            pipe = self._pipe("command", "right")
            return [Action(pipe, token.line)]
        self._next()
        if word in _BLOCKS:
            return [self._block(word, token.line)]
        if word in ("break", "continue"):
            return [self._leave(word)]
        if word == "define":
            return self._define()
        return [self._call(word, token.line)]

    def _block(self, word: str, line: int) -> Block:
        self._deeper()
        kept, was_root = len(self._variables), self._dot_is_root
        pipe = self._pipe(word, "right", many=word == "range")
        self._dot_is_root = was_root and word == "if"
        self._loops += word == "range"
        body, ended_by = self._nodes()
        self._loops -= word == "range"
        self._dot_is_root = was_root
        otherwise: Nodes = ()
        if ended_by == "else":
            otherwise, ended_by = self._otherwise(word)
        elif ended_by:
            self._close("end")
        if ended_by != "end":
            raise self._bad(f"{{{{ {word} }}}} of line {line} is never closed")
        del self._variables[kept:]
        self._depth -= 1
        return Block(word, pipe, body, otherwise, line)

    def _otherwise(self, word: str) -> tuple[Nodes, str]:
        """`else if` and `else with` are a block of their own that shares the end."""
        again = self._skip_space()
        if again.kind == "word" and again.text in ("if", "with") and word != "range":
            self._next()
            return (self._block(again.text, again.line),), "end"
        self._close("else")
        nodes, ended_by = self._nodes()
        if ended_by == "else":
            raise self._bad("there is a second else")
        if ended_by:
            self._close("end")
        return nodes, ended_by

    def _leave(self, word: str) -> Leave:
        if not self._loops:
            raise self._bad(f"{word} stands outside of a range")
        self._close(word)
        return Leave(word)

    def _define(self) -> list[Node]:
        if self._depth:
            raise self._bad("define stands inside of another block")
        name = self._name("define")
        self._close("define")
        self._defined(name)
        return []

    def _defined(self, name: str) -> None:
        line = self._peek().line
        kept = self._variables, self._loops, self._dot_is_root
        self._variables, self._loops, self._dot_is_root = ["$"], 0, False
        self._deeper()
        nodes, ended_by = self._nodes()
        if ended_by != "end":
            raise self._bad(f"the template {name!r} of line {line} is never closed")
        self._close("end")
        self._depth -= 1
        self._variables, self._loops, self._dot_is_root = kept
        if name in self._found and not is_blank(self._found[name].nodes):
            raise self._bad(f"the template {name!r} is defined twice")
        self._found[name] = Body(nodes, self._source)

    def _call(self, word: str, line: int) -> Call:
        name = self._name(word)
        pipe = None
        if self._skip_space().kind != "right" or word == "block":
            pipe = self._pipe(word, "right")
        else:
            self._next()
        if word == "block":
            self._defined(name)
        return Call(name, pipe, line)

    def _name(self, word: str) -> str:
        token = self._skip_space()
        if token.kind not in ("string", "raw"):
            raise self._bad(f"{word} wants a name in quotes")
        self._next()
        return self._unquoted(token)

    # Expressions.

    def _pipe(self, context: str, end: str, many: bool = False) -> Pipe:
        declares, assigns = self._declared(many)
        commands: list[tuple[Operand, ...]] = []
        while True:
            commands.append(self._command(context))
            token = self._skip_space()
            if token.kind not in ("pipe", end):
                raise self._bad(f"unexpected {token.text!r} in {context}" if token.text else "{{ is never closed")
            self._next()
            if token.kind == end:
                break
        for command in commands[1:]:
            if isinstance(command[0], (Literal, Dot)) or command[0] in [Variable(name) for name in self._given]:
                raise self._bad("something is piped into what is not a function")
        if declares and not assigns:
            self._variables += declares
        return Pipe(tuple(commands), declares, assigns)

    def _declared(self, many: bool) -> tuple[tuple[str, ...], bool]:
        """`$x :=`, `$x =`, and in a range `$i, $x :=`."""
        before = self._at
        names: list[str] = []
        while self._skip_space().kind == "variable":
            names.append(self._next().text)
            token = self._skip_space()
            self._next()
            if token.kind == "comma" and many and len(names) < 2:
                continue
            if token.kind in ("declare", "assign"):
                for name in names if token.kind == "assign" else ():
                    self._know(name)
                return tuple(names), token.kind == "assign"
            break
        self._at = before
        return (), False

    def _command(self, context: str) -> tuple[Operand, ...]:
        operands: list[Operand] = []
        while self._skip_space().kind not in ("pipe", "right", "close", "end"):
            operands.append(self._operand(context))
            if self._peek().kind not in ("space", "pipe", "right", "close"):
                raise self._bad(f"unexpected {self._peek().text!r} in {context}")
        if not operands:
            raise self._bad(f"a value is missing for {context}")
        if isinstance(operands[0], Literal) and operands[0].value is None:
            raise self._bad("nil is not a command")
        return tuple(operands)

    def _operand(self, context: str) -> Operand:
        term = self._term(context)
        names: list[str] = []
        while self._peek().kind == "field":
            names.append(self._next().text[1:])
        if isinstance(term, Path):
            return self._rooted(Path((*term.names, *names)))
        if not names:
            return term
        if isinstance(term, Variable):
            self._ask(term.name, len(names), self._given)
            return Variable(term.name, tuple(names))
        if isinstance(term, (Literal, Dot)):
            raise self._bad(f"unexpected .{names[0]} behind a value that has no fields")
        return Chain(term, tuple(names))

    def _rooted(self, path: Path) -> Path:
        if self._root and self._dot_is_root:
            if path.names[0] not in self._root:
                known = ", ".join(f".{name}" for name in self._root)
                raise self._bad(f".{path.names[0]} is not known; there are {known}")
            self._ask(f".{path.names[0]}", len(path.names) - 1, {f".{name}": deep for name, deep in self._root.items()})
        return path

    def _ask(self, name: str, deep: int, known: Mapping[str, int]) -> None:
        if deep > known.get(name, deep):
            raise self._bad(f"{name} is asked for a field that it has not")

    def _term(self, context: str) -> Operand:
        token = self._next()
        reader: Callable[[Token], Operand] | None = {
            "word": self._word,
            "variable": lambda token: Variable(self._know(token.text)),
            "field": lambda token: Path((token.text[1:],)),
            "dot": lambda _token: Dot(),
            "string": lambda token: Literal(self._unquoted(token)),
            "raw": lambda token: Literal(self._unquoted(token)),
            "char": lambda token: Literal(self._char(token)),
            "number": lambda token: Literal(self._number(token)),
            "open": lambda _token: self._grouped(),
        }.get(token.kind)
        if reader is None:
            self._at -= 1
            raise self._bad(f"unexpected {token.text!r} in {context}")
        return reader(token)

    def _word(self, token: Token) -> Operand:
        if token.text in ("true", "false", "nil"):
            return Literal({"true": True, "false": False, "nil": None}[token.text])
        if token.text not in self._functions:
            near = near_misses(token.text, self._functions, 1)
            hint = f"; did you mean {near[0]}" if near else ""
            raise self._bad(f"the function {token.text} is not known{hint}")
        return Named(token.text)

    def _know(self, name: str) -> str:
        if name not in self._variables:
            raise self._bad(f"the variable {name} is not known")
        return name

    def _grouped(self) -> Pipe:
        self._deeper()
        inner = self._pipe("parentheses", "close")
        self._depth -= 1
        return inner

    def _number(self, token: Token) -> int | float:
        text = token.text.replace("_", "")
        try:
            number = _read_number(text)
        except ValueError:
            raise self._bad(f"{token.text} is not a number") from None
        if not -(2**63) <= number < 2**63 if isinstance(number, int) else math.isinf(number):
            raise self._bad(f"{token.text} is too large")
        return number

    def _char(self, token: Token) -> int:
        read = self._unescaped(token.text[1:-1])
        if len(read) != 1:
            raise self._bad(f"{token.text} is not one character")
        return ord(read)

    def _unquoted(self, token: Token) -> str:
        body = token.text[1:-1]
        return body.replace("\r", "") if token.text[0] == "`" else self._unescaped(body)

    def _unescaped(self, text: str) -> str:
        return _ESCAPE.sub(self._escape, text)

    def _escape(self, match: re.Match[str]) -> str:
        byte, short, long, octal, simple = match.groups()
        if simple:
            if simple not in _SIMPLE:
                raise self._bad(f"\\{simple} means nothing in a text in quotes")
            return _SIMPLE[simple]
        code = int(octal, 8) if octal else int(byte or short or long, 16)
        if code > 0x10FFFF or 0xD800 <= code < 0xE000:
            raise self._bad(f"{match[0]} is no character")
        return chr(code)


def _read_number(text: str) -> int | float:
    if re.search(r"0[xXbBoO]", text):
        return int(text, 0)
    if re.fullmatch(r"[+-]?0[0-7]+", text):
        return int(text, 8)
    return float(text) if re.search(r"[.eE]", text) else int(text[:40])
