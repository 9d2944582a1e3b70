"""Issue TLS certificates for `localhost` from a test certificate authority."""

import ssl
from functools import cache
from pathlib import Path

import pytest
import trustme


@cache
def authority() -> trustme.CA:
    """Return the certificate authority, created once."""
    return trustme.CA()


def trust(folder: Path, environment: pytest.MonkeyPatch) -> None:
    """Let clients trust the authority, through the setting that an operator would use."""
    authority().cert_pem.write_to_path(str(folder / "authority.pem"))
    environment.setenv("SSL_CERT_FILE", str(folder / "authority.pem"))


@cache
def server_context() -> ssl.SSLContext:
    """Return the TLS context of a server on `localhost`."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority().issue_cert("localhost").configure_cert(context)
    return context
