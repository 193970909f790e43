"""The process that decodes recordings of strangers: `python -I -m palabre.gateway.recording_child`.

FFmpeg's decoders are large and old: what a file does to one ends with this process.
"""

import dataclasses
from typing import Any

from palabre.audio import recordings
from palabre.chassis.confinement import frame, serve


def main() -> None:
    serve(_replied)


def _replied(header: dict[str, Any], data: bytes) -> bytes:
    """Its measures, and its sound as WAV."""
    try:
        found = recordings.decode(data)
        return frame(dataclasses.asdict(recordings.measure(found)), found.wav)
    except recordings.Unreadable as error:
        return frame({"unreadable": str(error)})


if __name__ == "__main__":
    main()
