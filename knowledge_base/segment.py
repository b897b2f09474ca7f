"""From a text to the terms it is found by, the same way for pages and for questions.

Three kinds of term come out. A *concept* (``~oom``) stands for any phrase of the glossary in either language, and is what lets a
Chinese question find an English page. An *object-like* token (CrashLoopBackOff, cart-7d9f-x2x, exit code 137, runtime/cgo) is kept whole
beside its parts, because operators paste them. The rest are words: English ones lower-cased and lightly stemmed, Chinese ones cut by
jieba without its statistical guessing, so that a word is cut alike in a page and in a question.

jieba's dictionary is loaded by hand: its own loader keeps a cache under a well-known name in the shared temporary folder and trusts
whatever lies there, and the table that it makes is a quarter of the whole server (see `lexicon`).
"""

import logging
import re
import threading
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from string import ascii_lowercase, ascii_uppercase
from typing import Any, Literal

import yaml

from knowledge_base.lexicon import Lexicon

GLOSSARY = Path(__file__).with_name("glossary.yaml")
CONCEPT = "~"
EXIT_CODE = "~exit"
_TOKEN = re.compile(r"[A-Za-z0-9]+(?:[._/:@-][A-Za-z0-9]+)*|[\u3400-\u4dbf\u4e00-\u9fff]+")
_CAMEL = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_SEPARATOR = re.compile(r"[._/:@-]")
_EXIT = re.compile(
    r"(?:exit(?:ed)?(?:\s++with)?\s*+(?:code|status)?+|退出码|退出状态码?)\s*+[:：=为是]?+\s*+(\d{1,3})\b",
    re.IGNORECASE,
)
"""Blanks are never given back: three runs of them side by side would be tried in every way to share a long one."""
_NOT_WORD = re.compile(r"[^a-z0-9]+")
_HAN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff]")
_LETTERS = re.compile(r"(?<![A-Za-z0-9._/:@-])[A-Za-z]{5,20}(?![A-Za-z0-9_/:@-])")
MAX_TOKEN = 120
MAX_MENDED = 400
REMEMBERED = 10_000
_LOWER = str.maketrans(ascii_uppercase, ascii_lowercase)


Kind = Literal["technical", "plain", "everyday"]


@dataclass(frozen=True, slots=True)
class Unit:
    """One thing a question asks about: the first term stands for it, the others are its words and parts.

    A technical unit (a concept, an object's name, a code) means the same in both languages; an everyday one belongs to every subject.
    """

    terms: tuple[str, ...]
    kind: Kind


Located = tuple[int, int, Unit]


@dataclass(frozen=True, slots=True)
class Glossary:
    concepts: dict[str, tuple[str, ...]]
    stop: frozenset[str]
    everyday: frozenset[str]
    general: frozenset[str]
    edition: str

    @classmethod
    def load(cls, path: Path = GLOSSARY) -> "Glossary":
        return cls.read(path.read_bytes())

    @classmethod
    @lru_cache(maxsize=4)
    def read(cls, raw: bytes) -> "Glossary":
        found = yaml.safe_load(raw)
        concepts = {name: tuple(str(phrase) for phrase in phrases) for name, phrases in found["concepts"].items()}
        general = frozenset(CONCEPT + name for name in found["general"])
        return cls(concepts, _all(found["stop"]), _all(found["everyday"]), general, sha256(raw).hexdigest()[:12])

    def chinese_words(self) -> Iterator[str]:
        for phrases in self.concepts.values():
            yield from (phrase for phrase in phrases if all(_HAN.match(char) for char in phrase) and len(phrase) > 1)


