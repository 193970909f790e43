"""What a visitor can do on the page of a system that runs."""

import re

import pytest
from playwright.async_api import Browser, Page, expect

from .visiting import answered, ask, ask_and_wait, barriers, resting_top, speaking, visit

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]


async def test_the_page_greets_and_offers_questions(page: Page, running: str) -> None:
    await visit(page, running)
    await expect(page.locator(".greeting")).not_to_be_empty()
    await expect(page.locator(".examples button").first).to_be_visible()
    await expect(page.locator(".ai-notice")).to_contain_text("intelligence artificielle")


async def test_an_example_is_asked_and_answered(page: Page, running: str) -> None:
    await visit(page, running)
    example = page.locator(".examples button").first
    words = await example.inner_text()
    await example.click()
    await expect(page.locator(".question")).to_contain_text(words)
    await answered(page)
    await expect(page.locator(".said .text")).not_to_be_empty()


async def test_another_space_is_a_link_away_and_tells_stories(page: Page, running: str) -> None:
    await visit(page, running)
    await page.get_by_role("link", name="La Veillée de Lisière").click()
    await expect(page.locator("[data-part=greeting]")).to_contain_text("approche du feu")
    await page.get_by_text("une dragonne qui collectionne les portes").click()
    await answered(page)
    await expect(page.locator(".said .text")).to_contain_text("Et toi, que fais-tu")
    await expect(page.get_by_text("La dragonne de Cendrelune").last).to_be_visible()


async def test_a_question_is_never_in_an_address(page: Page, running: str) -> None:
    addresses: list[str] = []
    page.on("request", lambda request: addresses.append(request.url))
    await ask_and_wait(page, running, "Mon secret : zinzolin ?")
    assert [address for address in addresses if "zinzolin" in address] == []


async def test_a_cited_mark_opens_its_source_and_the_way_back(page: Page, running: str) -> None:
    await visit(page, running)
    await page.locator(".examples button").first.click()
    await answered(page)
    mark = page.locator(".text button.cite").first
    number = await mark.inner_text()
    await mark.focus()
    await page.keyboard.press("Enter")
    title = page.locator(f".source-title[data-source='{number}']")
    await expect(title).to_be_focused()
    await expect(title).to_have_attribute("aria-expanded", "true")
    await expect(page.locator(".passage:visible blockquote")).not_to_be_empty()
    await page.get_by_role("button", name="Revenir au texte").click()
    await expect(mark).to_be_focused()


async def test_the_conversation_survives_a_reload(page: Page, running: str) -> None:
    await visit(page, running)
    await page.locator(".examples button").first.click()
    await answered(page)
    before = await page.locator(".said .text").inner_text()
    await page.reload()
    await answered(page)
    assert await page.locator(".said .text").inner_text() == before


async def test_a_new_conversation_begins_empty(page: Page, running: str) -> None:
    await visit(page, running)
    await page.locator(".examples button").first.click()
    await answered(page)
    await page.get_by_role("button", name="Nouvelle conversation").click()
    await expect(page.locator(".greeting")).to_be_visible()
    await page.reload()
    await expect(page.locator(".greeting")).to_be_visible()


async def test_an_erased_conversation_is_gone(page: Page, running: str) -> None:
    await visit(page, running)
    await page.locator(".examples button").first.click()
    await answered(page)
    await page.get_by_role("button", name="Effacer la conversation").click()
    async with page.expect_response(
        lambda response: response.request.method == "DELETE" and response.status == 204
    ):
        await page.get_by_role("button", name="Effacer", exact=True).click()
    await expect(page.locator(".greeting")).to_be_visible()


async def test_a_follow_up_is_answered_below(page: Page, running: str) -> None:
    await visit(page, running)
    await page.locator(".examples button").first.click()
    await answered(page)
    await ask(page, "Et encore ?")
    await answered(page, 2)
    # The newest question stands at the top, so that its answer is read from its beginning.
    assert 0 <= await resting_top(page.locator(".question").last) < 250


