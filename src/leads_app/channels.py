"""The configured channels, each with a notifier that an installed package provides."""

from collections.abc import Callable, Mapping
from importlib.metadata import EntryPoint, entry_points
from queue import Empty, SimpleQueue
from threading import Thread

from leads_app.settings import Channel, SettingsError
from leads_domain.notifier import Address, Checkable, FollowUpNotice, FollowUpNotifier, NotificationError, TryAgain

ENTRY_POINTS = "leads.notifiers"

ATTEMPT_SECONDS = 30.0
CHECK_SECONDS = 10.0


def make_notifiers(channels: Mapping[str, Channel]) -> Mapping[str, FollowUpNotifier]:
    """A notifier for every channel; raises `SettingsError` for an unknown adapter or options that it refuses."""
    return {name: make_notifier(name, channel) for name, channel in channels.items()}


def needs(notifiers: Mapping[str, FollowUpNotifier]) -> Mapping[str, Address | None]:
    """The kind of address that each channel needs."""
    return {name: notifier.needs for name, notifier in notifiers.items()}


def adapters() -> Mapping[str, EntryPoint]:
    """Those that the installed packages provide, by name."""
    found = entry_points(group=ENTRY_POINTS)
    return {name: found[name] for name in sorted(found.names)}


def make_notifier(name: str, channel: Channel) -> FollowUpNotifier:
    """The notifier of one channel; raises `SettingsError`."""
    installed = adapters()
    if channel.adapter not in installed:
        known = ", ".join(installed)
        raise SettingsError(f"The channel {name} needs the adapter {channel.adapter!r}. Installed adapters: {known}.")
    try:
        notifier: FollowUpNotifier = installed[channel.adapter].load()(channel.options)
    except KeyError as error:
        raise SettingsError(f"The channel {name} lacks the option {error}.") from None
    except ValueError as error:
        raise SettingsError(f"The channel {name} has wrong options: {str(error).rstrip('.')}.") from None
    except Exception as error:  # noqa: BLE001 - the adapter is others' code; what it says may quote a secret
        kind = type(error).__name__
        raise SettingsError(f"The channel {name} cannot start: its adapter failed with {kind}.") from None
    if getattr(notifier, "needs", "") not in (None, *Address):
        raise SettingsError(f"The channel {name} cannot start: its adapter does not say which address it needs.")
    return notifier


def attempt(notifier: FollowUpNotifier, notice: FollowUpNotice) -> NotificationError | None:
    """Send `notice` now; None when it has left, else why it has not."""
    return _failure(lambda: notifier.notify(notice), ATTEMPT_SECONDS)


def fault(notifier: FollowUpNotifier) -> NotificationError | None:
    """What the notifier says is wrong with its channel, without sending; None if it says nothing, or cannot tell."""
    return _failure(notifier.check, CHECK_SECONDS) if isinstance(notifier, Checkable) else None


def _failure(work: Callable[[], object], seconds: float) -> NotificationError | None:
    """Why others' code did not do its work within so many seconds. Nothing can interrupt it, but nobody waits."""
    outcomes: SimpleQueue[NotificationError | None] = SimpleQueue()

    def run() -> None:
        try:
            work()
        except NotificationError as error:
            outcomes.put(error)
        except Exception as error:  # noqa: BLE001 - its text may quote a secret
            outcomes.put(TryAgain(f"The channel failed with {type(error).__name__}."))
        else:
            outcomes.put(None)

    Thread(target=run, daemon=True).start()
    try:
        return outcomes.get(timeout=seconds)
    except Empty:
        return TryAgain(f"The channel did not answer within {seconds:.0f} s.")
