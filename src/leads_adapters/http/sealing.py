"""Encrypt stored responses with a key that only the client has.

The database holds the SHA-256 of an API key, never its text. The text seals a stored response, so that a stolen
database reveals neither personal data in the response nor an API key that the request created.
"""

import hmac
from base64 import urlsafe_b64encode
from hashlib import sha256

_INFO = b"leads: stored replies"
_KEY_BYTES = 32


class Seal:
    """Seal content (Fernet) and compute fingerprints (HMAC-SHA256) with keys derived from a secret (HKDF)."""

    def __init__(self, secret: str) -> None:
        # Imported here: this library is slow to import, and only requests with an Idempotency-Key need it.
        from cryptography.fernet import Fernet  # noqa: PLC0415
        from cryptography.hazmat.primitives.hashes import SHA256  # noqa: PLC0415
        from cryptography.hazmat.primitives.kdf.hkdf import HKDF  # noqa: PLC0415

        derived = HKDF(SHA256(), length=2 * _KEY_BYTES, salt=None, info=_INFO).derive(secret.encode())
        self._fernet = Fernet(urlsafe_b64encode(derived[:_KEY_BYTES]))
        self._fingerprint_key = derived[_KEY_BYTES:]

    def fingerprint(self, *parts: bytes) -> str:
        """Return a fingerprint of these parts."""
        digests = b"".join(sha256(part).digest() for part in parts)
        return hmac.digest(self._fingerprint_key, digests, sha256).hex()

    def seal(self, content: bytes) -> str:
        """Return the content, encrypted and authenticated."""
        return self._fernet.encrypt(content).decode()

    def open(self, sealed: str) -> bytes:
        """Return the content that was sealed with the same secret."""
        return self._fernet.decrypt(sealed)
