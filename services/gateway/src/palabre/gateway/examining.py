"""Examines recordings that strangers send, without harm to whoever asks."""

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from palabre.audio import recordings
from palabre.audio.recordings import MAX_BYTES, Fault, Measures, Unreadable, judge
from palabre.chassis.confined import Confined, Overran
from palabre.chassis.confinement import Confinement

# FFmpeg's libraries alone take 0.5 GiB of addresses.
_LIMITS = Confinement(memory=2 << 30, seconds=20, output=8 << 20, file=0, files=16)
_IDLE_S = 5.0


@dataclass(frozen=True, slots=True)
class Examined:
    """What a file holds, and its sound as it may be kept: WAV, mono, 16 bits."""

    measures: Measures
    wav: bytes


class Examiner:
    def __init__(self) -> None:
        self._confined = Confined("palabre.gateway.recording_child", _LIMITS, idle_s=_IDLE_S)

    async def examine(self, data: bytes) -> Examined:
        """Raises Unreadable, also for a file that its reader did not survive; Unavailable."""
        if len(data) > MAX_BYTES:
            raise Unreadable(f"it has {len(data) >> 20} MiB: send at most {MAX_BYTES >> 20} MiB")
        try:
            said, wav = await self._confined.ask({}, data)
            return _read(said, wav)
        except Unreadable:
            raise
        except (Overran, ValueError, TypeError, KeyError) as error:
            raise Unreadable(
                "its reader gave up on it: export it anew as WAV, mono, 16 bits"
            ) from error

    async def judge(self, files: Sequence[bytes]) -> tuple[list[Examined], list[Fault]]:
        """What could be cloned from these files together, and all that is wrong with them."""
        examined = []
        for number, data in enumerate(files, 1):
            try:
                examined.append(await self.examine(data))
            except Unreadable as error:
                place = f"file {number}: " if len(files) > 1 else ""
                return examined, [Fault("unreadable", f"{place}{error}")]
        return examined, judge([each.measures for each in examined])

    async def aclose(self) -> None:
        await self._confined.close()


def _read(said: dict[str, Any], wav: bytes) -> Examined:
    """What the process says is checked: the file may have taken it over."""
    if "unreadable" in said:
        raise Unreadable(str(said["unreadable"])[:300])
    values = {f.name: f.type(said[f.name]) for f in dataclasses.fields(Measures)}  # type: ignore[operator]
    if not all(math.isfinite(value) for value in values.values()):
        raise ValueError("not a number")
    recordings.checked_wav(wav)
    return Examined(Measures(**values), wav)
