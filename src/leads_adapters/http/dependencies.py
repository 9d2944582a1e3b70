"""How handlers get their dependencies: by name, from the providers that the container gives to the application."""

from typing import Any, TypeAlias, TypeVar

from litestar.di import NamedDependency, Provide
from litestar.params import SkipValidation

T = TypeVar("T")

Injected: TypeAlias = NamedDependency[SkipValidation[T]]
"""A dependency by name. Its type is not checked for each request: most of them are protocols."""


def provide(value: Any) -> Provide:
    """Return the provider of one object for all requests."""
    return Provide(lambda: value, sync_to_thread=False)
