"""Every slash command of the service."""

from palabre.discord.commands.asking import ASK
from palabre.discord.commands.choosing import MODEL, PERSONA
from palabre.discord.commands.exporting import EXPORT
from palabre.discord.commands.forgetting import FORGET
from palabre.discord.commands.pinging import PING
from palabre.discord.commands.summing_up import RESUME
from palabre.discord.commands.usage import USAGE

COMMANDS = (ASK, RESUME, PERSONA, MODEL, USAGE, FORGET, EXPORT, PING)
