"""What a visitor sees when things go wrong, or are slow; the stand-in plays the faults."""

import json
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, expect

from .canned import ANSWER
from .conftest import Served
from .visiting import answered, ask, ask_and_wait, barriers, speaking, visit

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]
HOSTILE = Path(__file__).parent / "js" / "hostile.json"


async def text_of(page: Page) -> str:
    text: str = await page.evaluate("document.querySelector('palabre-app').latest.text")
    return text


async def test_the_completed_text_is_shown_to_the_letter(page: Page, standin: Served) -> None:
    await ask_and_wait(page, standin.url, "Combien de temps ?")
    assert await text_of(page) == ANSWER
    await expect(page.locator(".text table")).to_be_visible()
    await expect(page.locator(".text a")).to_have_attribute(
        "href", "https://guides.example/brassage"
    )


async def test_a_source_names_its_page(page: Page, standin: Served) -> None:
    await ask_and_wait(page, standin.url, "Combien de temps ?")
    titles = page.locator(".source-title .title")
    await expect(titles.nth(0)).to_have_text("Le compost, de l’épluchure au jardin, p. 12")
    await expect(titles.nth(1)).to_have_text("Brasser son compost")


async def test_the_answer_shows_while_it_is_written(page: Page, standin: Served) -> None:
    await visit(page, standin.url)
    await ask(page, "Lentement, lentement…")
    await expect(page.locator(".turn.running .text")).to_contain_text("six à neuf mois")
    await expect(page.locator(".turn.running .text strong").first).to_be_visible()


async def test_stop_ends_the_answer_and_keeps_what_was_shown(page: Page, standin: Served) -> None:
    await visit(page, standin.url)
    await ask(page, "lentement")
    await expect(page.locator(".text")).to_contain_text("Comptez")
    await page.get_by_role("button", name="Arrêter").click()
    await expect(page.locator(".turn.cancelled")).to_contain_text("Réponse arrêtée.")
    await expect(page.locator(".text")).to_contain_text("Comptez")
    assert standin.state.cancelled[0]["heard"] > 0


async def test_escape_stops_too(page: Page, standin: Served) -> None:
    await visit(page, standin.url)
    await ask(page, "lentement")
    await expect(page.locator(".text")).to_contain_text("Comptez")
    await page.keyboard.press("Escape")
    await expect(page.locator(".turn.cancelled")).to_be_visible()


async def test_a_question_asked_meanwhile_interrupts(page: Page, standin: Served) -> None:
    await visit(page, standin.url)
    await ask(page, "lentement")
    await expect(page.locator(".text")).to_contain_text("Comptez")
    await ask(page, "Autre chose ?")
    await answered(page)
    await expect(page.locator(".turn").first).to_have_class("turn cancelled")
    assert standin.state.utterances[1]["interrupt"] is True


async def test_a_restart_replaces_what_was_shown(page: Page, standin: Served) -> None:
    await ask_and_wait(page, standin.url, "Une reprise ?")
    assert await text_of(page) == ANSWER
    await expect(page.locator(".text")).not_to_contain_text("sera remplacé")


async def test_a_broken_connection_resumes_without_doubles(page: Page, standin: Served) -> None:
    await ask_and_wait(page, standin.url, "une coupure")
    assert await text_of(page) == ANSWER


async def test_a_server_that_restarts_is_waited_for(page: Page, standin: Served) -> None:
    await visit(page, standin.url)
    await ask(page, "lentement, puis indisponible")
    await expect(page.locator(".banner")).to_contain_text("Reprise en cours")
    await expect(page.locator(".banner")).to_be_empty()
    await answered(page)
    assert await text_of(page) == ANSWER


async def test_a_reload_in_the_middle_shows_the_whole_answer(page: Page, standin: Served) -> None:
    await visit(page, standin.url)
    await ask(page, "lentement")
    await expect(page.locator(".text")).to_contain_text("Comptez")
    await page.reload()
    await expect(page.locator(".turn.running .text")).to_contain_text("Comptez")
    await answered(page)
    assert await text_of(page) == ANSWER


async def test_a_failure_says_so_and_can_be_retried(page: Page, standin: Served) -> None:
    await visit(page, standin.url)
    await ask(page, "panne")
    await expect(page.locator(".sorry")).to_contain_text("la réponse s’est interrompue")
    await page.get_by_role("button", name="Réessayer").click()
    await expect(page.locator(".sorry")).to_be_visible()
    assert len(standin.state.utterances) == 2
    await expect(page.locator(".turn")).to_have_count(1)


