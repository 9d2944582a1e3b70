"""Text that is hard on CSV, JSON or spreadsheets, leads full of it, and what must come back of them."""

import json

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from builders import a_lead, a_phone, an_email
from leads_domain.details import INTEGER_MAX, INTEGER_MIN, Scalar, is_placeholder
from leads_domain.lead import Lead
from strategies import utc_times

_HARD = ["'", '"', "=", "+", "-", "@", "\t", "\r", "\n", "\r\n", ",", ";", "|", "\\", "{", " ", "\ufeff"]
_HARD += ["\0", "\x0b", "\x0c", "\x1c", "\x1d", "\x1e", "\x1f", "\x7f", "\x85", "\u2028", "\u2029", "e\u0301", "😀"]
_LIKE_OURS = ["id", "name", "email", "status", "attributes", "line", "reason"]
_LIKE_VALUES = ["5", "true", "null", "=1+1", "'=1+1", "''", '{"a": 1}']


def texts() -> SearchStrategy[str]:
    """Any text but lone surrogates, more often than not a hard one."""
    return st.lists(st.sampled_from(_HARD) | st.characters(exclude_categories=["Cs"]), max_size=12).map("".join)


def trimmed_texts() -> SearchStrategy[str]:
    """Such text as the domain keeps it: not empty, and no white space around it."""
    return texts().map(str.strip).filter(bool)


def _addresses() -> SearchStrategy[str]:
    return trimmed_texts().filter(lambda text: not is_placeholder(text))


def scalars() -> SearchStrategy[Scalar]:
    """What an attribute may hold."""
    integers = st.integers(min_value=INTEGER_MIN, max_value=INTEGER_MAX)
    numbers = integers | st.floats(allow_nan=False, allow_infinity=False)
    return st.none() | st.booleans() | numbers | texts() | st.sampled_from(_LIKE_VALUES)


def leads() -> SearchStrategy[Lead]:
    """Leads with such text wherever a lead may hold text."""
    return st.builds(
        a_lead,
        name=trimmed_texts(),
        email=_addresses().map(an_email),
        phone=st.none() | st.just(a_phone()) | st.just(a_phone(extension="12")),
        status=st.sampled_from(["new", "lost"]),
        status_reason=st.none() | trimmed_texts(),
        source=st.none() | trimmed_texts(),
        owner=st.none() | _addresses().map(an_email),
        attributes=st.dictionaries(texts().filter(bool) | st.sampled_from(_LIKE_OURS), scalars(), max_size=4),
        created_at=utc_times(),
        contacted_at=st.none() | utc_times(),
    )


def set_by_import(lead: Lead) -> dict[str, object]:
    """What must come back of a lead that was written to a file: all that can be said of a new lead."""
    given = {
        "name": lead.name,
        "email": str(lead.email),
        "phone": lead.phone and str(lead.phone),
        "source": lead.source,
        "owner": lead.owner and str(lead.owner),
        "attributes": lead.attributes,
    }
    return {member: value for member, value in given.items() if value}


def exactly(given: object) -> str:
    """Text that is the same only for the same values of the same types: 1, 1.0 and True differ, as do 0.0 and -0.0."""
    return json.dumps(given, sort_keys=True)
