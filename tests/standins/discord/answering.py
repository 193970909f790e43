"""How an application answers an interaction.

https://docs.discord.com/developers/interactions/receiving-and-responding
"""

from tests.standins.discord import components, drafts, payloads, writing
from tests.standins.discord.drafts import Draft
from tests.standins.discord.errors import Form, Refusal
from tests.standins.discord.interactions import (
    AUTOCOMPLETE,
    COMPONENT,
    FIRST_S,
    MODAL_SUBMIT,
    TOKEN_S,
    Interaction,
)
from tests.standins.discord.mentions import mention
from tests.standins.discord.permissions import Permissions, may
from tests.standins.discord.state import (
    CHAT_INPUT_COMMAND,
    EPHEMERAL,
    LOADING,
    REPLY,
    Attachment,
    Json,
    Message,
    Thread,
)
from tests.standins.discord.world import World

MESSAGE, DEFER, DEFER_UPDATE, UPDATE, CHOICES, MODAL = 4, 5, 6, 7, 8, 9


def respond(
    world: World, asked: Interaction, kind: int, data: Json, files: list[Attachment]
) -> Message | None:
    """The first response. Raises Refusal: 10062 when late, 40060 for a second one, 50035."""
    if asked.response:
        raise Refusal(40060)
    if asked.age > FIRST_S:
        raise Refusal(10062)
    _check_kind(asked, kind)
    _check_thread(asked)
    if kind == CHOICES:
        _complete(asked, data)
    elif kind == MODAL:
        _open(asked, data)
    elif kind == UPDATE:
        assert asked.source
        writing.edit(world, asked.source, data, files or None)
        asked.original = asked.source
    elif kind == DEFER_UPDATE:
        asked.original = asked.source
    else:
        asked.original = _first(world, asked, kind, data, files)
    asked.response = kind
    world.changed()
    return asked.original


def _check_kind(asked: Interaction, kind: int) -> None:
    form = Form()
    if asked.kind == AUTOCOMPLETE:
        allowed: tuple[int, ...] = (CHOICES,)
    else:
        allowed = (MESSAGE, DEFER)
        allowed += (DEFER_UPDATE, UPDATE) if asked.source else ()
        allowed += (MODAL,) if asked.kind != MODAL_SUBMIT else ()
    form.choice("type", kind, allowed)
    form.check()


def _check_thread(asked: Interaction) -> None:
    """Nobody answers in a thread that is locked and archived (discord-api-docs 5517, 7707)."""
    place = asked.channel
    closed = isinstance(place, Thread) and place.archived and place.locked
    if closed and not may(asked.bot.user, place, Permissions.MANAGE_THREADS):
        raise Refusal(50083, status=403)


def _complete(asked: Interaction, data: Json) -> None:
    form, choices = Form(), data.get("choices") or []
    form.length("data.choices", choices, 25)
    for number, choice in enumerate(choices):
        form.length(f"data.choices.{number}.name", choice.get("name"), 100, 1)
        if isinstance(choice.get("value"), str):
            form.length(f"data.choices.{number}.value", choice["value"], 100, 1)
    form.check()
    asked.choices = choices


def _open(asked: Interaction, data: Json) -> None:
    form = Form()
    components.check_modal(form, data)
    form.check()
    asked.modal = data | {"components": components.stored(data["components"])}


def _first(
    world: World, asked: Interaction, kind: int, data: Json, files: list[Attachment]
) -> Message:
    if kind == DEFER:
        flags = LOADING | (data.get("flags") or 0) & EPHEMERAL
        return _write(world, asked, Draft(flags=flags))
    return _write(world, asked, drafts.draft(data, files))


def _write(world: World, asked: Interaction, draft: Draft, *, follows: bool = False) -> Message:
    by_command = asked.source is None and not follows
    message = Message(
        id=world.ids.new(),
        channel=asked.channel,
        author=asked.bot.user,
        created_at=world.clock.now(),
        kind=CHAT_INPUT_COMMAND if by_command else REPLY if follows and asked.original else 0,
        reference=asked.original.id if follows and asked.original else None,
        flags=draft.flags & LOADING,
        application_id=asked.bot.application_id,
        asked_by=asked.user,
        interaction=_metadata(asked),
    )
    writing.fill(message, draft)
    mention(message, draft.allowed_mentions)
    writing.keep(world, message, draft)
    world.tell_message("MESSAGE_CREATE", message)
    return message


def _metadata(asked: Interaction) -> Json:
    body: Json = {"id": str(asked.id), "type": asked.kind, "user": payloads.user(asked.user)}
    body["authorizing_integration_owners"] = owners(asked)
    if asked.kind == COMPONENT and asked.source:
        body["interacted_message_id"] = str(asked.source.id)
    elif asked.kind == MODAL_SUBMIT:
        body["triggering_interaction_metadata"] = body | {"type": 2, "name": "form"}
    else:
        body |= {"name": asked.data.get("name", ""), "command_type": 1}
    return body


def owners(asked: Interaction) -> Json:
    return {"0": str(asked.guild.id if asked.guild else 0)}


def check_token(asked: Interaction | None) -> Interaction:
    """Raises Refusal: 50027 after 15 minutes, 10015 before the first response."""
    if asked is None or asked.age > TOKEN_S:
        raise Refusal(50027)
    if not asked.response:
        raise Refusal(10015)
    return asked


def follow_up(world: World, asked: Interaction, body: Json, files: list[Attachment]) -> Message:
    """After a deferral the first one takes the place of « … is thinking »."""
    if asked.thinking:
        assert asked.original
        edit(world, asked.original, body, files)
        return asked.original
    message = _write(world, asked, drafts.draft(body, files), follows=True)
    asked.followups.append(message)
    return message


def edit(world: World, message: Message, body: Json, attachments: list[Attachment]) -> None:
    """What was « thinking » becomes a message.

    Whom it mentions counts as pinged, though there are reports that Discord tells them nothing.
    """
    was_loading = message.loading
    writing.edit(world, message, body, attachments)
    if was_loading:
        mention(message, body.get("allowed_mentions"))


def find(asked: Interaction, name: str) -> Message:
    """Raises Refusal 10008. Its own messages alone can be reached, those of components too."""
    candidates = [asked.original, *asked.followups]
    if name == "@original":
        found = asked.original
    else:
        found = next((each for each in candidates if each and str(each.id) == name), None)
    if found is None or found.id not in found.channel.messages:
        raise Refusal(10008)
    return found