async def test_too_many_questions_are_refused_with_a_sentence(page: Page, standin: Served) -> None:
    await visit(page, standin.url)
    await ask(page, "un refus")
    await expect(page.locator(".sorry")).to_contain_text("Patientez un instant")


async def test_an_offline_question_waits_and_is_asked_once(page: Page, standin: Served) -> None:
    await visit(page, standin.url)
    await page.context.set_offline(True)
    await expect(page.locator(".banner")).to_contain_text("hors ligne")
    await ask(page, "Combien de temps ?")
    await expect(page.locator(".sorry")).to_contain_text("hors ligne")
    await page.context.set_offline(False)
    await page.get_by_role("button", name="Réessayer").click()
    await answered(page)
    assert len(standin.state.keys) == 1


async def test_a_lost_reply_does_not_ask_twice(page: Page, standin: Served) -> None:
    """The question arrived, its 202 did not: the retry carries the same key."""

    async def lose(route: object) -> None:
        await route.fetch()  # type: ignore[attr-defined]
        await route.abort()  # type: ignore[attr-defined]

    await visit(page, standin.url)
    await page.route("**/utterances", lose, times=1)
    await ask(page, "Combien de temps ?")
    await page.get_by_role("button", name="Réessayer").click()
    await answered(page)
    assert len(standin.state.utterances) == 2
    assert len(standin.state.keys) == 1


async def test_a_conversation_that_is_gone_is_begun_anew(page: Page, standin: Served) -> None:
    await ask_and_wait(page, standin.url, "Combien de temps ?")
    standin.state.conversations.clear()
    await ask(page, "Et après ?")
    await answered(page, 2)
    standin.state.conversations.clear()
    await page.reload()
    await expect(page.locator(".greeting")).to_be_visible()


async def test_a_server_that_is_away_is_said_and_retried(page: Page, standin: Served) -> None:
    await page.route("**/api/v1/spaces", lambda route: route.abort(), times=1)
    await page.goto(standin.url)
    await expect(page.get_by_role("alert")).to_contain_text("Palabre ne répond pas")
    await page.get_by_role("button", name="Réessayer").click()
    await expect(page.locator(".greeting")).to_be_visible()


async def test_a_long_wait_is_said(page: Page, standin: Served) -> None:
    await visit(page, standin.url)
    await ask(page, "attente")
    await expect(page.locator(".notice")).to_contain_text("plus de temps que d’habitude")
    await answered(page)
    await expect(page.locator(".notice")).to_have_count(0)


async def test_not_knowing_is_said_plainly(page: Page, standin: Served) -> None:
    await ask_and_wait(page, standin.url, "inconnu")
    await expect(page.locator(".tag")).to_have_text("Pas de réponse dans les documents")
    await expect(page.locator(".sources")).to_have_count(0)


async def test_reading_aloud_begins_before_the_answer_ends(page: Page, standin: Served) -> None:
    await visit(page, standin.url)
    await page.get_by_role("button", name="Lire à voix haute").click()
    await ask(page, "lentement")
    await speaking(page)
    assert standin.state.audio_after == ["running"]
    assert standin.state.utterances[0]["speech"] is True
    await expect(page.locator(".turn.running")).to_be_visible()
    await page.keyboard.press("Escape")
    assert await page.evaluate("document.querySelector('palabre-app').voice.audio.paused")
    await expect(page.locator(".turn.cancelled")).to_be_visible()


async def test_a_missing_voice_leaves_the_text(page: Page, standin: Served) -> None:
    await ask_and_wait(page, standin.url, "muet")
    await page.get_by_role("button", name="Écouter").click()
    await expect(page.locator(".notice")).to_contain_text("La voix n’est pas disponible")
    await expect(page.locator(".text")).to_contain_text("six à neuf mois")


async def test_a_screen_reader_hears_whole_sentences(page: Page, standin: Served) -> None:
    await visit(page, standin.url)
    log = page.get_by_role("log").locator("p")
    await ask(page, "lentement")
    await expect(log.nth(1)).to_have_text(
        "Comptez six à neuf mois dans un composteur bien tenu, et jusqu’à un an si le tas"
        " n’est jamais retourné."
    )
    told = await log.all_inner_texts()
    await answered(page)
    whole = await log.all_inner_texts()
    assert told == whole[: len(told)]
    assert len(told) < len(whole)


