"""Server-sent events out of a stream of bytes (WHATWG HTML, 9.2.6)."""

LONGEST = 1 << 20  # bytes of an event


class EventDecoder:
    """Gives the data of each event; a chunk may end anywhere, lines end in LF or CRLF."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, chunk: bytes) -> list[bytes]:
        """The data of the events that are whole now. Raises ValueError for an endless one."""
        buffer = self._rest + chunk
        if b"\r" in buffer:
            buffer = buffer.replace(b"\r\n", b"\n")
        *events, self._rest = buffer.split(b"\n\n")
        if len(self._rest) > LONGEST:
            raise ValueError("an event without an end")
        return [data for event in events if (data := _data(event))]

    def close(self) -> list[bytes]:
        """What a server left without its empty line."""
        data = _data(self._rest.replace(b"\r\n", b"\n"))
        self._rest = b""
        return [data] if data else []


def _data(event: bytes) -> bytes:
    if event.startswith(b"data:") and b"\n" not in event:
        return event[5:].strip()
    lines = (line for line in event.split(b"\n") if line.startswith(b"data:"))
    return b"\n".join(line[5:].strip() for line in lines)
