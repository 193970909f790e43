"""The client with which commands talk to a server."""

from pydantic import SecretStr

from palabre.cli.server import http
from palabre.cli.settings import CliSettings


def test_without_a_token_no_broken_header_is_sent() -> None:
    """HTTP refuses an empty one, which passed for a server that is away."""
    address = "http://127.0.0.1:9"
    with http(CliSettings(url=address, token=SecretStr(""))) as client:
        assert "Authorization" not in client.headers
    with http(CliSettings(url=address, token=SecretStr("abc"))) as client:
        assert client.headers["Authorization"] == "Bearer abc"
