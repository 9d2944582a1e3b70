"""The error that ends a benchmark."""


class Failed(Exception):
    """A program is missing or a response is wrong, so that figures would be meaningless."""
