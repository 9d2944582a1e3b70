"""The setting `[assignment]`."""

from collections.abc import Mapping

import msgspec

from leads_app.setting_tables import convert_table
from leads_domain.assignment import Assignment
from leads_domain.checking import check_line, truncate
from leads_domain.contact import EmailAddress
from leads_domain.details import SOURCE_MAX
from leads_domain.errors import ValidationFailed
from leads_domain.sources import Normalizer


class AssignmentSettings(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """The e-mail addresses of colleagues who get new leads, not yet validated."""

    round_robin: tuple[str, ...] = ()
    sources: Mapping[str, str] = {}


def parse_assignment(value: object) -> AssignmentSettings:
    """Return the settings; raises `ValueError`."""
    settings = convert_table(value, AssignmentSettings)
    for source in settings.sources:
        try:
            check_line(source, max_length=SOURCE_MAX)
        except ValidationFailed as invalid:
            raise ValueError(f"sources: {truncate(source)} is not a source. {invalid}") from None
    return settings


def assignment_of(settings: AssignmentSettings, normalizer: Normalizer) -> Assignment:
    """Return the policy; raises `ValueError` for an invalid e-mail address."""
    return Assignment(
        round_robin=tuple(_parse_address("round_robin", text, normalizer) for text in settings.round_robin),
        by_source={
            source.strip(): _parse_address(f"sources.{truncate(source)}", text, normalizer)
            for source, text in settings.sources.items()
        },
    )


def _parse_address(key: str, text: str, normalizer: Normalizer) -> EmailAddress:
    try:
        return normalizer.email(text)
    except ValidationFailed as invalid:
        raise ValueError(f"{key}: {truncate(text)} is not an e-mail address. {invalid}") from None