async def test_the_persona_is_chosen_and_kept(page: Page, standin: Served) -> None:
    await visit(page, standin.url)
    await page.get_by_role("radio", name="Bastien").check()
    await ask(page, "Combien de temps ?")
    await answered(page)
    assert standin.state.utterances[0]["persona"] == "bastien"
    await expect(page.locator(".said .name")).to_contain_text("Bastien")
    await page.locator(".who-button").click()
    await page.locator("#who").get_by_role("radio", name="Chloé").check()
    await ask(page, "Et vous ?")
    await answered(page, 2)
    assert standin.state.utterances[1]["persona"] == "chloe"
    await expect(page.locator(".said .name").last).to_contain_text("Chloé")


async def test_a_comment_goes_with_a_thumb_down(page: Page, standin: Served) -> None:
    await ask_and_wait(page, standin.url, "Combien de temps ?")
    await page.get_by_role("button", name="Réponse inutile").click()
    await page.get_by_label("Que manquait-il").fill("Les agrumes")
    await page.get_by_role("button", name="Envoyer l’avis").click()
    await expect(page.locator(".comment")).to_have_count(0)
    assert standin.state.feedback[-1] == {"score": -1, "comment": "Les agrumes"}


async def test_an_answer_is_copied_with_its_sources(browser: Browser, standin: Served) -> None:
    context = await browser.new_context(
        locale="fr-FR", permissions=["clipboard-read", "clipboard-write"]
    )
    page = await context.new_page()
    await ask_and_wait(page, standin.url, "Combien de temps ?")
    await page.get_by_role("button", name="Copier").click()
    await expect(page.get_by_role("button", name="Réponse copiée")).to_be_visible()
    copied = await page.evaluate("navigator.clipboard.readText()")
    assert copied.startswith(ANSWER)
    assert "[2] Brasser son compost – https://guides.example/brassage" in copied


async def test_a_question_that_is_too_long_is_not_sent(page: Page, standin: Served) -> None:
    await visit(page, standin.url)
    await ask(page, "a" * 8003)
    await expect(page.locator(".sorry")).to_contain_text("trop longue de 3 caractères")
    assert standin.state.utterances == []


async def test_a_document_can_be_read_at_the_quote(page: Page, standin: Served) -> None:
    await ask_and_wait(page, standin.url, "Combien de temps ?")
    await page.locator(".text button.cite").first.click()
    async with page.context.expect_page() as opened:
        await page.get_by_role("link", name="Ouvrir le document").click()
    document = await opened.value
    await expect(document.locator("h2")).to_have_text("Le compost, de l’épluchure au jardin")
    await expect(document.locator("mark").first).to_be_visible()
    assert await barriers(document) == []


async def test_a_missing_document_says_so(page: Page, standin: Served) -> None:
    answer = await page.goto(f"{standin.url}/sources/compost/absent.md")
    assert answer is not None
    assert answer.status == 404
    await expect(page.locator("main")).to_contain_text("n’existe pas ou n’est pas public")


async def test_less_motion_is_respected(browser: Browser, standin: Served) -> None:
    page = await browser.new_page(locale="fr-FR", reduced_motion="reduce")
    await visit(page, standin.url)
    await ask(page, "lentement")
    await expect(page.locator(".turn.running .text")).to_contain_text("Comptez")
    assert await page.evaluate("document.getAnimations().length") == 0


async def test_hostile_text_is_inert_in_the_browser(page: Page, standin: Served) -> None:
    await visit(page, standin.url)
    requested: list[str] = []
    page.on("request", lambda request: requested.append(request.url))
    dialogs: list[str] = []
    page.on("dialog", lambda dialog: dialogs.append(dialog.message))
    forbidden = await page.evaluate(
        """async (corpus) => {
          const tags = "p strong em code pre blockquote ul ol li br span div h3".split(" ")
            .concat("table thead tbody tr th td".split(" "));
          const attributes = ["class", "tabindex", "start"];
          const app = document.querySelector("script[src*='js/app.js']").src;
          const { parse } = await import(new URL("markdown.js", app));
          const place = document.createElement("palabre-tree");
          document.querySelector("main").append(place);
          const found = [];
          for (const text of corpus) {
            for (const writing of [true, false]) {
              place.tree = parse(text, undefined, { writing });
              const elements = [...place.querySelectorAll("*")];
              const names = elements.flatMap((element) => element.getAttributeNames());
              const safe = elements.every((element) => tags.includes(element.localName));
              if (!safe || names.some((name) => !attributes.includes(name))) found.push(text);
              await new Promise(requestAnimationFrame);
            }
          }
          return found;
        }""",
        json.loads(HOSTILE.read_text(encoding="utf-8")),
    )
    assert (forbidden, dialogs) == ([], [])
    assert [address for address in requested if "markdown.js" not in address] == []
