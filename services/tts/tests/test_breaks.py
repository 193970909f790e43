import pytest

from palabre.tts.breaks import NotUnderstood, parts


def test_a_break_is_a_pause_of_its_length() -> None:
    assert parts('Un. <break time="500ms"/> Deux.') == ["Un. ", 500, " Deux."]
    assert parts("Un<break time='1.5s' />") == ["Un", 1500]
    assert parts('<break time="2s"></break>Un') == [2000, "Un"]
    assert parts('<break time="1s"/><break time="1s"/>') == [1000, 1000]


def test_other_text_is_none_of_its_concern() -> None:
    for text in ("Un < deux et trois > deux.", "<b>Un</b> <speak>deux</speak>", "AT&T", "<3"):
        assert parts(text) == [text]


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ('<prosody rate="slow">Un</prosody>', "<prosody>"),
        ('<say-as interpret-as="date">1/2</say-as>', "<say-as>"),
        ('<audio src="http://exemple.fr/a.wav"/>', "<audio>"),
        ('<amazon:effect name="whispered">Un</amazon:effect>', "<amazon:effect>"),
        ('<break strength="strong"/>', "<break>"),
        ('<break time="soon"/>', "<break>"),
        ('<break time="11s"/>', "11000 ms"),
        ('<break time="9s"/>' * 7, "60 s together"),
    ],
)
def test_what_is_not_understood_is_refused_by_name(text: str, named: str) -> None:
    with pytest.raises(NotUnderstood, match=named):
        parts(text)
