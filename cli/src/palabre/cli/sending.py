"""Documents sent to a server that may be busy, restart or be killed in the middle.

Sending one again changes nothing (same name, same content), so whatever broke off is sent again.
"""

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import httpx

from palabre.cli.folders import File, media_type
from palabre.cli.server import Trouble, checked

TRIES = 5  # attempts at one document that a ready server broke off
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 10.0
_BUSY = (429, 503)
_BROKEN = (500, 502, 504)


class Stopped(Exception):
    """Somebody pressed Ctrl-C."""


class BrokeOff(Trouble):
    """The server was there, time and again, and did not end what it began."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A document that is not in, why, and what to do."""

    document: str
    reason: str
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Sent:
    """What became of a file; an archive has many documents."""

    entries: tuple[Mapping[str, Any], ...] = ()
    failures: tuple[Failure, ...] = ()
    broke_off: bool = False

    @property
    def passages(self) -> int:
        return sum(entry["passages"] for entry in self.entries)


@dataclass(frozen=True, slots=True)
class Again:
    """To be tried again after so many seconds; 0: when one thinks best."""

    why: str
    after_s: float = 0.0
    broken: bool = False  # the server was there, and did not end what it began


@dataclass(frozen=True, slots=True)
class Sender:
    """For one space. Safe to share between threads; `stop` ends whatever waits or is sent."""

    client: httpx.Client
    space: str
    tier: str = ""
    patience_s: float = 600.0
    stop: threading.Event = field(default_factory=threading.Event)
    clock: Callable[[], float] = time.monotonic

    @property
    def path(self) -> str:
        return f"/api/v1/spaces/{self.space}/documents"

    def known(self, names: Sequence[str]) -> dict[str, dict[str, Any]]:
        """Entries of those that are in; none for a token that may only write. Raises Trouble."""
        parameters = [("document", name) for name in names]
        response = self._patiently(lambda: self._asked("GET", self.path, params=parameters))
        if response.status_code == httpx.codes.FORBIDDEN:
            return {}
        return {entry["document"]: entry for entry in checked(response).json()["documents"]}

    def all(self) -> list[dict[str, Any]]:
        """Every document that may be seen. Raises Trouble."""
        response = self._patiently(lambda: self._asked("GET", self.path))
        found: list[dict[str, Any]] = checked(response).json()["documents"]
        return found

    def delete(self, document: str) -> None:
        """Nothing happens when it is gone. Raises Trouble."""
        path = f"{self.path}/{quote(document)}"
        response = self._patiently(lambda: self._asked("DELETE", path))
        if response.status_code != 404:
            checked(response)

    def send(self, file: File, went: Callable[[int], None] = lambda passages: None) -> Sent:
        """Tells how many of its passages went in, as they go; an attempt begins anew.

        Raises Stopped, and Trouble when the server stays away or refuses whatever is sent.
        """
        try:
            return self._patiently(lambda: self._sent(file, went))
        except BrokeOff as error:
            failure = Failure(file.document, str(error), "look at the server's log")
            return Sent(failures=(failure,), broke_off=True)
        except (OSError, UnicodeError) as error:
            reason = getattr(error, "strerror", None) or "not UTF-8"
            return _failed(file, f"cannot be read ({reason})", "check the file and its side file")

    def _sent(self, file: File, went: Callable[[int], None]) -> Sent | Again:
        form = {"document": file.document, "tier": self.tier, "front_matter": file.front_matter()}
        with ExitStack() as stack:
            content = stack.enter_context(file.path.open("rb"))
            upload = {"file": (file.path.name, content, media_type(file.path))}
            headers = {"Accept": "application/x-ndjson"}
            sending = self.client.stream(
                "POST", self.path, data=form, files=upload, headers=headers
            )
            try:
                response = stack.enter_context(sending)
                return self._told(file, response, went)
            except httpx.LocalProtocolError:
                return _failed(file, "changed while it was being read", "send it again")
            except httpx.TransportError as error:
                return Again(_why(error), broken=not isinstance(error, httpx.ConnectError))

    def _told(
        self, file: File, response: httpx.Response, went: Callable[[int], None]
    ) -> Sent | Again:
        if not response.is_success:
            response.read()
            return _refused(file, response)
        entries: list[Mapping[str, Any]] = []
        failures: list[Failure] = []
        begun = False
        for line in self._lines(response):
            if "step" in line:
                begun = True
                if line["step"] == "embedded":
                    went(line["passages"])
            elif "document" in line and isinstance(line["document"], dict):
                entries.append(line["document"])
            elif failed := line.get("failed"):
                failures.append(Failure(failed["document"], failed["reason"], failed["remedy"]))
            elif problem := line.get("problem"):
                return _problem(file, problem, begun=begun)
        if not entries and not failures:
            return Again("the answer broke off", broken=True)
        return Sent(tuple(entries), tuple(failures))

    def _lines(self, response: httpx.Response) -> Iterator[dict[str, Any]]:
        for line in response.iter_lines():
            if self.stop.is_set():
                raise Stopped
            if line.strip():
                yield json.loads(line)

    def _asked(self, method: str, path: str, **more: Any) -> httpx.Response | Again:
        try:
            response = self.client.request(method, path, **more)
        except httpx.TransportError as error:
            return Again(_why(error))
        return _again(response) or response

    def _patiently[T](self, attempt: Callable[[], T | Again]) -> T:
        """Raises Trouble when the server stays away, Stopped."""
        until, pause, broken = self.clock() + self.patience_s, FIRST_PAUSE_S, 0
        while isinstance(told := attempt(), Again):
            broken += told.broken
            if broken >= TRIES:
                raise BrokeOff(f"broke off {TRIES} times ({told.why})")
            if self.clock() > until:
                raise Trouble(
                    f"the server is away ({told.why}): start it, then run the same command again:"
                    " it goes on where this one stopped"
                )
            if self.stop.wait(told.after_s or pause):
                raise Stopped
            pause = min(2 * pause, LONGEST_PAUSE_S)
        return told


def _refused(file: File, response: httpx.Response) -> Sent | Again:
    """Raises Trouble for what every other document would be told, too."""
    if again := _again(response):
        return again
    if response.status_code in (401, 403, 404):
        checked(response)
    return _failed(file, *_reason(file, _detail(response)))


def _problem(file: File, problem: Mapping[str, Any], *, begun: bool) -> Sent | Again:
    """After the answer began. Before a first step the retriever behind it may just be away."""
    status, detail = problem["status"], problem.get("detail", "")
    if status in _BUSY or status in _BROKEN:
        return Again(detail, broken=begun or status in _BROKEN)
    return _failed(file, *_reason(file, detail))


def _again(response: httpx.Response) -> Again | None:
    """Whether the server will take it later."""
    if response.status_code not in (*_BUSY, *_BROKEN):
        return None
    said = response.headers.get("retry-after", "")
    after = float(said) if said.isdigit() else 0.0
    return Again(_detail(response), after, broken=response.status_code in _BROKEN)


def _detail(response: httpx.Response) -> str:
    try:
        return str(response.json()["detail"])
    except (ValueError, KeyError):
        return f"the server answered {response.status_code}"


def _reason(file: File, detail: str) -> tuple[str, str]:
    """The server says `document: reason: remedy`."""
    reason, _, remedy = detail.removeprefix(f"{file.document}: ").partition(": ")
    return reason, remedy


def _failed(file: File, reason: str, remedy: str) -> Sent:
    return Sent(failures=(Failure(file.document, reason, remedy),))


def _why(error: httpx.TransportError) -> str:
    return str(error) or type(error).__name__
