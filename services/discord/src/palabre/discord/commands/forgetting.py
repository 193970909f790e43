"""/oublier: everything that is kept of a person is erased, once they have confirmed it."""

from palabre.discord.commands.defining import Call, Command
from palabre.discord.messages import Body, Button

YES, NO = "c:forget:yes", "c:forget:no"


async def _ask(call: Call) -> None:
    yes = Button(YES, call.say("yes"), is_danger=True)
    await call.show(call.say("forget-sure"), yes, Button(NO, call.say("no")))


async def _pressed(call: Call) -> None:
    """The buttons go away with the first answer."""
    sure = call.asked.name == YES
    text = call.say("forget-begun" if sure else "forget-cancelled")
    if await call.replies.update(Body(content=text)) and sure:
        await call.desk.erasing.order(call.asked)


FORGET = Command("oublier", "forget", _ask, buttons={"forget": _pressed})
