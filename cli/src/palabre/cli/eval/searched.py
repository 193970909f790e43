"""What questions are asked of: a space that runs, or documents in an index of their own."""

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

import httpx

from palabre.cli.eval.outcomes import PLACES
from palabre.cli.eval.questions import Asked
from palabre.cli.server import Trouble, checked


class Hit(NamedTuple):
    """A passage, as far as it is judged."""

    document: str
    text: str
    relevance: float


class Searched(Protocol):
    """Asked one question at a time."""

    async def find(self, asked: Asked, *, floor: bool) -> Sequence[Hit]:
        """At most PLACES, best first. Raises Trouble."""
        ...

    async def documents(self) -> set[str]: ...

    async def described(self) -> dict[str, Any]:
        """For the report: what was searched, as plain JSON."""
        ...


class RunningSpace:
    """Over HTTP. The asker's groups are those of the token."""

    def __init__(self, client: httpx.Client, space: str) -> None:
        self._client, self._space = client, space

    async def find(self, asked: Asked, *, floor: bool) -> Sequence[Hit]:
        if asked.groups or asked.tier:
            raise Trouble(
                f"line {asked.line}: groups and tier are for documents on the command line:"
                " a running space answers with the groups of the token"
            )
        parameters = {"q": asked.question, "limit": str(PLACES), "floor": str(floor).lower()}
        found = self._get("search", parameters)["passages"]
        return [Hit(p["document"], p["text"], p["relevance"]) for p in found]

    async def documents(self) -> set[str]:
        return {entry["document"] for entry in self._get("documents", {})["documents"]}

    async def described(self) -> dict[str, Any]:
        return {"space": self._space, "url": str(self._client.base_url)}

    def _get(self, path: str, parameters: dict[str, str]) -> Any:
        url = f"/api/v1/spaces/{self._space}/{path}"
        return checked(self._client.get(url, params=parameters)).json()
