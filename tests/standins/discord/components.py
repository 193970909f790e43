"""What buttons, selects and modals may hold.

https://docs.discord.com/developers/components/reference
"""

from collections.abc import Iterator

from tests.standins.discord.errors import Form
from tests.standins.discord.state import Json, walk

ROW, BUTTON, SELECT, INPUT, LABEL = 1, 2, 3, 4, 18
SELECTS = (3, 5, 6, 7, 8)
LINK, PREMIUM = 5, 6


def check(form: Form, components: list[Json], *, v2: bool = False) -> None:
    """Those of a message; `v2`: the message has the flag IS_COMPONENTS_V2."""
    found = walk(components)
    if v2:
        form.length("components", found, 40)
        size = sum(len(each.get("content") or "") for each in found)
        message = "Total components text length must be 4000 or fewer."
        form.require(size <= 4_000, "components", "COMPONENT_TEXT_SIZE_EXCEEDED", message)
    else:
        form.length("components", components, 5)
    for number, top in enumerate(components):
        if not v2:
            form.choice(f"components.{number}.type", top.get("type"), (ROW,))
        if top.get("type") == ROW:
            _check_row(form, f"components.{number}", top)
    _check_ids(form, found)


def _check_row(form: Form, path: str, row: Json) -> None:
    inside = row.get("components") or []
    selects = [each for each in inside if each.get("type") in SELECTS]
    form.length(f"{path}.components", inside, 1 if selects else 5, 1)
    for number, component in enumerate(inside):
        check_one = _check_select if component.get("type") in SELECTS else _check_button
        check_one(form, f"{path}.components.{number}", component)


def _check_button(form: Form, path: str, button: Json) -> None:
    form.choice(f"{path}.type", button.get("type"), (BUTTON, *SELECTS))
    form.choice(f"{path}.style", button.get("style"), range(1, 7))
    form.length(f"{path}.label", button.get("label"), 80)
    if button.get("style") == LINK:
        form.length(f"{path}.url", button.get("url"), 512, 1)
    elif button.get("style") != PREMIUM:
        form.length(f"{path}.custom_id", button.get("custom_id"), 100, 1)
    shown = button.get("label") or button.get("emoji") or button.get("style") == PREMIUM
    message = "A button must have at least a label or an emoji"
    form.require(shown, path, "BUTTON_COMPONENT_INVALID", message)


def _check_select(form: Form, path: str, select: Json) -> None:
    form.length(f"{path}.custom_id", select.get("custom_id"), 100, 1)
    form.length(f"{path}.placeholder", select.get("placeholder"), 150)
    if select.get("type") == SELECT:
        options = select.get("options") or []
        form.length(f"{path}.options", options, 25, 1)
        for number, option in enumerate(options):
            for name, least in (("label", 1), ("value", 1), ("description", 0)):
                form.length(f"{path}.options.{number}.{name}", option.get(name), 100, least)


def _check_ids(form: Form, found: list[Json]) -> None:
    seen: set[str] = set()
    for component in found:
        custom_id = component.get("custom_id")
        message = "Component custom id cannot be duplicated"
        form.require(custom_id not in seen, "components", "COMPONENT_CUSTOM_ID_DUPLICATED", message)
        seen |= {custom_id} if custom_id else set()


def check_modal(form: Form, data: Json) -> None:
    form.length("data.title", data.get("title"), 45, 1)
    form.length("data.custom_id", data.get("custom_id"), 100, 1)
    form.length("data.components", data.get("components"), 5, 1)
    found = walk(data.get("components") or [])
    for number, text in enumerate(each for each in found if each["type"] == INPUT):
        path = f"data.components.{number}.components.0"
        form.length(f"{path}.custom_id", text.get("custom_id"), 100, 1)
        form.length(f"{path}.placeholder", text.get("placeholder"), 100)
        form.length(f"{path}.value", text.get("value"), 4_000)
        form.length(f"{path}.label", text.get("label"), 45)
        form.choice(f"{path}.style", text.get("style"), (1, 2))
    _check_ids(form, found)


def stored(components: list[Json]) -> list[Json]:
    """As they come back: numbered where they had no id, without what was null."""
    numbers = iter(range(1, 1_000))
    return [_numbered(component, numbers) for component in components]


def _numbered(component: Json, numbers: Iterator[int]) -> Json:
    kept = {key: value for key, value in component.items() if value is not None}
    kept["id"] = kept.get("id") or next(numbers)
    for name in ("components", "accessory", "component"):
        if isinstance(inside := kept.get(name), list):
            kept[name] = [_numbered(each, numbers) for each in inside]
        elif inside:
            kept[name] = _numbered(inside, numbers)
    return kept
