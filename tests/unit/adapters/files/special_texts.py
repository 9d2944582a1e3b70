"""Generate texts and leads with special characters of CSV, JSON and spreadsheets."""

import json

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from builders import a_lead, a_phone, an_email
from leads_domain.details import INTEGER_MAX, INTEGER_MIN, Scalar, is_placeholder
from leads_domain.lead import Lead
from strategies import utc_times

_SPECIAL = ["'", '"', "=", "+", "-", "@", "\t", "\r", "\n", "\r\n", ",", ";", "|", "\\", "{", " ", "\ufeff"]
_SPECIAL += [
    "\uff1d",
    ";=",
    '|"+',
    "\u200b",
    "\u00a0",
    "\0",
    "\x0b",
    "\x0c",
    "\x1c",
    "\x1d",
    "\x1e",
    "\x1f",
    "\x7f",
    "\x85",
    "\u2028",
    "\u2029",
    "e\u0301",
    "😀",
]
_FIELD_NAMES = ["id", "name", "email", "status", "attributes", "line", "reason"]
_AMBIGUOUS_VALUES = ["5", "true", "null", "=1+1", "'=1+1", "''", '{"a": 1}']


def texts() -> SearchStrategy[str]:
    """Generate texts without lone surrogates, most of them with special characters."""
    return st.lists(st.sampled_from(_SPECIAL) | st.characters(exclude_categories=["Cs"]), max_size=12).map("".join)


def trimmed_texts() -> SearchStrategy[str]:
    """Generate texts as the domain stores them: trimmed and not empty."""
    return texts().map(str.strip).filter(bool)


def _addresses() -> SearchStrategy[str]:
    return trimmed_texts().filter(lambda text: not is_placeholder(text))


def scalars() -> SearchStrategy[Scalar]:
    """Generate values of attributes."""
    integers = st.integers(min_value=INTEGER_MIN, max_value=INTEGER_MAX)
    numbers = integers | st.floats(allow_nan=False, allow_infinity=False)
    return st.none() | st.booleans() | numbers | texts() | st.sampled_from(_AMBIGUOUS_VALUES)


def leads() -> SearchStrategy[Lead]:
    """Generate leads with special characters in all their texts."""
    email, phone = _addresses().map(an_email), st.sampled_from([a_phone(), a_phone(extension="12")])
    contacts = st.tuples(email, st.none() | phone) | st.tuples(st.none(), phone)
    return st.builds(
        lambda contact, **fields: a_lead(email=contact[0], phone=contact[1], **fields),
        contacts,
        name=trimmed_texts(),
        status=st.sampled_from(["new", "lost"]),
        status_reason=st.none() | trimmed_texts(),
        source=st.none() | trimmed_texts(),
        owner=st.none() | _addresses().map(an_email),
        do_not_contact=st.booleans(),
        attributes=st.dictionaries(texts().filter(bool) | st.sampled_from(_FIELD_NAMES), scalars(), max_size=4),
        created_at=utc_times(),
        contacted_at=st.none() | utc_times(),
    )


def import_values(lead: Lead) -> dict[str, object]:
    """Return the values that an import must read from the export of a lead."""
    values = {
        "name": lead.name,
        "email": lead.email and str(lead.email),
        "phone": lead.phone and str(lead.phone),
        "source": lead.source,
        "owner": lead.owner and str(lead.owner),
        "do_not_contact": lead.do_not_contact,
        "attributes": lead.attributes,
    }
    return {field: value for field, value in values.items() if value}


def typed(field: str, value: object) -> object:
    """Return a value of a row with its type: in CSV, true and false are texts."""
    return {"true": True, "false": False}.get(str(value), value) if field == "do_not_contact" else value


def exactly(value: object) -> str:
    """Return a text that differs for different types: 1, 1.0 and True differ, as do 0.0 and -0.0."""
    return json.dumps(value, sort_keys=True)
