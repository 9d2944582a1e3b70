"""The container can make everything that it declares, from adapters that keep their ports' signatures."""

import asyncio
from pathlib import Path

import pytest
from dependency_injector import providers

from leads_app.container import Container
from leads_app.settings import load_settings


@pytest.fixture
def container(tmp_path: Path) -> Container:
    return Container(settings=load_settings({"LEADS_DATABASE_URL": f"sqlite:///{tmp_path / 'leads.db'}"}, tmp_path))


def test_every_provider_makes_its_object(container: Container) -> None:
    # mypy accepts wrong constructor arguments of providers; only making the objects shows them.
    for name, provider in container.providers.items():
        assert provider() is not None, name
    asyncio.run(container.database().close())


def test_everything_is_made_once(container: Container) -> None:
    singletons = {name: each for name, each in container.providers.items() if isinstance(each, providers.Singleton)}
    assert len(singletons) > 10
    for name, provider in singletons.items():
        assert provider() is provider(), name
    asyncio.run(container.database().close())
