"""A server for `palabre ingest`, in this process: it keeps documents, and fails as it is told."""

import email
import email.policy
import hashlib
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx

from palabre.cli.sending import Sender

Reply = httpx.Response | Exception


class Patience(threading.Event):
    """Waits no time, and remembers how long it would have."""

    def __init__(self) -> None:
        super().__init__()
        self.waited: list[float] = []

    def wait(self, timeout: float | None = None) -> bool:
        self.waited.append(timeout or 0.0)
        return self.is_set()


@dataclass
class Shelf:
    """Takes what comes; before that, each of `replies` is given once."""

    replies: list[Reply] = field(default_factory=list)
    kept: dict[str, dict[str, Any]] = field(default_factory=dict)
    sent: list[str] = field(default_factory=list)
    fields: list[dict[str, str]] = field(default_factory=list)
    unread: tuple[str, ...] = (".mobi",)
    at_once: int = 0
    most_at_once: int = 0
    patience: Patience = field(default_factory=Patience)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def sender(self, **changes: Any) -> Sender:
        transport = httpx.MockTransport(self._handle)
        client = httpx.Client(transport=transport, base_url="http://shelf")
        clock = changes.pop("clock", lambda: sum(self.patience.waited))
        return Sender(client, "livres", stop=self.patience, clock=clock, **changes)

    def _handle(self, request: httpx.Request) -> httpx.Response:
        if request.method == "GET":
            return self._listed(request)
        if request.method == "DELETE":
            self.kept.pop(request.url.path.partition("/documents/")[2])
            return httpx.Response(204)
        with self.lock:
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            return self._taken(request)
        finally:
            with self.lock:
                self.at_once -= 1

    def _listed(self, request: httpx.Request) -> httpx.Response:
        names = request.url.params.get_list("document") or sorted(self.kept)
        return httpx.Response(
            200, json={"documents": [self.kept[n] for n in names if n in self.kept]}
        )

    def _taken(self, request: httpx.Request) -> httpx.Response:
        form = parts(request)
        data = form.pop("file")
        said = {name: value.decode() for name, value in form.items()}
        self.sent.append(said["document"])
        self.fields.append(said)
        if self.replies:
            reply = self.replies.pop(0)
            if isinstance(reply, Exception):
                raise reply
            return reply
        return lines(*self._steps(said, data))

    def _steps(self, said: dict[str, str], data: bytes) -> Iterator[dict[str, Any]]:
        name = said["document"]
        suffix = f".{name.rpartition('.')[2]}"
        if suffix in self.unread:
            detail = f"{name}: cannot be read ({suffix}): convert it to .txt"
            yield {"problem": {"status": 422, "detail": detail}}
            return
        yield {"step": "embedded", "passages": 2, "passages_total": 2}
        entry = entry_of(name, data, said["tier"], said["front_matter"])
        self.kept[name] = entry
        yield {"document": entry}


def entry_of(name: str, data: bytes, tier: str = "", front_matter: str = "") -> dict[str, Any]:
    told = data + b"\0" + front_matter.encode() if front_matter else data
    return {
        "document": name,
        "version": hashlib.sha256(told).hexdigest(),
        "size_bytes": len(data),
        "tier": tier or "public",
        "passages": 2,
        "changed": 2,
    }


def lines(*told: dict[str, Any]) -> httpx.Response:
    return httpx.Response(200, text="".join(f"{json.dumps(line)}\n" for line in told))


def parts(request: httpx.Request) -> dict[str, bytes]:
    """The form's fields by name."""
    head = f"Content-Type: {request.headers['content-type']}\r\n\r\n".encode()
    message = email.message_from_bytes(head + request.read(), policy=email.policy.HTTP)
    found = {}
    for part in message.iter_parts():
        data = part.get_payload(decode=True)
        assert isinstance(data, bytes)
        found[str(part.get_param("name", header="content-disposition"))] = data
    return found
