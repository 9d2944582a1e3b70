"""Create and call the notifiers of the configured channels."""

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
    """Return a notifier for each channel; raises `SettingsError` for unknown adapters and invalid options."""
    return {name: make_notifier(name, channel) for name, channel in channels.items()}


def needs(notifiers: Mapping[str, FollowUpNotifier]) -> Mapping[str, Address | None]:
    """Return the kind of address that each channel needs."""
    return {name: notifier.needs for name, notifier in notifiers.items()}


def installed_adapters() -> Mapping[str, EntryPoint]:
    """Return the adapters of all installed packages, by name."""
    found = entry_points(group=ENTRY_POINTS)
    return {name: found[name] for name in sorted(found.names)}


def make_notifier(name: str, channel: Channel) -> FollowUpNotifier:
    """Return the notifier of one channel; raises `SettingsError`."""
    installed = installed_adapters()
    if channel.adapter not in installed:
        problem = f"The channel {name} uses the adapter {channel.adapter!r}, which is not installed"
        raise SettingsError(f"{problem}. Installed adapters: {', '.join(installed)}.")
    try:
        notifier: FollowUpNotifier = installed[channel.adapter].load()(channel.options)
    except KeyError as error:
        raise SettingsError(f"The channel {name} needs the option {error}.") from None
    except ValueError as error:
        raise SettingsError(f"The channel {name} has invalid options: {str(error).rstrip('.')}.") from None
    except Exception as error:  # noqa: BLE001 - adapters are third-party code; their messages may quote a secret
        kind = type(error).__name__
        raise SettingsError(f"The channel {name} cannot start: its adapter failed with {kind}.") from None
    if getattr(notifier, "needs", "") not in (None, *Address):
        raise SettingsError(f"The channel {name} cannot start: the `needs` of its adapter is not a kind of address.")
    return notifier


def attempt(notifier: FollowUpNotifier, notice: FollowUpNotice) -> NotificationError | None:
    """Send `notice` now; return the error, or None if it was sent."""
    return _run(lambda: notifier.notify(notice), ATTEMPT_SECONDS)


def check_channel(notifier: FollowUpNotifier) -> NotificationError | None:
    """Run the notifier's check, which sends nothing; return its error, or None if it passes or does not exist."""
    return _run(notifier.check, CHECK_SECONDS) if isinstance(notifier, Checkable) else None


def _run(work: Callable[[], object], seconds: float) -> NotificationError | None:
    """Run `work` in a thread and return its error.

    Nothing can interrupt third-party code. After `seconds` its thread is abandoned, and the error is `TryAgain`.
    """
    outcomes: SimpleQueue[NotificationError | None] = SimpleQueue()

    def run() -> None:
        try:
            work()
        except NotificationError as error:
            outcomes.put(error)
        except Exception as error:  # noqa: BLE001 - report the type only: the text may quote a secret
            outcomes.put(TryAgain(f"The channel failed with {type(error).__name__}."))
        else:
            outcomes.put(None)

    Thread(target=run, daemon=True).start()
    try:
        return outcomes.get(timeout=seconds)
    except Empty:
        return TryAgain(f"The channel did not respond within {seconds:.0f} s.")
