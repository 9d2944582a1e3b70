"""Respond to visitors who have sent a form."""

import re
from collections.abc import Iterable
from html import escape
from typing import NamedTuple

from litestar import Response

from leads_adapters.http.visitor_pages import error_pages, page_response
from leads_domain.checking import QUOTE_MAX
from leads_domain.field_names import recognise_field

error_response = error_pages("The form could not be sent")

_FOR_OPERATORS = re.compile(r" [^.]* setting [^.]*\.")
"""Advice that visitors cannot follow."""

_LABELS = {"email": "E-mail", "phone": "Phone"}


class Correction(NamedTuple):
    """A correction that a visitor has to make: the name of the field, its value, and the reason of the refusal."""

    field: str
    value: str
    detail: str


def thank_you_page() -> Response[str]:
    """Return the page after a form was sent."""
    return page_response("Thank you", "<p>We have received your message.</p>")


def correction_page(corrections: Iterable[Correction]) -> Response[str]:
    """Return the page that says what a visitor has to correct."""
    items = "\n".join(f"<li>{_item(each)}</li>" for each in corrections)
    advice = "<p>Go back with your browser, correct this, and send the form again.</p>"
    return page_response("Please correct your message", f"<ul>\n{items}\n</ul>\n{advice}", 422)


def _item(correction: Correction) -> str:
    label = _LABELS.get(recognise_field(correction.field) or "", correction.field)
    name = f"<strong>{escape(label)}</strong>: " if label else ""
    quoted = f"You wrote <q>{escape(correction.value[:QUOTE_MAX])}</q>. " if correction.value.strip() else ""
    return f"{name}{quoted}{escape(_FOR_OPERATORS.sub('', correction.detail))}"
