"""The configured channels, each with a notifier that an installed package provides."""

from collections.abc import Mapping
from importlib.metadata import entry_points

from leads_app.settings import Channel, SettingsError
from leads_domain.notifier import Address, FollowUpNotifier

ENTRY_POINTS = "leads.notifiers"


def make_notifiers(channels: Mapping[str, Channel]) -> Mapping[str, FollowUpNotifier]:
    """A notifier for every channel; raises `SettingsError` for an unknown adapter or options that it refuses."""
    return {name: _make(name, channel) for name, channel in channels.items()}


def needs(notifiers: Mapping[str, FollowUpNotifier]) -> Mapping[str, Address | None]:
    """The kind of address that each channel needs."""
    return {name: notifier.needs for name, notifier in notifiers.items()}


def _make(name: str, channel: Channel) -> FollowUpNotifier:
    adapters = entry_points(group=ENTRY_POINTS)
    if channel.adapter not in adapters.names:
        known = ", ".join(sorted(adapters.names))
        raise SettingsError(f"The channel {name} names the adapter {channel.adapter!r}; installed are: {known}.")
    try:
        notifier: FollowUpNotifier = adapters[channel.adapter].load()(channel.options)
    except KeyError as error:
        raise SettingsError(f"The channel {name} lacks the option {error}.") from None
    except ValueError as error:
        raise SettingsError(f"The channel {name} is wrong: {str(error).rstrip('.')}.") from None
    except Exception as error:  # noqa: BLE001 - the adapter is others' code; what it says may quote a secret
        kind = type(error).__name__
        raise SettingsError(f"The channel {name} cannot be made: its adapter failed with {kind}.") from None
    return notifier
