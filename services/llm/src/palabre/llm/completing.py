"""A completion, as whoever asked for it may see it: screened like an answer."""

from palabre.contracts.v1.turns_pb2 import Usage
from palabre.llm import meters, spending
from palabre.llm.engines import Pieces
from palabre.llm.screening import Screen
from palabre.llm.secrecy import Secrecy, grams


async def screened(pieces: Pieces, instructions: str, refusal: str) -> Pieces:
    """Text that loads nothing and leads nowhere but where `instructions` do, then one Usage.

    A model that tells its instructions is stopped, and `refusal` follows what it had said.
    """
    screen, secrecy = Screen(given=instructions), Secrecy(grams(instructions))
    usage, shown = None, False
    async for piece in pieces:
        if isinstance(piece, Usage):
            usage = piece
        elif text := screen.feed(secrecy.feed(piece)):
            shown = True
            yield text
        if secrecy.broken:
            await pieces.aclose()
            break
    if rest := screen.feed(secrecy.close()) + screen.close():
        shown = True
        yield rest
    if secrecy.broken:
        yield f"\n\n{refusal}" if shown else refusal
    meters.withheld(screen.withheld, told=secrecy.broken)
    yield usage or spending.current().latest