class Segmenter:
    def __init__(self, glossary: Glossary | None = None) -> None:
        self._glossary = glossary or Glossary.load()
        self._concept_of = {
            _plain(phrase): CONCEPT + name for name, phrases in self._glossary.concepts.items() for phrase in phrases
        }
        self._phrases = _alternation(self._concept_of)
        self._vocabulary = frozenset(word for phrase in self._concept_of for word in _LETTERS.findall(phrase))
        self._everyday = frozenset(stem(word) for word in self._glossary.everyday)
        self._nested: dict[str, tuple[str, ...]] = {}
        self._jieba: Any = None
        self._loading = threading.Lock()
        # A page is cut once for its words and once for its vector, and again for each quote from it.
        self._known = lru_cache(REMEMBERED)(self._token_units)

    @property
    def edition(self) -> str:
        """Changes with the glossary: terms made with another one are made again."""
        return self._glossary.edition

    def warm(self) -> None:
        """Load the Chinese dictionary now instead of at the first Chinese text."""
        self._chinese()

    def terms(self, text: str) -> list[str]:
        return [term for unit in self.units(text) for term in unit.terms]

    def words(self, text: str) -> list[str]:
        """The words alone, in their order, without concepts."""
        return [term for term in self.terms(text) if not term.startswith(CONCEPT)]

    def units(self, text: str) -> list[Unit]:
        text = unicodedata.normalize("NFKC", text)
        found = [Unit((f"{EXIT_CODE}{code}",), "technical") for code in _EXIT.findall(text)]
        return [*found, *(unit for _, _, unit in self._located(text))]

    def mended(self, text: str) -> str:
        """The text with words that are one slip of the finger away from exactly one word of the glossary put right."""
        return _LETTERS.sub(lambda found: self._mended(found.group()), text[:MAX_MENDED]) + text[MAX_MENDED:]

    def _mended(self, word: str) -> str:
        plain = word.lower()
        if plain in self._vocabulary or not self._tells(plain) or stem(plain) in self._everyday:
            return word
        meant = self._vocabulary.intersection(_slips(plain))
        return next(iter(meant)) if len(meant) == 1 else word

    def located(self, text: str) -> list[Located]:
        """What the text says and where, from one character to another."""
        return list(self._located("".join(map(_compared, text))))

    def _located(self, text: str) -> Iterator[Located]:
        position = 0
        for match in self._phrases.finditer(_lower(text)):
            yield from self._plain_units(text, position, match.start())
            yield match.start(), match.end(), self._concept_unit(match.group(), text[match.start() : match.end()])
            position = match.end()
        yield from self._plain_units(text, position, len(text))

    def _concept_unit(self, matched: str, phrase: str) -> Unit:
        plain = " ".join(matched.split())
        concept = self._concept_of.get(plain) or self._concept_of[plain.removesuffix("s")]
        words = [term for _, _, unit in self._plain_units(phrase, 0, len(phrase)) for term in unit.terms]
        kind: Kind = "plain" if concept in self._glossary.general else "technical"
        return Unit((concept, *words, *self._inside(plain, concept)), kind)

    def _inside(self, plain: str, concept: str) -> tuple[str, ...]:
        """Wider concepts named within the phrase: a stuck rollout is about rollouts, too, for a question that says it in two words."""
        if plain not in self._nested:
            spaced = f" {_NOT_WORD.sub(' ', plain)} "
            found = {name for other, name in self._concept_of.items() if _within(other, plain, spaced)}
            self._nested[plain] = tuple(sorted(found - {concept}))
        return self._nested[plain]

    def _plain_units(self, text: str, begin: int, end: int) -> Iterator[Located]:
        for match in _TOKEN.finditer(text, begin, end):
            token = match.group()[:MAX_TOKEN]
            start = match.start()
            for first, last, unit in self._known(token):
                yield start + first, start + last, unit

    def _token_units(self, token: str) -> tuple[Located, ...]:
        if _HAN.match(token):
            return tuple(self._chinese_units(token))
        return tuple((0, len(token), unit) for unit in self._latin(token))

    def _latin(self, token: str) -> Iterator[Unit]:
        whole = token.lower()
        parts = [part.lower() for piece in _SEPARATOR.split(token) for part in _CAMEL.findall(piece)]
        if len(parts) > 1:
            kept = tuple(dict.fromkeys(stem(part) for part in parts if len(part) > 1 and self._tells(part)))
            yield Unit((whole, *kept), "technical")
        elif whole.isdigit():
            # A short number is a count or an hour; a long one is a port, a status or an exit code.
            yield from [Unit((whole,), "technical")] if len(whole) > 2 else []
        elif self._tells(whole):
            yield Unit((stem(whole),), self._kind(whole))

    def _chinese_units(self, run: str) -> Iterator[Located]:
        dictionary, begin = self._chinese(), 0
        for word in dictionary.cut(run, HMM=False):
            begin += len(word)
            if not self._tells(word):
                continue
            parts = (part for part in dictionary.cut_for_search(word, HMM=False) if part != word and self._tells(part))
            yield begin - len(word), begin, Unit((word, *parts), self._kind(word))

    def _kind(self, word: str) -> Kind:
        return "everyday" if stem(word) in self._everyday else "plain"

    def _tells(self, word: str) -> bool:
        return word not in self._glossary.stop

    def _chinese(self) -> Any:
        with self._loading:
            if self._jieba is None:
                self._jieba = _dictionary(tuple(sorted(self._glossary.chinese_words())))
            return self._jieba


