"""Test that the container can create every object that it declares."""

import asyncio
from dataclasses import replace
from datetime import time
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from dependency_injector import providers

from builders import a_rule, a_task_rule, an_email
from fakes import RecordingNotifier
from leads_app.assignment_settings import AssignmentSettings
from leads_app.container import Container
from leads_app.digest_settings import DigestSettings
from leads_app.settings import SettingsError, load_settings
from leads_domain.assignment import Assignment
from leads_domain.contact import EmailAddress
from leads_domain.digest_schedule import DigestSchedule
from leads_domain.follow_up import Recipient
from leads_domain.notifier import Address
from leads_domain.rules import FollowUpRule
from leads_domain.use_cases.dispatch_digests import ClaimDueDigests
from leads_domain.use_cases.dispatch_follow_ups import ClaimDueFollowUps


@pytest.fixture
def container(tmp_path: Path) -> Container:
    return Container(settings=load_settings({"LEADS_DATABASE_URL": f"sqlite:///{tmp_path / 'leads.db'}"}, tmp_path))


def test_every_provider_creates_its_object(container: Container) -> None:
    # mypy does not check the constructor arguments of providers: create the objects.
    for name, provider in container.providers.items():
        assert provider() is not None, name
    asyncio.run(container.database().close())


def test_a_rule_whose_recipient_never_has_an_address_is_refused(container: Container) -> None:
    message = error_of_rules(container, a_rule(channel="sms"), a_rule(channel="sms", recipient=Recipient.OWNER))
    assert message == (
        "The setting follow_up_rules is not valid. Rule 2: The channel sms needs a phone number, and owners have none."
    )


def test_the_dispatcher_sends_digests_first_if_they_are_configured(container: Container) -> None:
    assert [type(queue.claim) for queue in container.queues()] == [ClaimDueFollowUps]
    container.reset_singletons()
    use_digests(container, "mail")
    assert [type(queue.claim) for queue in container.queues()] == [ClaimDueDigests, ClaimDueFollowUps]


def test_digests_on_a_channel_that_needs_a_phone_number_are_refused(container: Container) -> None:
    use_digests(container, "sms")
    with pytest.raises(SettingsError, match=r"The channel sms needs a phone number, and colleagues have none\."):
        container.queues()


def use_digests(container: Container, channel: str) -> None:
    use_rules(container)
    schedule = DigestSchedule(zone=ZoneInfo("UTC"), days=frozenset({0}), at=time(8))
    container.settings.override(replace(container.settings(), digest=DigestSettings(channel, schedule)))


def use_rules(container: Container, *rules: FollowUpRule) -> None:
    kinds = {"log": None, "mail": Address.EMAIL, "sms": Address.PHONE}
    container.notifiers.override({name: RecordingNotifier(needs=needs) for name, needs in kinds.items()})
    container.settings.override(replace(container.settings(), follow_up_rules=rules))


def error_of_rules(container: Container, *rules: FollowUpRule) -> str:
    use_rules(container, *rules)
    with pytest.raises(SettingsError) as caught:
        container.rules()
    return str(caught.value)


@pytest.mark.parametrize(
    ("channel", "recipient", "stored"),
    [
        ("mail", "Sales@Example.com", "Sales@Example.com"),
        ("sms", "+49 30 123456", "+4930123456"),
        ("log", "sales@example.com", "sales@example.com"),
        ("log", "+49 30 123456", "+4930123456"),
    ],
)
def test_a_rule_can_name_any_address_of_the_kind_that_its_channel_needs(
    container: Container, channel: str, recipient: str, stored: str
) -> None:
    use_rules(container, a_rule(channel=channel, recipient=recipient))
    assert [rule.recipient for rule in container.rules().rules] == [stored]


@pytest.mark.parametrize(
    ("channel", "recipient", "advice"),
    [
        ("mail", "boss", "Give lead, owner, or an e-mail address for the channel mail."),
        ("mail", "+49 30 123456", "Give lead, owner, or an e-mail address for the channel mail."),
        ("sms", "sales@example.com", "Give lead, owner, or a phone number for the channel sms."),
        ("log", "boss", "Give lead, owner, or an e-mail address or a phone number for the channel log."),
        ("log", "", "Give lead, owner, or an e-mail address or a phone number for the channel log."),
    ],
)
def test_a_recipient_of_another_kind_than_its_channel_needs_is_refused(
    container: Container, channel: str, recipient: str, advice: str
) -> None:
    message = error_of_rules(container, a_rule(channel=channel, recipient=recipient))
    assert message.startswith(f"The setting follow_up_rules is not valid. Rule 1: recipient is {recipient!r}. {advice}")


def test_a_task_rule_names_the_owner_or_an_e_mail_address(container: Container) -> None:
    use_rules(
        container,
        a_task_rule(channel="mail"),
        a_task_rule(channel="mail", recipient="Mia@Example.com"),
        a_task_rule(channel="log", recipient="mia@example.com"),
    )
    assert [rule.assignee for rule in container.rules().rules] == [
        None,
        EmailAddress("Mia@Example.com", "mia@example.com"),
        an_email("mia@example.com"),
    ]


@pytest.mark.parametrize("recipient", ["lead", "+49 30 123456", "mia", ""])
def test_a_task_rule_for_someone_without_an_e_mail_address_is_refused(container: Container, recipient: str) -> None:
    assert error_of_rules(container, a_task_rule(recipient=recipient)) == (
        f"The setting follow_up_rules is not valid. Rule 1: recipient is {recipient!r}. "
        "Give owner, or the e-mail address of the person who does the task."
    )


@pytest.mark.parametrize("recipient", ["owner", "mia@example.com"])
def test_a_task_rule_whose_channel_needs_a_phone_number_is_refused(container: Container, recipient: str) -> None:
    assert error_of_rules(container, a_task_rule(channel="sms", recipient=recipient)) == (
        "The setting follow_up_rules is not valid. Rule 1: "
        "The channel sms needs a phone number, and a reminder of a task goes to an e-mail address."
    )


def test_assignment_has_the_addresses_of_its_settings(tmp_path: Path) -> None:
    container = assigning(tmp_path, AssignmentSettings(("Mia@Example.com",), {" fair ": "oma@example.com"}))
    mia = EmailAddress("Mia@Example.com", "mia@example.com")
    assert container.assignment() == Assignment((mia,), {"fair": an_email("oma@example.com")})


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (AssignmentSettings(("mia",)), "round_robin: 'mia' is not an e-mail address."),
        (AssignmentSettings(sources={"fair": "mia"}), "sources.'fair': 'mia' is not an e-mail address."),
    ],
)
def test_an_invalid_address_of_the_assignment_is_refused(
    tmp_path: Path, settings: AssignmentSettings, message: str
) -> None:
    with pytest.raises(SettingsError) as caught:
        assigning(tmp_path, settings).assignment()
    assert str(caught.value).startswith(f"The setting assignment is not valid. {message}")


def assigning(tmp_path: Path, settings: AssignmentSettings) -> Container:
    return Container(settings=replace(load_settings({}, tmp_path), assignment=settings))


def test_every_singleton_is_created_once(container: Container) -> None:
    singletons = {name: each for name, each in container.providers.items() if isinstance(each, providers.Singleton)}
    assert len(singletons) > 10
    for name, provider in singletons.items():
        assert provider() is provider(), name
    asyncio.run(container.database().close())
