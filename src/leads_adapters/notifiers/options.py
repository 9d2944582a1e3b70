"""What the options of several adapters have in common. Faults are `ValueError`s without the options' values."""

from collections.abc import Mapping

TIMEOUT_MAX = 25.0
"""The longest time-out in seconds: an attempt must end within 30 s."""

TIMEOUT_DEFAULT = 20.0


def check_names(options: Mapping[str, str], known: tuple[str, ...]) -> None:
    """Refuse options that the adapter does not know."""
    if unknown := options.keys() - set(known):
        message = f"it takes the options {', '.join(known)}, not {', '.join(sorted(unknown))}"
        raise ValueError(message)


def timeout(options: Mapping[str, str]) -> float:
    """The seconds that a whole attempt may take."""
    try:
        seconds = float(options.get("timeout", TIMEOUT_DEFAULT))
    except ValueError:
        seconds = 0
    if not 0 < seconds <= TIMEOUT_MAX:
        message = f"timeout takes a number of seconds above 0, up to {TIMEOUT_MAX:.0f}"
        raise ValueError(message)
    return seconds
