"""Check options that several adapters share. Errors are `ValueError`s without the values of options."""

from collections.abc import Mapping

TIMEOUT_MAX = 25.0
"""The longest time-out in seconds. An attempt must end within 30 s."""

TIMEOUT_DEFAULT = 20.0


def check_names(options: Mapping[str, str], known: tuple[str, ...]) -> None:
    """Raise `ValueError` for unknown options."""
    if unknown := options.keys() - set(known):
        message = f"remove {', '.join(sorted(unknown))}; the options are {', '.join(known)}"
        raise ValueError(message)


def parse_timeout(options: Mapping[str, str]) -> float:
    """Return the time limit of a whole attempt in seconds."""
    try:
        seconds = float(options.get("timeout", TIMEOUT_DEFAULT))
    except ValueError:
        seconds = 0
    if not 0 < seconds <= TIMEOUT_MAX:
        message = f"timeout must be a number of seconds above 0, at most {TIMEOUT_MAX:.0f}"
        raise ValueError(message)
    return seconds
