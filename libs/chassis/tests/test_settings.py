"""A wrong setting is a sentence that names its variable, not a trace."""

import pytest

from palabre.chassis.settings import ServiceSettings, read


def test_a_wrong_value_names_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PALABRE_OPS_PORT", "many")
    with pytest.raises(SystemExit, match="PALABRE_OPS_PORT: Input should be a valid integer"):
        read(ServiceSettings)
