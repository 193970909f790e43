"""A caller and what they may do: an API token, or a visitor of the web page."""

from dataclasses import dataclass

from palabre.chassis.directory import Spaces
from palabre.chassis.spaces import Space, UnknownSpace
from palabre.contracts.v1 import turns_pb2
from palabre.gateway.problems import Problem
from palabre.gateway.tokens import Scope, Token


@dataclass(frozen=True, slots=True)
class Caller:
    """`id` is opaque and stable within the channel; `token` is None for a visitor."""

    id: str
    channel: str
    token: Token | None = None

    @property
    def groups(self) -> tuple[str, ...]:
        return ("public", *(self.token.groups if self.token else ()))

    @property
    def author(self) -> turns_pb2.Author:
        return turns_pb2.Author(id=self.id, groups=self.groups)

    def space(self, spaces: Spaces, name: str, scope: Scope) -> Space:
        """The space, when this caller may do this in it. Raises Problem 403, UnknownSpace."""
        if self.token is None:
            return self._as_visitor(spaces, name, scope)
        self.require(scope)
        if not self.token.reaches(name):
            raise Problem(
                403, f"This token is not for the space {name!r}: use one that is.", param="model"
            )
        return spaces.get(name)

    def require(self, scope: Scope) -> None:
        """Raises Problem 403 when the token lacks the scope."""
        if self.token is None or not self.token.allows(scope):
            raise Problem(403, f"This needs the scope {scope!r}: use a token that has it.")

    def administers(self, space: str) -> bool:
        return bool(self.token and self.token.allows("admin") and self.token.reaches(space))

    def spaces(self, spaces: Spaces) -> dict[str, Space]:
        """Those that this caller may see."""
        return {name: space for name, space in spaces.all().items() if self._sees(name, space)}

    def _sees(self, name: str, space: Space) -> bool:
        return self.token.reaches(name) if self.token else open_to_visitors(space)

    def _as_visitor(self, spaces: Spaces, name: str, scope: Scope) -> Space:
        space = spaces.get(name)
        if not open_to_visitors(space):
            raise UnknownSpace(name)
        if scope != "ask":
            raise Problem(403, f"Visitors may only ask; this needs a token with {scope!r}.")
        return space


def open_to_visitors(space: Space) -> bool:
    """The web page of this space is on."""
    return "web" in space.channels and space.channels["web"].enabled
