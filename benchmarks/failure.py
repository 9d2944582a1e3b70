"""Why there are no figures."""


class Failed(Exception):
    """Something is missing, or an answer is not what it must be: figures would mean nothing."""
