"""What a visitor does on the page, and what they see."""

import asyncio
from pathlib import Path

from playwright.async_api import Locator, Page, expect

AXE = Path(__file__).parent / "vendor" / "axe.min.js"


async def visit(page: Page, url: str) -> None:
    await page.goto(url)
    await expect(page.locator("#question")).to_be_visible()


async def ask(page: Page, question: str) -> None:
    await page.locator("#question").fill(question)
    await page.keyboard.press("Enter")


async def answered(page: Page, count: int = 1) -> None:
    """Waits until that many turns of the conversation are complete."""
    await expect(page.locator(".turn.completed")).to_have_count(count, timeout=30_000)


async def ask_and_wait(page: Page, url: str, question: str) -> None:
    await visit(page, url)
    await ask(page, question)
    await answered(page)


async def speaking(page: Page) -> None:
    """Waits until something was heard. (The page's policy forbids Playwright's own wait.)"""
    played = "document.querySelector('palabre-app').voice.played_ms"
    for _ in range(200):
        if await page.evaluate(played) > 100:
            return
        await asyncio.sleep(0.05)
    raise AssertionError("nothing was heard")


async def resting_top(place: Locator) -> float:
    """How far from the window's top it is once the page has stopped scrolling, in pixels."""
    before = -1.0
    for _ in range(100):
        top: float = await place.evaluate("place => place.getBoundingClientRect().top")
        if top == before:
            return top
        before = top
        await asyncio.sleep(0.15)
    raise AssertionError("the page never came to rest")


async def barriers(page: Page) -> list[str]:
    """The serious and critical ones that axe-core finds, a line each."""
    await page.evaluate(AXE.read_text(encoding="utf-8"))
    found = await page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{violation['id']}: {node['html'][:160]} {node['failureSummary'][:200]}"
        for violation in found["violations"]
        if violation["impact"] in ("serious", "critical")
        for node in violation["nodes"]
    ]
