"""Find what a person wrote in a message, and the names of what is attached."""

import re
from collections.abc import Iterator, Sequence

from leads_adapters.mail.charsets import clean_line, clean_text, decode_text
from leads_adapters.mail.headers import decode_words
from leads_adapters.mail.parts import Part
from leads_domain.mail_submission import TEXT_MAX

ATTACHMENTS_MAX = 20
CUT = "[The rest of the message is not kept.]"

_NAME_MAX = 200
_BYTES_MAX = 8 * TEXT_MAX
_META_CHARSET = re.compile(rb"<meta[^>]{0,200}charset\s*=\s*[\"']?([a-zA-Z0-9_:.-]{1,40})", re.IGNORECASE)
_FLOWED = re.compile(r"^((?!-- $)(?!>).*[^\s>]) \n(?=[^\s>])", re.MULTILINE)
_SIGNED_OR_SECRET = {"application/pkcs7-mime", "application/x-pkcs7-mime"}


def text_of(message: Part) -> str:
    """Return the text of a message: plain text where there is a choice, else the text of the HTML."""
    text = "\n\n".join(each for part in _shown(message) if (each := _text(part).strip()))
    return text if len(text) <= TEXT_MAX else f"{text[: TEXT_MAX - len(CUT) - 1].rstrip()}\n{CUT}"


def attachments_of(message: Part) -> Sequence[str]:
    """Return the names of what is attached; a part without a name has its type."""
    shown = {id(part) for part in _shown(message)}
    others = [part for part in _leaves(message) if id(part) not in shown and (part.content or part.is_multipart())]
    names = [name for part in others if (name := _name(part) or _type_as_name(part))]
    return tuple(names[:ATTACHMENTS_MAX])


def unreadable(message: Part) -> str | None:
    """Return a sentence that says why the text of a message cannot be read; None if it can, or is empty."""
    types = {part.get_content_type() for part in message.walk_own()}
    if types & _SIGNED_OR_SECRET or "multipart/encrypted" in types:
        return "The message is encrypted, or signed in a form that hides its text. Read it in a mail program."
    if "application/ms-tnef" in types and not text_of(message):
        return "The text of the message is in winmail.dat, a format of Outlook. Read it in Outlook."
    if message.get_content_maintype() == "multipart" and not message.parts and message.content.strip():
        return "The message has no boundary between its parts. Read it in a mail program."
    return None


def _shown(part: Part, *, is_first: bool = True) -> Sequence[Part]:
    """Return the parts whose text a mail program shows. The first part can have a name, which makes others files."""
    if not part.parts:
        signs_of_a_file = [bool(_name(part)), part.get_content_disposition() == "attachment"]
        return [part] if _is_text(part) and sum(signs_of_a_file) <= is_first else []
    if part.get_content_type() in ("multipart/related", "multipart/signed", "multipart/report"):
        return _shown(part.parts[0], is_first=is_first)
    are_choices = part.get_content_type() == "multipart/alternative"
    each_shown = (_shown(each, is_first=is_first and (are_choices or not i)) for i, each in enumerate(part.parts))
    shown = list(filter(None, each_shown))
    if are_choices:
        plain = (each for each in shown if any(_is_plain(text) and text.content.strip() for text in each))
        return next(plain, shown[-1] if shown else [])
    return [text for each in shown for text in each]


def _leaves(part: Part) -> Iterator[Part]:
    """Return the parts without parts; of several alternatives, the texts do not count."""
    if part.get_content_type() == "multipart/alternative":
        texts = ("text/plain", "text/html")
        yield from (leaf for each in part.parts for leaf in _leaves(each) if leaf.get_content_type() not in texts)
    elif part.parts:
        yield from (leaf for each in part.parts for leaf in _leaves(each))
    else:
        yield part


def _is_text(part: Part) -> bool:
    return part.get_content_type() in ("text/plain", "text/html") or part.get_content_maintype() == "multipart"


def _is_plain(part: Part) -> bool:
    return part.get_content_type() != "text/html"


def _text(part: Part) -> str:
    """Return the text of a part, without its format."""
    content, charset = part.content, part.parameter("charset")
    if _is_plain(part):
        text = clean_text(decode_text(content[:_BYTES_MAX], charset))
        return _FLOWED.sub(r"\1 ", text) if part.parameter("format").casefold() == "flowed" else text
    from leads_adapters.mail.html import html_text  # noqa: PLC0415 - lxml takes 25 ms and 7 MiB to load

    declared = _META_CHARSET.search(content[:2_000])
    html = clean_text(decode_text(content, charset or (declared[1].decode("ascii") if declared else None)))
    text, is_cut = html_text(html, TEXT_MAX)
    return clean_text(f"{text}\n{CUT}" if is_cut and len(text) < TEXT_MAX else text)


def _name(part: Part) -> str:
    """Return the name of a file without its folders; an empty text if the part has none."""
    name = part.parameter("filename", "content-disposition") or part.parameter("name")
    return clean_line(re.split(r"[/\\]", decode_words(name))[-1], _NAME_MAX)


def _type_as_name(part: Part) -> str:
    """Return the type of a part without a name. Pictures without one belong to the HTML."""
    return "" if part.get_content_maintype() in ("image", "text") else clean_line(part.get_content_type(), _NAME_MAX)
