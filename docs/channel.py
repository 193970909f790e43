"""A channel in forty lines. `show` puts a text where the person sees it, over what stood there."""

from collections.abc import Awaitable, Callable

from palabre.channels import answers
from palabre.channels.admission import Admission, Thread, turn_of_key
from palabre.channels.attachments import Attachments
from palabre.channels.views import Told, TurnView
from palabre.channels.waiting import Gone
from palabre.channels.watching import Patience, watch
from palabre.chassis.bus import Bus
from palabre.contracts.v1.turns_pb2 import Utterance

STAGE, DEADLINE_S = "example", 300.0


class Channel:
    def __init__(self, bus: Bus, attachments: Attachments, closing: Gone) -> None:
        self._bus, self._attachments, self._closing = bus, attachments, closing
        self._admission = Admission(bus, DEADLINE_S)

    async def answer(
        self, thread: Thread, said: Utterance, message: str, show: Callable[[str], Awaitable[None]]
    ) -> None:
        """A message that comes twice, or again after a restart, is asked once and shown anew.

        Raises Running while another turn runs, InvalidAttachment, and Unavailable.
        """
        await self._attachments.take(thread.space, said)
        turn = turn_of_key(said.author.id, thread.conversation, message)
        first, text = self._admission.begin(thread, said, turn), ""
        view, patience = TurnView(first.turn), Patience(self._bus, thread, DEADLINE_S, STAGE)
        async with self._bus.follow(*thread, since_turn=first.turn) as source:
            await self._admission.admit(first)
            async for told in watch(source, view, patience, self._closing, lambda: view.ended):
                if told and told.name == "notice":
                    await show(f"{text}\n\n{told.data['message']}".strip())
                elif told:
                    text = after(text, told)
                    await show(text or "…")


def after(text: str, told: Told) -> str:
    """What stands there once this was told."""
    if told.name == "delta":
        return f"{text}{told.data['text']}"
    if told.name == "completed":
        sources = (f"[{each['number']}] {answers.named(each)}" for each in told.data["sources"])
        return "\n".join([told.data["text"], *sources])
    if told.name == "failed":
        return str(told.data["message"])
    return "" if told.name == "restarted" else text