def _all(lists: dict[str, list[str]]) -> frozenset[str]:
    return frozenset(str(word) for words in lists.values() for word in words)


def stem(word: str) -> str:
    """Plural, -ing and -ed taken off: enough that a question's word meets a page's, too little to join two words."""
    if len(word) < 5 or not word.isascii() or any(char.isdigit() for char in word):
        return word
    if word.endswith("ies"):
        return word[:-3] + "y"
    if word.endswith("s") and not word.endswith(("ss", "us", "is")):
        word = word[:-2] if word.endswith(("sses", "xes", "ches", "shes")) else word[:-1]
    for ending in ("ing", "ed"):
        root = word.removesuffix(ending)
        if root != word and len(root) >= 4:
            return root[:-1] if root[-1] == root[-2] and root[-1] not in "ls" else root.removesuffix("e")
    return word.removesuffix("e") if len(word) > 5 else word


def _slips(word: str) -> set[str]:
    """Everything one letter more, less, other or swapped away."""
    cuts = [(word[:place], word[place:]) for place in range(len(word) + 1)]
    less = {left + right[1:] for left, right in cuts if right}
    swapped = {left + right[1] + right[0] + right[2:] for left, right in cuts if len(right) > 1}
    other = {left + letter + right[1:] for left, right in cuts if right for letter in ascii_lowercase}
    more = {left + letter + right for left, right in cuts for letter in ascii_lowercase}
    return less | swapped | other | more


@lru_cache(maxsize=4_096)
def _compared(char: str) -> str:
    """As it is compared, where that keeps every character's place."""
    plain = unicodedata.normalize("NFKC", char)
    return plain if len(plain) == 1 else char


def _plain(phrase: str) -> str:
    return " ".join(_lower(unicodedata.normalize("NFKC", phrase)).split())


def _within(phrase: str, plain: str, spaced: str) -> bool:
    return f" {phrase} " in spaced if phrase.isascii() else phrase in plain


def _lower(text: str) -> str:
    """Lower case of the Latin letters only, so that every character keeps its place."""
    return text.translate(_LOWER)


_Trie = dict[str, "_Trie"]
_END = ""


def _alternation(phrases: Iterable[str]) -> re.Pattern[str]:
    """One pattern for all phrases, as a tree of shared beginnings: tried one by one, hundreds of phrases cost more than all else."""
    latin: _Trie = {}
    other: _Trie = {}
    for phrase in phrases:
        node = latin if _is_latin(phrase[0]) else other
        for char in phrase:
            node = node.setdefault(char, {})
        node[_END] = {}
    # Most characters begin no phrase: one look at a set spares trying hundreds of branches.
    return re.compile(f"(?<![a-z0-9_]){_begins(latin)}{_branches(latin)}|{_begins(other)}{_branches(other)}")


def _begins(node: _Trie) -> str:
    return f"(?=[{''.join(re.escape(char) for char in sorted(node))}])" if node else ""


def _branches(node: _Trie, before: str = "") -> str:
    longer = [_one(char) + _branches(node[char], char) for char in sorted(node) if char != _END]
    ends = [r"s?(?![a-z0-9_])" if _is_latin(before) else ""] if _END in node else []
    return "(?:" + "|".join(longer + ends) + ")"


def _one(char: str) -> str:
    return r"\s+" if char == " " else re.escape(char)


def _is_latin(char: str) -> bool:
    return char.isascii() and char.isalnum()


@lru_cache(maxsize=2)
def _dictionary(words: tuple[str, ...]) -> Any:
    import jieba

    jieba.setLogLevel(logging.ERROR)
    dictionary = jieba.Tokenizer()
    with dictionary.get_dict_file() as file:
        lexicon = Lexicon(file.read().decode())
    dictionary.FREQ, dictionary.total, dictionary.initialized = lexicon, lexicon.total, True
    for word in words:
        dictionary.add_word(word)
    return dictionary
