"""Signed manifests: proof, apart from the file, that a machine here spoke it.

A manifest is a JWS in its compact form (RFC 7515) with Ed25519 (RFC 8037), so that any JOSE
library verifies it with the key at /.well-known/palabre-audio-key (RFC 7517).
"""

import base64
import binascii
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import structlog
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)

from palabre.chassis.bus import Bus
from palabre.chassis.errors import Unavailable

log = structlog.get_logger()

ALGORITHM = "EdDSA"
TYPE = "palabre-audio+jws"


class Forged(ValueError):
    """The manifest was not signed with one of these keys, or was changed since."""


class Signer:
    """Signs with a seed of 32 bytes."""

    def __init__(self, seed: bytes) -> None:
        self._key = Ed25519PrivateKey.from_private_bytes(seed)
        public = self._key.public_key().public_bytes_raw()
        self.jwk = {"kty": "OKP", "crv": "Ed25519", "x": _text(public)}
        self.key_id = _text(hashlib.sha256(_json(self.jwk)).digest())  # RFC 7638

    def sign(self, manifest: Mapping[str, Any]) -> str:
        header = {"alg": ALGORITHM, "kid": self.key_id, "typ": TYPE}
        signed = f"{_text(_json(header))}.{_text(_json(manifest))}"
        return f"{signed}.{_text(self._key.sign(signed.encode()))}"

    def keys(self) -> dict[str, Any]:
        """A JWK set."""
        return {"keys": [self.jwk | {"kid": self.key_id, "use": "sig", "alg": ALGORITHM}]}


def verified(jws: str, keys: Mapping[str, Any]) -> dict[str, Any]:
    """The manifest that one of the keys of a JWK set signed. Raises Forged."""
    try:
        head, body, signature = jws.strip().split(".")
        header, manifest = json.loads(_bytes(head)), json.loads(_bytes(body))
        [key] = [each for each in keys["keys"] if each["kid"] == header["kid"]]
        if header["alg"] != ALGORITHM or key["crv"] != "Ed25519":
            raise Forged("signed by another method")
        public = Ed25519PublicKey.from_public_bytes(_bytes(key["x"]))
        public.verify(_bytes(signature), f"{head}.{body}".encode())
    except InvalidSignature:
        raise Forged("its signature is not that of its content") from None
    except (KeyError, TypeError, binascii.Error, UnicodeDecodeError) as error:
        raise Forged("it is no manifest") from error
    except ValueError as error:
        if isinstance(error, Forged):
            raise
        raise Forged("it is no manifest, or of a key that is not known here") from error
    if not isinstance(manifest, dict):
        raise Forged("it is no manifest")
    return manifest


@dataclass(frozen=True, slots=True)
class Manifests:
    """Kept in the bucket `manifests`, by what was spoken and by the SHA-256 of the file."""

    bus: Bus
    signer: Signer

    async def keep(self, manifest: Mapping[str, Any]) -> None:
        """Signs and stores. Where NATS is away the file goes without: it has been heard by then."""
        subject = f"$KV.manifests.{manifest['turn'] or 'none'}.{manifest['sha256']}"
        try:
            await self.bus.put(subject, self.signer.sign(manifest).encode())
        except Unavailable as error:
            log.warning("no manifest", reason=str(error))

    async def of_turn(self, turn: str) -> list[str]:
        """Of every file that was made of the turn, the newest last."""
        return await self._read(f"{turn}.*")

    async def of_file(self, sha256: str) -> list[str]:
        return await self._read(f"*.{sha256}")

    async def _read(self, pattern: str) -> list[str]:
        found = await self.bus.raw("KV_manifests", {"multi_last": [f"$KV.manifests.{pattern}"]})
        return [entry.data.decode() for entry in found if entry.data]


def _json(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _bytes(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
