"""Any server that speaks OpenAI's /audio/speech: OpenAI, Kokoro-FastAPI, LocalAI, Speaches…

https://platform.openai.com/docs/api-reference/audio/createSpeech. Sound is decoded as it comes, by
what its first bytes are, whatever was asked for. It has no times: they are estimated.
"""

import re
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing, asynccontextmanager, contextmanager
from typing import Any

import httpx2
import openai

from palabre.audio import RATE, Decoder
from palabre.contracts.v1.tts_pb2 import Voice
from palabre.tts.engines import Sounds, Speech
from palabre.tts.errors import Busy, CannotSpeak, UnknownVoice, Unreachable
from palabre.tts.estimating import Estimator
from palabre.tts.settings import Settings

CONNECT_S, BETWEEN_S = 3.0, 10.0
LONGEST_S = 600.0  # of sound for one speech: a server that never ends is cut off
_SPEEDS = (0.25, 4.0)


class OpenAi:
    """One server and one model. Its voices are those of the settings: the API cannot list them.

    Many models do not heed `speed`; with `tts_openai_speed` off the pace is made from the sound.
    """

    name = "openai"
    pitches = False

    def __init__(self, settings: Settings) -> None:
        if not settings.openai_voices:
            raise ValueError("PALABRE_TTS_OPENAI_VOICES: is empty: name at least one")
        self._settings, self._estimator = settings, Estimator()
        self.paces = (43, 680) if settings.tts_openai_speed else (170, 170)
        self._client = openai.AsyncOpenAI(
            api_key=settings.tts_openai_api_key.get_secret_value() or "none",
            base_url=settings.tts_openai_base_url,
            max_retries=0,
            timeout=httpx2.Timeout(BETWEEN_S, connect=CONNECT_S, pool=CONNECT_S),
            http_client=openai.DefaultAsyncHttpx2Client(),
        )

    async def voices(self) -> Sequence[Voice]:
        model = self._settings.tts_openai_model
        return [
            Voice(engine=self.name, name=name, languages=["mul"], description=f"{name} ({model})")
            for name in self._settings.openai_voices
        ]

    async def speak(self, speech: Speech) -> Sounds:
        voices = self._settings.openai_voices
        voice = speech.voice or voices[0]
        if voice not in voices:
            raise UnknownVoice(f"openai has no voice {voice[:40]!r}: see PALABRE_TTS_OPENAI_VOICES")
        if not re.search(r"\w", speech.text):
            return
        decoder = Decoder(RATE)
        pcm = self._pcm(self._asked(speech, voice), decoder)
        async with aclosing(self._estimator.timed(pcm, decoder, speech, voice)) as sounds:
            async for sound in sounds:
                yield sound

    async def close(self) -> None:
        await self._client.close()

    def _asked(self, speech: Speech, voice: str) -> dict[str, Any]:
        asked: dict[str, Any] = {
            "model": self._settings.tts_openai_model,
            "voice": voice,
            "input": speech.text,
            "response_format": self._settings.tts_openai_format,
        }
        if self._settings.tts_openai_instructions:
            asked["instructions"] = self._settings.tts_openai_instructions
        if speech.speed != 1:
            asked["speed"] = min(max(speech.speed, _SPEEDS[0]), _SPEEDS[1])
        return asked

    async def _pcm(self, asked: dict[str, Any], decoder: Decoder) -> AsyncGenerator[bytes, None]:
        made = 0.0
        with _translated():
            async with self._answered(asked) as response:
                decoder.rate = _rate(response.headers.get("content-type", ""))
                async for chunk in response.iter_bytes():
                    if pcm := decoder.feed(chunk):
                        made += len(pcm) / 2 / decoder.rate
                        yield pcm
                    if made > LONGEST_S:
                        raise CannotSpeak("openai does not stop speaking", "nonsense")
            if pcm := decoder.close():
                yield pcm
        if not made and not pcm:
            raise CannotSpeak("openai sent no sound", "empty")

    @asynccontextmanager
    async def _answered(self, asked: dict[str, Any]) -> AsyncGenerator[Any, None]:
        create = self._client.audio.speech.with_streaming_response.create
        async with create(**asked) as response:
            kind = response.headers.get("content-type", "")
            if kind.startswith(("text/", "application/json")):
                raise CannotSpeak(
                    f"openai answered with {kind[:40]}: check PALABRE_TTS_OPENAI_BASE_URL",
                    "nonsense",
                )
            yield response


def _rate(media_type: str) -> int:
    """Of bare PCM: 24 kHz, or what the media type says."""
    told = re.search(r"rate=(\d{4,6})\b", media_type)
    return int(told[1]) if told else RATE


@contextmanager
def _translated() -> Iterator[None]:
    """The vendor's errors in our words."""
    try:
        yield
    except (openai.APITimeoutError, httpx2.TimeoutException) as error:
        raise CannotSpeak("openai: a time-out ran out", "slow") from error
    except openai.APIConnectionError as error:
        raise Unreachable("openai: the connection failed") from error
    except openai.RateLimitError as error:
        raise Busy("openai: too many requests, or no quota", _retry_after(error)) from error
    except openai.APIStatusError as error:
        raise _of_status(error) from error
    except (httpx2.HTTPError, openai.OpenAIError) as error:
        raise CannotSpeak(f"openai: the stream broke: {type(error).__name__}", "cut") from error
    except ValueError as error:
        raise CannotSpeak(f"openai: {error}", "nonsense") from error


def _of_status(error: openai.APIStatusError) -> CannotSpeak:
    reasons = {401: "key", 403: "key", 404: "model", 400: "refused", 422: "refused"}
    reason = reasons.get(error.status_code, "failed")
    return CannotSpeak(f"openai: HTTP {error.status_code} ({reason})", reason)


def _retry_after(error: openai.RateLimitError) -> float:
    told = error.response.headers.get("retry-after", "")
    return float(told) if told.replace(".", "", 1).isdigit() else 0.0


def build(settings: Settings) -> OpenAi:
    """Raises ValueError with a remedy."""
    return OpenAi(settings)
