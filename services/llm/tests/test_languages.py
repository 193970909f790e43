"""The language of a text, by its words."""

import pytest

from palabre.llm.languages import choose, detect


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Comment faire une demande de logement ?", "fr"),
        ("keske je dois faire pr mon chauffage svp", "fr"),
        ("mon loyer", "fr"),
        ("chui en galère avec le loyer", "fr"),
        ("How do I apply for social housing?", "en"),
        ("my heating is broken", "en"),
        ("¿Cómo puedo pagar el alquiler?", "es"),
        ("Wie kann ich die Miete bezahlen?", "de"),
        ("Come posso pagare l'affitto?", "it"),
        ("Como posso pagar o aluguel da minha casa?", "pt"),
        ("Hoe kan ik mijn huur betalen?", "nl"),
        ("كيف أدفع الإيجار؟", "ar"),
        ("Як сплатити оренду? Її розмір", "uk"),
        ("Как оплатить аренду?", "ru"),
        ("APL 2026", ""),
        ("🙂", ""),
        ("", ""),
    ],
)
def test_a_language_is_told_by_its_common_words(text: str, language: str) -> None:
    assert detect(text) == language


def test_the_channels_hint_counts_only_when_the_words_do_not_tell() -> None:
    assert choose("APL ?", "en", ("fr",)) == "en"
    assert choose("Quel est le montant de mon loyer ?", "en", ("fr",)) == "fr"
    assert choose("APL ?", "", ("de", "fr")) == "de"
