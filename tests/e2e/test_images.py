"""Images beside a question, on the page of a system that runs without a model."""

import io
from typing import Any

import pytest
from PIL import Image
from playwright.async_api import Browser, Page, expect

from .visiting import answered, barriers, visit

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]


def photo(name: str = "bail.png", shade: int = 90) -> Any:
    out = io.BytesIO()
    Image.new("RGB", (64, 48), (shade, 140, 60)).save(out, "PNG")
    return {"name": name, "mimeType": "image/png", "buffer": out.getvalue()}


async def attach(page: Page, *files: Any) -> None:
    async with page.expect_file_chooser() as chosen:
        await page.get_by_role("button", name="Joindre une image").click()
    await (await chosen.value).set_files(list(files))


async def test_an_image_is_attached_asked_about_and_shown(page: Page, running: str) -> None:
    await visit(page, running)
    await attach(page, photo())
    await expect(page.locator(".composer .images img")).to_have_attribute("alt", "bail.png")
    await expect(page.locator("#question")).to_be_focused()
    await page.keyboard.type("Qui paie le chauffe-eau ?")
    await page.keyboard.press("Enter")
    await answered(page)
    await expect(page.locator(".said .text")).to_contain_text("Je ne peux pas voir l'image")
    await expect(page.locator(".turn .images img")).to_have_count(1)
    await expect(page.locator(".composer .images img")).to_have_count(0)


async def test_an_image_alone_is_a_question(page: Page, running: str) -> None:
    await visit(page, running)
    await attach(page, photo())
    await page.keyboard.press("Enter")
    await answered(page)
    await expect(page.locator(".question")).to_contain_text("Une image")
    await expect(page.locator(".said .text")).to_contain_text("Dites-moi ce qu'elle montre")


async def test_an_image_is_pasted_and_removed_by_keyboard(page: Page, running: str) -> None:
    await visit(page, running)
    await page.evaluate(
        """async () => {
          const canvas = new OffscreenCanvas(32, 32);
          canvas.getContext("2d").fillRect(0, 0, 32, 32);
          const clipboard = new DataTransfer();
          clipboard.items.add(new File([await canvas.convertToBlob()], "copie.png", { type: "image/png" }));
          const event = new ClipboardEvent("paste", { clipboardData: clipboard, bubbles: true, cancelable: true });
          document.querySelector("#question").dispatchEvent(event);
        }"""  # noqa: E501 (JavaScript)
    )
    await expect(page.locator(".composer .images img")).to_have_attribute("alt", "copie.png")
    remove = page.get_by_role("button", name="Retirer l’image copie.png")
    await remove.focus()
    await page.keyboard.press("Enter")
    await expect(page.locator(".composer .images img")).to_have_count(0)
    await expect(page.locator("#question")).to_be_focused()


async def test_what_is_no_image_and_too_many_are_said(page: Page, running: str) -> None:
    await visit(page, running)
    await attach(page, photo("faux.png") | {"buffer": b"no image"})
    await expect(page.locator(".told")).to_contain_text("L’image faux.png n’a pas pu")
    await page.get_by_role("button", name="Retirer l’image faux.png").click()
    await attach(page, *(photo(f"{n}.png", n) for n in range(6)))
    await expect(page.locator(".composer .images img")).to_have_count(4)
    await expect(page.locator(".told")).to_contain_text("4 images au plus")


async def test_images_are_shown_again_after_a_reload_until_they_expire(
    page: Page, running: str
) -> None:
    await visit(page, running)
    await attach(page, photo(), photo("cuisine.png", 200))
    await page.keyboard.type("Qui paie le chauffe-eau ?")
    await page.keyboard.press("Enter")
    await answered(page)
    await page.reload()
    shown = page.locator(".turn .images img")
    await expect(shown).to_have_count(2)
    await expect(shown.first).to_have_attribute("alt", "bail.png")
    await expect(shown.first).to_have_js_property("naturalWidth", 64)
    await page.route("**/images/*", lambda route: route.fulfill(status=404))
    await page.reload()
    await expect(page.locator(".turn .images .lost")).to_have_count(2)
    await expect(page.locator(".turn .images")).to_contain_text("bail.png : cette image")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 1280])
async def test_attached_images_are_no_barrier(
    browser: Browser, running: str, scheme: Any, width: int
) -> None:
    page = await browser.new_page(
        color_scheme=scheme, viewport={"width": width, "height": 700}, locale="fr-FR"
    )
    await visit(page, running)
    await attach(page, photo(), photo("faux.png") | {"buffer": b"no image"})
    await expect(page.locator(".images .refused")).to_have_count(1)
    assert await barriers(page) == []
    overflow = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert await page.evaluate(overflow) <= 0
    await page.close()
