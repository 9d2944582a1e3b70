"""Health of the service."""

import msgspec


class Health(msgspec.Struct):
    """The service is well."""

    status: str = "ok"
