"""What many programs do: a process that speaks the whole text into a WAV file, then ends.

python -S -E whole_file.py LIBRARY DATA VOICE OUT < text. Only ctypes and wave are imported, so that
starting Python costs as little as it can; the benchmark states that cost beside the result.
"""

import ctypes
import sys
import wave

library, data, voice, out = sys.argv[1:]
lib = ctypes.CDLL(library)
rate = lib.espeak_Initialize(2, 200, data.encode(), 0x8000)
pcm = bytearray()


def hear(samples: int | None, count: int, events: int) -> int:
    if samples and count > 0:
        pcm.extend(ctypes.string_at(samples, count * 2))
    return 0


callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p)(hear)
lib.espeak_SetSynthCallback(callback)
lib.espeak_SetVoiceByName(voice.encode())
text = sys.stdin.buffer.read() + b"\0"
lib.espeak_Synth(text, ctypes.c_size_t(len(text)), 0, 1, 0, 1, None, None)
with wave.open(out, "wb") as file:
    file.setnchannels(1)
    file.setsampwidth(2)
    file.setframerate(rate)
    file.writeframes(bytes(pcm))
