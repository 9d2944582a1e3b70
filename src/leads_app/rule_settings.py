"""Parse and check the setting `[[follow_up_rules]]`."""

from collections.abc import Collection, Sequence
from typing import Literal

import msgspec

from leads_app.setting_tables import convert_table
from leads_app.time_settings import parse_duration
from leads_domain.checking import truncate
from leads_domain.contact import EmailAddress
from leads_domain.errors import ValidationFailed
from leads_domain.follow_up import MESSAGE_MAX, Recipient
from leads_domain.notifier import Address
from leads_domain.pipeline import Pipeline
from leads_domain.rules import FollowUpRule
from leads_domain.sources import Normalizer
from leads_domain.task import TEXT_MAX
from leads_domain.template import Template

_ADDRESSES = {
    Address.EMAIL: "an e-mail address",
    Address.PHONE: "a phone number",
    None: "an e-mail address or a phone number",
}


class _RuleTable(msgspec.Struct, forbid_unknown_fields=True):
    after: str
    message: str | None = None
    task: str | None = None
    when: str | None = None
    on: Literal["enquiry"] | None = None
    channel: str | None = None
    recipient: str | None = None


def parse_rules(value: object) -> Sequence[FollowUpRule]:
    """Return the rules, each checked on its own; raises `ValueError`."""
    if not isinstance(value, list) or not all(isinstance(table, dict) for table in value):
        raise ValueError("Write one table for each rule: [[follow_up_rules]].")
    return [_parse_rule(number, table) for number, table in enumerate(value, 1)]


def check_rules(rules: Sequence[FollowUpRule], pipeline: Pipeline, channels: Collection[str]) -> None:
    """Raise `ValueError` for an unknown status or channel."""
    for number, rule in enumerate(rules, 1):
        for error in pipeline.status_errors(rule.when) if rule.when is not None else ():
            raise ValueError(f"Rule {number}: {error.detail}")
        if rule.channel is not None and rule.channel not in channels:
            known = ", ".join(channels)
            raise ValueError(f"Rule {number}: Unknown channel {truncate(rule.channel)}. Use one of: {known}.")


def check_recipient(recipient: str, channel: str, needs: Address | None, normalizer: Normalizer) -> str:
    """Return the recipient of a rule, normalised; raise `ValueError` if the channel cannot send to it."""
    if recipient == Recipient.OWNER and needs is Address.PHONE:
        raise ValueError(f"The channel {channel} needs a phone number, and owners have none.")
    if recipient in list(Recipient):
        return recipient
    kind = needs or (Address.EMAIL if "@" in recipient else Address.PHONE)
    try:
        return str(normalizer.email(recipient)) if kind is Address.EMAIL else normalizer.phone(recipient).e164
    except ValidationFailed as invalid:
        choices = f"Give {', '.join(Recipient)}, or {_ADDRESSES[needs]} for the channel {channel}"
        raise ValueError(f"recipient is {truncate(recipient)}. {choices}. {invalid}") from None


def check_assignee(recipient: str, channel: str, needs: Address | None, normalizer: Normalizer) -> EmailAddress | None:
    """Return the assignee of a rule's tasks, None for the owner; raise `ValueError` if the channel cannot remind it."""
    if needs is Address.PHONE:
        reason = "and a reminder of a task goes to an e-mail address"
        raise ValueError(f"The channel {channel} needs a phone number, {reason}.")
    if recipient == Recipient.OWNER:
        return None
    try:
        return normalizer.email(recipient)
    except ValidationFailed:
        advice = "Give owner, or the e-mail address of the person who does the task."
        raise ValueError(f"recipient is {truncate(recipient)}. {advice}") from None


def _parse_rule(number: int, value: object) -> FollowUpRule:
    try:
        return _rule_of(convert_table(value, _RuleTable))
    except (ValueError, ValidationFailed) as error:
        raise ValueError(f"Rule {number}: {error}") from None


def _rule_of(table: _RuleTable) -> FollowUpRule:
    if (table.when is None) == (table.on is None):
        raise ValueError('Give either when, the status that a lead enters, or on = "enquiry".')
    if (table.message is None) == (table.task is None):
        raise ValueError("Give either message, which leads sends, or task, which a person does.")
    makes_task = table.message is None
    text, max_length = (table.task, TEXT_MAX) if makes_task else (table.message, MESSAGE_MAX)
    default_recipient = Recipient.OWNER if makes_task else Recipient.LEAD
    return FollowUpRule(
        when=table.when,
        after=parse_duration("after", table.after),
        text=Template(text or "", of_enquiries=table.on is not None, max_length=max_length),
        makes_task=makes_task,
        channel=table.channel,
        recipient=default_recipient if table.recipient is None else table.recipient,
    )
