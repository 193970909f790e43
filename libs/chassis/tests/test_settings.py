"""A wrong setting is a sentence that names its variable, not a trace."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from palabre.chassis.settings import WRONG_SETTINGS, ServiceSettings, read


def test_a_wrong_value_names_its_variable(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PALABRE_OPS_PORT", "many")
    with pytest.raises(SystemExit) as ended:
        read(ServiceSettings)
    assert ended.value.code == WRONG_SETTINGS
    assert "PALABRE_OPS_PORT: Input should be a valid integer" in capsys.readouterr().err


def test_a_certificate_without_its_key_is_told(tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match=r"_KEY.* go together"):
        ServiceSettings(grpc_certificate=tmp_path / "cert.pem")


def test_a_file_that_is_no_certificate_is_told(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("no certificate")
    for name in ("ca.pem", "missing.pem"):
        with pytest.raises(ValidationError, match=r"PALABRE_GRPC_.* no such PEM"):
            ServiceSettings(grpc_ca=tmp_path / name)
        with pytest.raises(ValidationError, match=r"PALABRE_NATS_CA: .* no such PEM"):
            ServiceSettings(nats_ca=tmp_path / name)
