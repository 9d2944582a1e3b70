"""Words that people search by, and the order of names: the same whatever database compares them.

Letters count, how they are written does not: case, accents, vowel points and width are taken away, and digits of
any script are those of ASCII. Whatever is neither a letter nor a digit parts two words. Chinese and Japanese are
written without spaces, so a word begins with each of their characters.
"""

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import zip_longest
from unicodedata import category, combining, decimal, normalize

from leads_domain.lead import Lead

WORD_MAX = 32
"""How many characters of a word count."""

NAME_KEY_MAX = 200
"""How many characters of a name decide its place."""

_PLAIN_WORD = re.compile("[a-z0-9]+")
# Chinese characters, and the two Japanese syllabaries with the signs that repeat or prolong.
_UNSPACED = re.compile(
    "([\u3005-\u3007\u3041-\u3096\u309d-\u309f\u30a1-\u30fa\u30fc-\u30ff\u3400-\u4dbf\u4e00-\u9fff"
    "\U00020000-\U0003ffff]+)"
)
_TYPED_PHONE = re.compile(r"\+[\s0-9()./-]+")
# Letters that Unicode takes for others, and people for accented ones: the i without a dot, the o with a stroke ...
_SAME_LETTERS = str.maketrans(
    {"\u0131": "i", "ø": "o", "đ": "d", "ł": "l", "ħ": "h", "æ": "ae", "œ": "oe", "ð": "d", "þ": "th", "\u0640": ""}
)


def words_of(*texts: str | None) -> str:
    """The words by which somebody of whom these texts tell is found: each once, in order, a space before each."""
    said = folded(" ".join(filter(None, texts)))
    return "".join(f" {word}" for word in _longest(_words(said, every=True)))


def lead_words(lead: Lead) -> str:
    """The words by which a lead is found; see `words_of`."""
    phone = (lead.phone.e164, lead.phone.extension) if lead.phone else ()
    return words_of(lead.name, lead.email.address, lead.source, *phone)


@lru_cache(maxsize=256)
def words_in(q: str) -> tuple[str, ...]:
    """The words of what is searched for, each of which must begin a word of a lead.

    A telephone number that begins with + is one word, however it is spaced.
    """
    joined = _TYPED_PHONE.sub(lambda typed: re.sub("[^0-9]", "", typed[0]) + " ", folded(q))
    return tuple(_longest(_words(joined, every=False)))


def name_key(name: str) -> str:
    """What names are ordered by, code point by code point."""
    return " ".join(folded(name).split())[:NAME_KEY_MAX]


def folded(text: str) -> str:
    """`text` without what does not count when it is compared."""
    if text.isascii():
        return text.lower()
    decomposed = normalize("NFKD", normalize("NFKD", text).casefold())
    kept = (char for char in decomposed if not combining(char) and category(char) != "Cf")
    return "".join(char if char.isascii() else str(decimal(char, char)) for char in kept).translate(_SAME_LETTERS)


def _words(plain: str, *, every: bool) -> Iterator[str]:
    """The words of a folded text; with `every`, also those that begin within text that is written without spaces."""
    if plain.isascii():
        yield from (word[:WORD_MAX] for word in _PLAIN_WORD.findall(plain))
        return
    parted = "".join(char if char.isalnum() or category(char)[0] == "M" else " " for char in plain)
    for place, run in enumerate(_UNSPACED.split(parted)):
        if place % 2:
            yield from (run[start : start + WORD_MAX] for start in range(len(run) if every else 1))
        else:
            yield from (word[:WORD_MAX] for word in run.split())


def _longest(words: Iterable[str]) -> list[str]:
    """The words in order, without those that begin another one: whatever begins them begins that one, too."""
    ordered = sorted(set(words))
    return [word for word, after in zip_longest(ordered, ordered[1:], fillvalue="") if not after.startswith(word)]
