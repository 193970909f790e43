"""Messages with images, in the parts of OpenAI's chat completions; and what servers say of them."""

import base64
import re
from typing import Any

from palabre.llm.engines import Image, Message

IMAGES = "image_url"
# "does not support image input", "Image input is not enabled", "unknown variant `image_url`",
# "At most 0 image(s)", "content must be a string", "is not a multimodal model".
_OF_IMAGES = re.compile(r"image|vision|multi-?modal|content must be", re.IGNORECASE)
_OF_THE_MODEL = re.compile(
    r"support|enabled|capab|modal|vision|must be|unknown variant|expected|at most 0", re.IGNORECASE
)


def message(told: Message, role: str) -> dict[str, Any]:
    """As the server calls the role. The words come last."""
    if not told.images:
        return {"role": role, "content": told.content}
    shown = [{"type": IMAGES, IMAGES: _image(image)} for image in told.images]
    return {"role": role, "content": [*shown, {"type": "text", "text": told.content}]}


def has_images(messages: list[dict[str, Any]]) -> bool:
    return any(isinstance(message["content"], list) for message in messages)


def without_images(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The words alone."""
    return [each | {"content": _words(each["content"])} for each in messages]


def refused(said: str) -> bool:
    """A server's refusal is of an image."""
    return bool(_OF_IMAGES.search(said))


def sees_none(said: str) -> bool:
    """A refusal of images is of all that there may be, and not of this one."""
    return bool(_OF_THE_MODEL.search(said))


def _words(content: str | list[dict[str, Any]]) -> str:
    return content if isinstance(content, str) else str(content[-1]["text"])


def _image(image: Image) -> dict[str, str]:
    data = base64.b64encode(image.data).decode()
    return {"url": f"data:{image.media_type};base64,{data}", "detail": image.detail}
