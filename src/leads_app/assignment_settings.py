"""Parse the setting `[assignment]`."""

import msgspec

from leads_adapters.normalizer import InternationalNormalizer
from leads_domain.assignment import Assignment
from leads_domain.checking import check_text, truncate
from leads_domain.contact import EmailAddress
from leads_domain.details import SOURCE_MAX
from leads_domain.errors import ValidationFailed


class _AssignmentTable(msgspec.Struct, forbid_unknown_fields=True):
    round_robin: list[str] = []
    sources: dict[str, str] = {}


def parse_assignment(value: object) -> Assignment:
    """Return the assignment; raises `ValueError` or msgspec's `ValidationError`."""
    table = msgspec.convert(value, _AssignmentTable)
    return Assignment(
        round_robin=tuple(_parse_address("round_robin", text) for text in table.round_robin),
        by_source={
            _parse_source(source): _parse_address(f"sources.{truncate(source)}", text)
            for source, text in table.sources.items()
        },
    )


def _parse_source(text: str) -> str:
    try:
        return check_text(text, max_length=SOURCE_MAX)
    except ValidationFailed as invalid:
        raise ValueError(f"sources: {truncate(text)} is not a source. {invalid}") from None


def _parse_address(key: str, text: str) -> EmailAddress:
    try:
        return InternationalNormalizer().email(text)
    except ValidationFailed as invalid:
        raise ValueError(f"{key}: {truncate(text)} is not an e-mail address. {invalid}") from None
