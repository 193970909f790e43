"""Who writes the texts of a package cannot read all of them: each file is in its language."""

import pytest

from palabre.chassis.languages import LANGUAGES, texts
from palabre.llm.languages import choose


@pytest.mark.parametrize("package", ["palabre.channels"])
@pytest.mark.parametrize("language", LANGUAGES)
def test_what_a_package_says_is_in_the_language_of_its_file(package: str, language: str) -> None:
    said = texts(package, language)
    assert [key for key in said if choose(said[key], "", ("nl",)) != language] == []
