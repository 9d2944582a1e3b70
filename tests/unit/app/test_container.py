"""The container can make everything that it declares, from adapters that keep their ports' signatures."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
from dependency_injector import providers

from builders import a_rule
from fakes import RecordingNotifier
from leads_app.container import Container
from leads_app.settings import SettingsError, load_settings
from leads_domain.follow_up import Recipient
from leads_domain.notifier import Address


@pytest.fixture
def container(tmp_path: Path) -> Container:
    return Container(settings=load_settings({"LEADS_DATABASE_URL": f"sqlite:///{tmp_path / 'leads.db'}"}, tmp_path))


def test_every_provider_makes_its_object(container: Container) -> None:
    # mypy accepts wrong constructor arguments of providers; only making the objects shows them.
    for name, provider in container.providers.items():
        assert provider() is not None, name
    asyncio.run(container.database().close())


def test_a_rule_that_can_never_reach_anybody_is_refused(container: Container) -> None:
    rules = [a_rule(channel="sms"), a_rule(channel="sms", recipient=Recipient.OWNER)]
    container.settings.override(replace(container.settings(), follow_up_rules=rules))
    container.notifiers.override({"log": RecordingNotifier(), "sms": RecordingNotifier(needs=Address.PHONE)})
    with pytest.raises(SettingsError) as refused:
        container.app()
    assert str(refused.value) == (
        "The setting follow_up_rules is wrong: rule 2: The channel sms needs a telephone number, and owners have none."
    )
    asyncio.run(container.database().close())


def test_everything_is_made_once(container: Container) -> None:
    singletons = {name: each for name, each in container.providers.items() if isinstance(each, providers.Singleton)}
    assert len(singletons) > 10
    for name, provider in singletons.items():
        assert provider() is provider(), name
    asyncio.run(container.database().close())
