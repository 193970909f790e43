"""What each route does: a function from the world and a call to the answer's body.

A function may return None (204), or raise Refusal.
"""

from collections.abc import Callable
from typing import Any

from tests.standins.discord.calls import Call
from tests.standins.discord.world import World

type Route = Callable[[World, Call], Any]
type Routes = dict[tuple[str, str], Route]
