"""Visitors of the web page: a random id in a signed cookie, and nothing else about them."""

import base64
import hashlib
import hmac
import os
import secrets
from pathlib import Path

COOKIE = "palabre_visitor"
MAX_AGE_S = 180 * 86_400


class Visitors:
    """Issues and reads the value of the cookie: `<id>.<signature>`."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def issue(self) -> str:
        """A new visitor's cookie: HttpOnly, SameSite=Strict, Secure behind HTTPS."""
        visitor = secrets.token_urlsafe(32)
        return f"{visitor}.{self._sign(visitor)}"

    def read(self, cookie: str) -> str | None:
        """The visitor's id; None when the cookie was not signed here."""
        visitor, _, signature = cookie.partition(".")
        if visitor and hmac.compare_digest(signature.encode(), self._sign(visitor).encode()):
            return visitor
        return None

    def _sign(self, visitor: str) -> str:
        digest = hmac.digest(self._secret, b"visitor:" + visitor.encode(), hashlib.sha256)
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def secret_in(folder: Path) -> bytes:
    """The deployment's secret in this folder; made at the first start, readable by its owner."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "secret"
    try:
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return file.read_bytes()
    made = secrets.token_bytes(32)
    with os.fdopen(handle, "wb") as out:
        out.write(made)
    return made
