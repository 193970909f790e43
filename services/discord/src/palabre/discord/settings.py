"""Settings of the discord service."""

from pydantic import Field, SecretStr

from palabre.chassis.keys import Name
from palabre.chassis.settings import ServiceSettings


class DiscordSettings(ServiceSettings):
    """Without a token the service has nothing to do, and does not run."""

    discord_token: SecretStr = Field(
        default=SecretStr(""),
        description='Token of the bot "default"; with one, `palabre run` starts the bots, too.',
    )
    discord_tokens: dict[Name, SecretStr] = Field(
        default={}, description='Tokens of further bots, by name, as JSON: {"hugo": "…"}.'
    )
    discord_api: str = Field(
        default="https://discord.com/api/v10", description="Address of Discord's REST API."
    )
    discord_edit_s: float = Field(
        default=1.2, ge=0.5, le=10, description="Seconds between two edits of one answer."
    )
    discord_files: int = Field(
        default=4, ge=0, le=10, description="Images and files of one message that are read."
    )
    discord_file_bytes: int = Field(
        default=8 << 20, ge=1, description="Bytes of an image or file, at most."
    )
    discord_text: int = Field(
        default=6_000,
        ge=0,
        le=7_000,
        description="Characters of a question's text files that are read; with its words a model"
        " sees 8,000.",
    )
    discord_cdn: str = Field(
        default="cdn.discordapp.com,media.discordapp.net",
        description="Hosts, with their port, from which files are fetched, separated by commas.",
    )
    discord_deadline_s: float = Field(
        default=300.0, ge=10, description="Seconds until an answer is given up."
    )
    gateway_address: str = Field(
        default="127.0.0.1:8094", description="gRPC address of the gateway's archive."
    )
    llm_address: str = Field(default="127.0.0.1:8093", description="gRPC address of llm.")
    retriever_address: str = Field(
        default="127.0.0.1:8091", description="gRPC address of the retriever."
    )

    @property
    def bots(self) -> dict[str, str]:
        """Tokens by the bot's name."""
        default = self.discord_token.get_secret_value()
        named = {name: token.get_secret_value() for name, token in self.discord_tokens.items()}
        return ({"default": default} if default else {}) | named
