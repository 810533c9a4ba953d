"""Signatures that only this run of the service can make."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets


class Signer:
    """Signs texts with a secret that dies with the process."""

    def __init__(self) -> None:
        self._secret = secrets.token_bytes(32)

    def sign(self, text: str) -> str:
        """Make the signature of a text: base64 of HMAC-SHA256, safe in a URL."""
        mac = hmac.new(self._secret, text.encode(), hashlib.sha256).digest()
        return base64.urlsafe_b64encode(mac).decode().rstrip("=")

    def holds(self, text: str, signature: str) -> bool:
        """Tell whether a signature belongs to a text, in constant time."""
        return hmac.compare_digest(self.sign(text).encode(), signature.encode())
