"""A manifest proves what was signed, and nothing else."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from palabre.gateway.manifests import Forged, Signer, verified
from palabre.gateway.settings import GatewaySettings
from palabre.gateway.visitors import secret_in

MANIFEST = {"ai_generated": True, "sha256": "ab", "voices": [{"voice": "clone:marie"}]}
SIGNER = Signer(bytes(range(32)))


def test_what_was_signed_is_verified_with_the_public_key() -> None:
    assert verified(SIGNER.sign(MANIFEST), SIGNER.keys()) == MANIFEST


def test_the_key_is_a_jwk_and_holds_no_secret() -> None:
    """Key and thumbprint of RFC 8037, appendices A.1 to A.3."""
    seed = base64.urlsafe_b64decode("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=")
    (key,) = Signer(seed).keys()["keys"]
    assert (key["kty"], key["crv"], key["alg"]) == ("OKP", "Ed25519", "EdDSA")
    assert key["x"] == "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"
    assert key["kid"] == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"
    assert "d" not in key


def test_a_signature_is_that_of_the_standard() -> None:
    """RFC 8037, appendix A.4, signs the header {"alg":"EdDSA"}; here the same with our header."""
    head, body, signature = SIGNER.sign(MANIFEST).split(".")
    padded = base64.urlsafe_b64decode(head + "=" * (-len(head) % 4))
    assert json.loads(padded)["alg"] == "EdDSA"
    assert "=" not in head + body + signature


def _changed(jws: str) -> list[str]:
    head, body, signature = jws.split(".")
    other = Signer(bytes(32))
    forged = SIGNER.sign(MANIFEST | {"ai_generated": False}).split(".")
    unsigned = base64.urlsafe_b64encode(b'{"alg":"none","kid":"%s"}' % SIGNER.key_id.encode())
    return [
        f"{head}.{forged[1]}.{signature}",
        f"{head}.{body}.{forged[2]}",
        f"{unsigned.decode().rstrip('=')}.{body}.",
        other.sign(MANIFEST),
        f"{head}.{body}",
        "a.b.c",
        "",
        "é.é.é",
        f"{head}.{body}.{signature}.x",
    ]


@pytest.mark.parametrize("number", range(9))
def test_what_was_changed_or_signed_by_another_is_forged(number: int) -> None:
    with pytest.raises(Forged):
        verified(_changed(SIGNER.sign(MANIFEST))[number], SIGNER.keys())


@pytest.mark.parametrize("keys", [{}, {"keys": []}, {"keys": [{}]}, {"keys": None}])
def test_without_the_key_nothing_is_verified(keys: dict[str, Any]) -> None:
    with pytest.raises(Forged):
        verified(SIGNER.sign(MANIFEST), keys)


def test_the_key_is_made_once_and_readable_by_its_owner_alone(tmp_path: Path) -> None:
    made = secret_in(tmp_path, "audio-key")
    assert len(made) == 32
    assert secret_in(tmp_path, "audio-key") == made
    assert secret_in(tmp_path) != made
    assert (tmp_path / "audio-key").stat().st_mode & 0o777 == 0o600
    assert sorted(file.name for file in tmp_path.iterdir()) == ["audio-key", "secret"]


@pytest.mark.parametrize("given", ["short", "é", base64.b64encode(bytes(31)).decode()])
def test_a_key_of_another_length_is_refused_with_what_to_do(given: str) -> None:
    with pytest.raises(ValidationError, match="openssl rand"):
        GatewaySettings.model_validate({"audio_key": given})
