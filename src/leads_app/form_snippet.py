"""Write the HTML of a form to paste into a website."""

from collections.abc import Mapping
from html import escape

from leads_app.form_settings import FormSettings
from leads_domain.details import NAME_MAX
from leads_domain.enquiry import MESSAGE_MAX
from leads_domain.spam import ELAPSED_FIELD

EMAIL_MAX = 254
PHONE_MAX = 50

_SCRIPT = """<script>
  // Without this script, or if it is blocked, the form works all the same.
  document.getElementById("{id}").addEventListener("submit", function () {{
    this.elements["{field}"].value = (performance.now() / 1000).toFixed(1);
  }});
</script>
"""


def snippet(name: str, form: FormSettings, url: str) -> str:
    """Return a form that people can fill in with a keyboard or a screen reader, with and without JavaScript."""
    id = f"leads-{name}"
    names = {field: name for name, field in reversed(list(form.fields.items()))}
    action = escape(f"{url}/forms/{name}")
    lines = [
        f'<form id="{id}" action="{action}" method="post" accept-charset="utf-8" lang="en">',
        *_input(id, names, "name", "Name", f'type="text" autocomplete="name" maxlength="{NAME_MAX}" required'),
        *_input(id, names, "email", "E-mail", f'type="email" autocomplete="email" maxlength="{EMAIL_MAX}" required'),
        *_input(id, names, "phone", "Phone (optional)", f'type="tel" autocomplete="tel" maxlength="{PHONE_MAX}"'),
        *_message(id, names),
        *_honeypot(id, form.honeypot),
    ]
    if form.minimum_seconds:
        lines.append(f'  <input type="hidden" name="{ELAPSED_FIELD}">')
    lines += ['  <p><button type="submit">Send</button></p>', "</form>", ""]
    script = _SCRIPT.format(id=id, field=ELAPSED_FIELD) if form.minimum_seconds else ""
    return "\n".join(lines) + script


def _input(id: str, names: Mapping[str, str], field: str, label: str, attributes: str) -> list[str]:
    return [
        "  <p>",
        f'    <label for="{id}-{field}">{label}</label><br>',
        f'    <input id="{id}-{field}" name="{escape(names.get(field, field))}" {attributes}>',
        "  </p>",
    ]


def _message(id: str, names: Mapping[str, str]) -> list[str]:
    name, limits = escape(names.get("message", "message")), f'maxlength="{MESSAGE_MAX}" required'
    return [
        "  <p>",
        f'    <label for="{id}-message">Message</label><br>',
        f'    <textarea id="{id}-message" name="{name}" rows="6" cols="40" {limits}></textarea>',
        "  </p>",
    ]


def _honeypot(id: str, honeypot: str | None) -> list[str]:
    """Return a field that only programs see. The attribute `hidden` needs no style, which a site may forbid."""
    if honeypot is None:
        return []
    return [
        "  <p hidden>",
        f'    <label for="{id}-honeypot">Leave this field empty</label>',
        f'    <input id="{id}-honeypot" name="{escape(honeypot)}" type="text" tabindex="-1" autocomplete="off">',
        "  </p>",
    ]
