"""What the command line loads and lists."""

import subprocess
import sys

from typer.testing import CliRunner

from palabre.cli.app import COMMANDS, application


def test_every_command_is_listed() -> None:
    listed = CliRunner().invoke(application(), ["--help"]).output
    assert [name for name in COMMANDS if f"\n  {name} " not in listed] == []


def test_a_word_that_is_no_command_is_said_to_be_none() -> None:
    told = CliRunner().invoke(application("asks"), ["asks"])
    assert told.exit_code == 2
    assert "No such command 'asks'" in told.output


def test_who_asks_does_not_wait_for_what_asking_does_not_need() -> None:
    wanted = "from palabre.cli.app import application; application('ask')"
    seen = "[m for m in ('nats', 'grpc', 'fastapi') if m in sys.modules]"
    found = f"import sys; {wanted}; print({seen})"
    done = subprocess.run([sys.executable, "-c", found], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
