"""Visitors of the web page: a random id in a signed cookie, and nothing else about them."""

import base64
import contextlib
import hashlib
import hmac
import os
import secrets
import tempfile
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


def secret_in(folder: Path, name: str = "secret") -> bytes:
    """32 random bytes in this folder; made at the first start, readable by its owner.

    Whole from the first moment: another replica may start on the same folder.
    """
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / name
    if not file.exists():
        with tempfile.NamedTemporaryFile(dir=folder) as made:  # 0600
            made.write(secrets.token_bytes(32))
            made.flush()
            with contextlib.suppress(FileExistsError):
                os.link(made.name, file)
    return file.read_bytes()
