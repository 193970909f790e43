"""Images for questions: sent first, then named by their hash."""

from typing import Annotated

from fastapi import APIRouter, File, Request, UploadFile

from palabre.gateway import state
from palabre.gateway.access import Asking
from palabre.gateway.shapes import Blob

router = APIRouter(prefix="/api/v1/spaces/{space}", tags=["turns"])


@router.post("/blobs", status_code=201)
async def keep(
    space: str, request: Request, caller: Asking, file: Annotated[UploadFile, File()]
) -> Blob:
    """Keeps an image (PNG, JPEG, WebP, GIF) for a week; `blob` goes into `attachments`.

    It is drawn anew: upright, smaller where it was large, without place, device or other metadata.
    """
    gateway = state.of(request)
    caller.space(gateway.spaces, space, "ask")
    data = await file.read(gateway.settings.max_image_bytes + 1)
    gateway.limits.send_images(caller.id, caller.channel, len(data))
    kept = await gateway.attachments.keep(space, data)
    return Blob(
        blob=kept.blob.rpartition("/")[2],
        media_type=kept.media_type,
        size_bytes=kept.size_bytes,
        width=kept.width,
        height=kept.height,
    )
