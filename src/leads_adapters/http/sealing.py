"""Seals stored responses with a key that only the caller has.

The database holds the SHA-256 of an API key, never its text. Sealed with the text, a stored response is of no use to a
thief of the database: neither its personal data, nor the API key that it may have created.
"""

import hmac
from base64 import urlsafe_b64encode
from hashlib import sha256

_INFO = b"leads: stored replies"
_HALF = 32


class Seal:
    """Seals texts (Fernet) and makes fingerprints (HMAC-SHA256) with keys derived from a secret (HKDF, RFC 5869)."""

    def __init__(self, secret: str) -> None:
        # Imported here: only a request with an Idempotency-Key waits for this library, for 40 ms; no start does.
        from cryptography.fernet import Fernet  # noqa: PLC0415
        from cryptography.hazmat.primitives.hashes import SHA256  # noqa: PLC0415
        from cryptography.hazmat.primitives.kdf.hkdf import HKDF  # noqa: PLC0415

        derived = HKDF(SHA256(), length=2 * _HALF, salt=None, info=_INFO).derive(secret.encode())
        self._fernet = Fernet(urlsafe_b64encode(derived[:_HALF]))
        self._fingerprint_key = derived[_HALF:]

    def fingerprint(self, *parts: bytes) -> str:
        """What tells these parts from any others."""
        digests = b"".join(sha256(part).digest() for part in parts)
        return hmac.digest(self._fingerprint_key, digests, sha256).hex()

    def seal(self, content: bytes) -> str:
        """The content, as nobody else can read or change it."""
        return self._fernet.encrypt(content).decode()

    def open(self, sealed: str) -> bytes:
        """What was sealed with the same secret."""
        return self._fernet.decrypt(sealed)
