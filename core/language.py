"""Two languages, one decision.

A person is answered in the language of the question. `detect` decides by counting: a text with Han characters in more than a
tenth of its letters is Chinese, because operators write Chinese sentences around English object names. `Text` carries a sentence
in both languages until the reader is known.
"""

import re
from dataclasses import dataclass
from typing import Literal

Language = Literal["en", "zh"]
_LONG = 12
"""Shorter lines of Chinese end where they were meant to."""
_HAN_END = re.compile(r"[\u3000-\u303f\u3400-\u9fff\uff00-\uffef]$")
_HAN_START = re.compile(r"[\u3000-\u303f\u3400-\u9fff\uff00-\uffef]")


@dataclass(frozen=True, slots=True)
class Text:
    en: str
    zh: str

    def __call__(self, language: Language, **values: object) -> str:
        template = self.zh if language == "zh" else self.en
        return template.format(**values) if values else template


def detect(text: str) -> Language:
    letters = [char for char in text if char.isalpha()]
    han = sum(1 for char in letters if "\u4e00" <= char <= "\u9fff" or "\u3400" <= char <= "\u4dbf")
    return "zh" if han and han * 10 >= len(letters) else "en"


def unwrapped(text: str) -> str:
    """One line of several: Chinese is written without blanks, so where a long line was broken between its letters none is put in."""
    joined, last = "", ""
    for line in (" ".join(each.split()) for each in text.splitlines()):
        if not line:
            continue
        is_broken = len(last) >= _LONG and _HAN_END.search(last) and _HAN_START.match(line)
        joined += ("" if not joined or is_broken else " ") + line
        last = line
    return joined


def pick(language: Language, en: str, zh: str) -> str:
    return zh if language == "zh" else en
