"""What is written -> what is said."""

import pytest

from palabre.tts.normalise import speakable

TABLE = """
Mr. Smith met Dr. Jones | Mister Smith met Doctor Jones
one, e.g. this, i.e. that | one, for example this, that is that
and so on, etc. | and so on, et cetera.
it costs $5 | it costs 5 dollars
it costs $1 | it costs 1 dollar
it costs $3.50 | it costs 3 dollars and 50 cents
it costs $1,234.56 | it costs 1,234 dollars and 56 cents
it costs £2.01 | it costs 2 pounds and 1 penny
it costs €1.5M | it costs 1.5 million euros
it costs 20€ | it costs 20 euros
20% more | 20 percent more
3.5 km away | 3.5 kilometers away
1 km away | 1 kilometer away
60 km/h | 60 kilometers per hour
pages 10-12 | pages 10 to 12
-5 °C | minus 5 degrees Celsius
No. 5 on p. 3 | number 5 on page 3
see https://www.example.com/help | see example dot com slash help
jane.doe@example.org | jane dot doe at example dot org
Smith & Sons | Smith and Sons
the API of the USA | the A P I of the U S A
NASA and UNESCO | nasa and unesco
J. R. R. Tolkien | J R R Tolkien
at 3pm in 2024 | at 3pm in 2024
a **bold** word [1] | a bold word
"""


@pytest.mark.parametrize(
    ("written", "said"), [line.split(" | ") for line in TABLE.strip().splitlines()]
)
def test_it_is_said_as_an_english_speaker_says_it(written: str, said: str) -> None:
    assert speakable(written, "en-GB").text == said


def test_a_language_without_rules_only_loses_its_marks() -> None:
    assert speakable("**Guten** Tag, 5 € [1]", "de").text == "Guten Tag, 5 €"
