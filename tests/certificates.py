"""Certificates for `localhost`, and somebody who vouches for them."""

import ssl
from functools import cache
from pathlib import Path

import pytest
import trustme


@cache
def authority() -> trustme.CA:
    """Who signs certificates."""
    return trustme.CA()


def trust(folder: Path, environment: pytest.MonkeyPatch) -> None:
    """Let clients trust the authority, as an operator would have them trust his own."""
    authority().cert_pem.write_to_path(str(folder / "authority.pem"))
    environment.setenv("SSL_CERT_FILE", str(folder / "authority.pem"))


@cache
def server_context() -> ssl.SSLContext:
    """What a server on `localhost` needs for TLS."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority().issue_cert("localhost").configure_cert(context)
    return context
