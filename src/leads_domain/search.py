"""Words that people search by, and the order of names: the same whatever database compares them.

Letters count, how they are written does not: case, accents, vowel points and width are taken away, and digits of
any script are those of ASCII. Whatever is neither a letter nor a digit parts two words. What an apostrophe, a hyphen
or, between digits, a blank parts is also one word: a word begins with each part. Chinese and Japanese are written
without spaces, so a word begins with each of their characters.
"""

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import chain, zip_longest
from unicodedata import category, combining, decimal, normalize

from leads_domain.lead import Lead
from leads_domain.phone_words import phone_query_words, phone_words

WORD_MAX = 32
"""How many characters of a word count."""

NAME_KEY_MAX = 200
"""How many characters of a name decide its place."""

# Chinese characters, and the two Japanese syllabaries with the signs that repeat or prolong.
_UNSPACED = re.compile(
    "([\u3005-\u3007\u3041-\u3096\u309d-\u309f\u30a1-\u30fa\u30fc-\u30ff\u3400-\u4dbf\u4e00-\u9fff"
    "\U00020000-\U0003ffff]+)"
)
# Typographic apostrophes and hyphens. Some are letters to Unicode, and the acute accent is a space with an accent.
_TYPOGRAPHIC = str.maketrans(
    dict.fromkeys("`\u00b4\u02b9\u02bb\u02bc\u02bd\u2018\u2019\u201b\u2032\u055a\u05f3\uff07", "'")
    | dict.fromkeys("\u2010\u2011\u2012\u2013\u2212\u058a\u05be\ufe63\uff0d", "-")
)
# A number, whose groups may be parted; or what apostrophes and hyphens join.
_PLAIN_TOKEN = re.compile(r"\+?[0-9]+(?:[^a-z0-9+'`]+[0-9]+)*(?!['`-]?[a-z0-9])|[a-z0-9]+(?:['`-][a-z0-9]+)*")
_TOKEN = re.compile(r"\+?[0-9]+(?:[ -]+[0-9]+)*(?!['-]?[^ +'-])|[^ +'-]+(?:['-][^ +'-]+)*")
_PARTING = re.compile(r"[\x00-/:-@\[-`{-\x7f]+")
# Letters that Unicode takes for others, and people for accented ones: the i without a dot, the o with a stroke ...
_SAME_LETTERS = str.maketrans(
    {"\u0131": "i", "ø": "o", "đ": "d", "ł": "l", "ħ": "h", "æ": "ae", "œ": "oe", "ð": "d", "þ": "th", "\u0640": ""}
)


def index_words(*texts: str | None, phone: str | None = None) -> str:
    """Return the words that find a lead with these texts and this E.164 number: each once, in order, after a space."""
    words = set(chain.from_iterable(map(_beginnings, _tokens(" ".join(filter(None, texts))))))
    if phone:
        words.update(phone_words(phone))
    return " ".join(["", *_longest(words)])


def lead_words(lead: Lead) -> str:
    """Return the words that find a lead; see `index_words`."""
    phone, extension = (lead.phone.e164, lead.phone.extension) if lead.phone else (None, None)
    return index_words(lead.name, lead.email.address, lead.source, extension and f"ext {extension}", phone=phone)


@lru_cache(maxsize=256)
def query_words(q: str) -> tuple[tuple[str, ...], ...]:
    """Return the words of a search: of each tuple, one must begin a word of a lead."""
    choices = {choice for token in _tokens(q) for choice in _choices(token)}
    single = _longest(word for word, *others in choices if not others)
    return (*((word,) for word in single), *sorted(choice for choice in choices if len(choice) > 1))


def name_key(name: str) -> str:
    """What names are ordered by, code point by code point."""
    return " ".join(fold(name).split())[:NAME_KEY_MAX]


def fold(text: str) -> str:
    """`text` without what does not count when it is compared."""
    if text.isascii():
        return text.lower()
    decomposed = normalize("NFKD", normalize("NFKD", text).casefold())
    kept = (char for char in decomposed if not combining(char) and category(char) != "Cf")
    return "".join(char if char.isascii() else str(decimal(char, char)) for char in kept).translate(_SAME_LETTERS)


def _tokens(text: str) -> Iterable[str]:
    """Return numbers, compounds, and runs of text that is written without spaces."""
    if text.isascii():
        return _PLAIN_TOKEN.findall(text.lower())
    plain = fold(text.translate(_TYPOGRAPHIC))
    parted = "".join(char if char.isalnum() or char in "+'-" or category(char)[0] == "M" else " " for char in plain)
    runs = enumerate(_UNSPACED.split(parted))
    return chain.from_iterable((run,) if place % 2 else _TOKEN.findall(run) for place, run in runs)


def _parts(token: str) -> list[str]:
    """Return the parts of a token with which words begin."""
    if _UNSPACED.match(token):
        return list(token)
    return [part for part in _PARTING.split(token) if part]


def _beginnings(token: str) -> Iterable[str]:
    """Return what begins with each part of a token."""
    if token.isascii() and token.isalnum():
        return (token[:WORD_MAX],)
    parts = _parts(token)
    return ("".join(parts[start : start + WORD_MAX])[:WORD_MAX] for start in range(len(parts)))


def _choices(token: str) -> Iterator[tuple[str, ...]]:
    """Return what finds a token: its parts one by one, or the whole of it."""
    parts = _parts(token)
    whole = "".join(parts)[:WORD_MAX]
    if whole.isascii() and whole.isdigit():
        yield tuple(word[:WORD_MAX] for word in phone_query_words(token))
    elif _UNSPACED.match(token):
        yield (whole,)
    else:
        for part in (part[:WORD_MAX] for part in parts):
            yield (part,) if whole.startswith(part) else (part, whole)


def _longest(words: Iterable[str]) -> list[str]:
    """The words in order, without those that begin another one: whatever begins them begins that one, too."""
    ordered = sorted(words)
    return [word for word, after in zip_longest(ordered, ordered[1:], fillvalue="") if not after.startswith(word)]
