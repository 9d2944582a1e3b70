"""Turn bytes into text, whatever character set they claim to have."""

import codecs

from leads_adapters.encodings import SAMPLE_BYTES, encoding_of
from leads_domain.control_characters import on_one_line, remove_controls

_SUPERSETS = {"ascii": "utf-8", "iso8859-1": "cp1252", "gb2312": "gb18030", "gbk": "gb18030"}
"""What programs mean that name one of these sets (as the WHATWG's Encoding Standard)."""

_NO_CHARSETS = {"idna", "punycode", "raw_unicode_escape", "undefined", "unicode_escape", "utf-7"}
"""Codecs of Python that no mail has, of which some are slow."""


def decode_text(data: bytes, charset: str | None) -> str:
    """Return a text, decoded by its declared character set if that fits, else as UTF-8 or what it looks like."""
    for codec in (_codec(charset) or "utf-8", "utf-8"):
        try:
            return data.decode(codec)
        except UnicodeError:
            continue
    return _guessed(data, charset)


def clean_text(text: str) -> str:
    """Return a text that can be stored: no control characters, no lone surrogates, one kind of line breaks."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return remove_controls(text.encode("utf-8", "replace").decode("utf-8"))


def clean_line(text: str, max_length: int) -> str:
    """Return a text of one line that can be stored, without spaces around it."""
    text = text[: 4 * max_length].encode("utf-8", "replace").decode("utf-8")
    return " ".join(on_one_line(text).split())[:max_length].strip()


def _codec(charset: str | None) -> str | None:
    """Return the name of Python's codec; None if there is none, or none was declared."""
    try:
        name = codecs.lookup((charset or "").strip(" '\"")).name
        b"-".decode(name, "replace")  # raises LookupError for codecs of other things than text
    except (LookupError, ValueError):
        return None
    return None if name in _NO_CHARSETS else _SUPERSETS.get(name, name)


def _guessed(data: bytes, charset: str | None) -> str:
    """Return a text that does not have the declared character set, and is not UTF-8."""
    if (codec := _codec(charset)) and codec != "utf-8":
        text = data.decode(codec, "replace")
        if text.count("\ufffd") * 20 < len(text):  # one broken character in a long text, or the text was cut
            return text
    if len(utf8 := data.decode("utf-8", "replace")) > 20 * utf8.count("\ufffd"):
        return utf8
    return data.decode(encoding_of(data[:SAMPLE_BYTES]), "replace")
