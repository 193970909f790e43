"""What people see."""

import io

from rich.console import Console

from palabre.cli import screen


def test_what_does_not_fit_a_narrow_screen_is_still_there() -> None:
    address = "http://127.0.0.1:4010/v1/an/address/that/is/long"
    out = io.StringIO()
    rows = [[address, "PALABRE_LLM_MODEL"]]
    screen.table("address", "used by", rows=rows, on=Console(file=out, width=40))
    lines = out.getvalue().splitlines()
    assert "".join(line[:22].strip() for line in lines[1:]) == address
