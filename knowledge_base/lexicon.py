"""jieba's dictionary kept as its file is written, and searched instead of spread out.

As the table that jieba makes of it, half a million words and beginnings of words are 60 MB and half a second of every start. As text it is
a fifth of that: cut into sheets by the first character, each short enough that finding a word's line in it takes microseconds, and what
was found last is remembered. Every answer is the one that jieba's own table would give, so a text is cut as jieba cuts it.
"""

import re
from functools import lru_cache

REMEMBERED = 10_000
_SHEET = re.compile(r"^(.).*\n(?:\1.*\n)*", re.MULTILINE)
_FREQUENCY = re.compile(r"^\S+ (\d+)", re.MULTILINE)


class Lexicon:
    """What jieba's tokenizer asks of its table: how often a word occurs, 0 where it only begins longer ones."""

    def __init__(self, text: str) -> None:
        """`text` holds an entry a line, as jieba's file does: the word, its frequency, its part of speech."""
        self.total = sum(map(int, _FREQUENCY.findall(text)))
        self._added: dict[str, int] = {}
        self._sheets: dict[str, str] = {}
        for match in _SHEET.finditer(text):
            self._sheets[match[1]] = self._sheets.get(match[1], "\n") + match[0]
        self._found = lru_cache(REMEMBERED)(self._find)

    def get(self, word: str, otherwise: int | None = None) -> int | None:
        frequency = self._added[word] if word in self._added else self._found(word)
        return otherwise if frequency is None else frequency

    def __contains__(self, word: str) -> bool:
        return self.get(word) is not None

    def __getitem__(self, word: str) -> int:
        frequency = self.get(word)
        if frequency is None:
            raise KeyError(word)
        return frequency

    def __setitem__(self, word: str, frequency: int) -> None:
        self._added[word] = frequency

    def _find(self, word: str) -> int | None:
        sheet = self._sheets.get(word[:1], "")
        line = sheet.find(f"\n{word} ")
        if line < 0:
            return 0 if f"\n{word}" in sheet else None
        begin = line + len(word) + 2
        return int(sheet[begin : sheet.index(" ", begin)])