async def test_an_answer_that_grows_moves_nothing(page: Page, running: str) -> None:
    await ask_and_wait(page, running, "Qui paie cette réparation ?")
    assert 60 < await resting_top(page.locator(".question")) < 250  # below the header


async def test_the_language_of_the_interface_is_chosen_and_kept(page: Page, running: str) -> None:
    await visit(page, running)
    await page.get_by_role("button", name="English").click()
    await expect(page.locator("html")).to_have_attribute("lang", "en")
    await expect(page.locator(".ai-notice")).to_contain_text("artificial intelligence")
    await page.reload()
    await expect(page.locator(".ai-notice")).to_contain_text("artificial intelligence")


async def test_an_english_browser_gets_english(browser: Browser, running: str) -> None:
    page = await browser.new_page(locale="en-GB")
    await visit(page, running)
    await expect(page.locator("#question")).to_have_attribute("placeholder", "Ask your question…")


async def test_a_thumb_is_sent(page: Page, running: str) -> None:
    await visit(page, running)
    await page.locator(".examples button").first.click()
    await answered(page)
    async with page.expect_response(
        lambda response: response.url.endswith("/feedback") and response.status == 204
    ):
        await page.get_by_role("button", name="Réponse utile").click()
    await expect(page.locator(".outcome")).to_have_text("Merci de votre avis.")


async def test_a_finished_answer_is_spoken_and_falls_silent(page: Page, running: str) -> None:
    await visit(page, running)
    await page.locator(".examples button").first.click()
    await answered(page)
    await page.get_by_role("button", name="Écouter").click()
    await speaking(page)
    await page.get_by_role("button", name="Arrêter la lecture").click()
    assert await page.evaluate("document.querySelector('palabre-app').voice.audio.paused")
    await expect(page.get_by_role("button", name="Écouter")).to_be_visible()


async def test_everything_can_be_done_by_keyboard(page: Page, running: str) -> None:
    await visit(page, running)
    await page.keyboard.press("Tab")
    await expect(page.locator(".skip")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.locator("#question")).to_be_focused()
    await page.keyboard.type("Une ligne")
    await page.keyboard.press("Shift+Enter")
    await page.keyboard.type("et une autre ?")
    assert await page.locator("#question").input_value() == "Une ligne\net une autre ?"
    await page.keyboard.press("Enter")
    await answered(page)
    await expect(page.locator("#question")).to_be_focused()
    await expect(page.locator(".question")).to_contain_text(re.compile("Une ligne\\s+et une autre"))


@pytest.mark.parametrize("width", [320, 640])
async def test_a_narrow_or_zoomed_window_scrolls_in_one_direction(
    page: Page, running: str, width: int
) -> None:
    """1280 px at 200 % are 640 px, at 400 % 320 px (WCAG 1.4.10)."""
    await page.set_viewport_size({"width": width, "height": 512})
    await ask_and_wait(page, running, "Combien de temps ?")
    overflow = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert await page.evaluate(overflow) <= 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
async def test_no_barrier_is_found(browser: Browser, running: str, scheme: str, width: int) -> None:
    page = await browser.new_page(
        color_scheme="dark" if scheme == "dark" else "light",
        viewport={"width": width, "height": 800},
        locale="fr-FR",
        reduced_motion="reduce",
    )
    await visit(page, running)
    found = await barriers(page)
    await page.locator(".examples button").first.click()
    found += await barriers(page)
    await answered(page)
    mark = page.locator(".text button.cite").first
    if await mark.count():
        await mark.click()
    await page.get_by_role("button", name="Réponse inutile").click()
    await expect(page.locator(".comment")).to_be_visible()
    found += await barriers(page)
    await page.get_by_role("button", name="Effacer la conversation").click()
    found += await barriers(page)
    assert found == []
