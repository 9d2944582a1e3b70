"""Split text into words for the search, and make sort keys of names, independently of the database.

Texts are folded first: case, accents, vowel points and width are removed, and digits of all scripts become ASCII.
Characters other than letters and digits separate words. Parts that are joined by an apostrophe, a hyphen or, between
digits, a space also form one word, and a word begins at each part. Chinese and Japanese have no spaces between words,
so a word begins at each character.
"""

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import chain, zip_longest
from unicodedata import category, combining, decimal, normalize

from leads_domain.lead import Lead
from leads_domain.phone_words import phone_query_words, phone_words

WORD_MAX = 32
"""The maximum length of a word. The rest is ignored."""

NAME_KEY_MAX = 200
"""The maximum length of the sort key of a name."""

# Chinese characters and the two Japanese syllabaries, with their iteration and prolongation marks.
_UNSPACED = re.compile(
    "([\u3005-\u3007\u3041-\u3096\u309d-\u309f\u30a1-\u30fa\u30fc-\u30ff\u3400-\u4dbf\u4e00-\u9fff"
    "\U00020000-\U0003ffff]+)"
)
# Typographic apostrophes and hyphens. Unicode has some as letters, and decomposes the acute accent into a space.
_TYPOGRAPHIC = str.maketrans(
    dict.fromkeys("`\u00b4\u02b9\u02bb\u02bc\u02bd\u2018\u2019\u201b\u2032\u055a\u05f3\uff07", "'")
    | dict.fromkeys("\u2010\u2011\u2012\u2013\u2212\u058a\u05be\ufe63\uff0d", "-")
)
# A number, also in groups; or parts that apostrophes and hyphens join.
_PLAIN_TOKEN = re.compile(r"\+?[0-9]+(?:[^a-z0-9+'`]+[0-9]+)*(?!['`-]?[a-z0-9])|[a-z0-9]+(?:['`-][a-z0-9]+)*")
_TOKEN = re.compile(r"\+?[0-9]+(?:[ -]+[0-9]+)*(?!['-]?[^ +'-])|[^ +'-]+(?:['-][^ +'-]+)*")
_SEPARATORS = re.compile(r"[\x00-/:-@\[-`{-\x7f]+")
# Letters that Unicode does not decompose, but that people take for accented ones: dotless i, o with stroke ...
_SAME_LETTERS = str.maketrans(
    {"\u0131": "i", "ø": "o", "đ": "d", "ł": "l", "ħ": "h", "æ": "ae", "œ": "oe", "ð": "d", "þ": "th", "\u0640": ""}
)


def index_words(*texts: str | None, phone: str | None = None) -> str:
    """Return the index words of texts and a phone number (E.164): sorted, without duplicates, each after a space."""
    words = set(chain.from_iterable(map(_token_words, _tokens(" ".join(filter(None, texts))))))
    if phone:
        words.update(phone_words(phone))
    return " ".join(["", *_without_prefixes(words)])


def lead_words(lead: Lead) -> str:
    """Return the index words of a lead; see `index_words`."""
    email = lead.email.address if lead.email else None
    phone, extension = (lead.phone.e164, lead.phone.extension) if lead.phone else (None, None)
    return index_words(lead.name, email, lead.source, extension and f"ext {extension}", phone=phone)


@lru_cache(maxsize=256)
def query_words(q: str) -> tuple[tuple[str, ...], ...]:
    """Return the words of a search text. A lead matches if each tuple has a word that begins an index word of it."""
    alternatives = {words for token in _tokens(q) for words in _alternatives(token)}
    single = _without_prefixes(word for word, *others in alternatives if not others)
    return (*((word,) for word in single), *sorted(words for words in alternatives if len(words) > 1))


def name_key(name: str) -> str:
    """Return the sort key of a name. Keys are compared by code points."""
    return " ".join(fold(name).split())[:NAME_KEY_MAX]


def fold(text: str) -> str:
    """Return the text without case, accents and other differences that the search ignores."""
    if text.isascii():
        return text.lower()
    decomposed = normalize("NFKD", normalize("NFKD", text).casefold())
    letters = (char for char in decomposed if not combining(char) and category(char) != "Cf")
    return "".join(char if char.isascii() else str(decimal(char, char)) for char in letters).translate(_SAME_LETTERS)


def _tokens(text: str) -> Iterable[str]:
    """Return the tokens of a text: numbers, compounds, and runs of Chinese or Japanese characters."""
    if text.isascii():
        return _PLAIN_TOKEN.findall(text.lower())
    plain = fold(text.translate(_TYPOGRAPHIC))
    spaced = "".join(char if char.isalnum() or char in "+'-" or category(char)[0] == "M" else " " for char in plain)
    runs = enumerate(_UNSPACED.split(spaced))
    return chain.from_iterable((run,) if index % 2 else _TOKEN.findall(run) for index, run in runs)


def _parts(token: str) -> list[str]:
    """Return the parts of a token. Each part begins a word."""
    if _UNSPACED.match(token):
        return list(token)
    return [part for part in _SEPARATORS.split(token) if part]


def _token_words(token: str) -> Iterable[str]:
    """Return the words that begin at each part of a token."""
    if token.isascii() and token.isalnum():
        return (token[:WORD_MAX],)
    parts = _parts(token)
    return ("".join(parts[start : start + WORD_MAX])[:WORD_MAX] for start in range(len(parts)))


def _alternatives(token: str) -> Iterator[tuple[str, ...]]:
    """Yield the alternatives that find a token: its parts, or the whole token."""
    parts = _parts(token)
    whole = "".join(parts)[:WORD_MAX]
    if whole.isascii() and whole.isdigit():
        yield tuple(word[:WORD_MAX] for word in phone_query_words(token))
    elif _UNSPACED.match(token):
        yield (whole,)
    else:
        for part in (part[:WORD_MAX] for part in parts):
            yield (part,) if whole.startswith(part) else (part, whole)


def _without_prefixes(words: Iterable[str]) -> list[str]:
    """Sort words, and drop each that begins another word: the longer word matches the same searches."""
    ordered = sorted(words)
    return [word for word, after in zip_longest(ordered, ordered[1:], fillvalue="") if not after.startswith(word)]
