"""Which language a text is in, by its commonest words."""

import re

from palabre.llm.words import fold

_COMMON = {
    "fr": "je tu il elle on nous vous ils le la les un une des du de et est sont pas ne que qui"
    " quoi dans pour sur avec mon ma mes votre vos notre nos ce cette ces mais ou quel quelle quels"
    " comment combien pourquoi quand suis ai avez avons faire puis peut bonjour merci au aux plus"
    " j c d l n s qu aussi chez sans ca svp chui veux dois faut",
    "en": "i you he she we they the a an of and is are not to in for on with my your our this that"
    " what which how why when where who do does can could would should have has hello thanks it be"
    " am was me please there if or from at will t s don im need",
    "es": "yo tu el ella nosotros los las un una unos de y es son no que en para por con mi su este"
    " esta pero como cuanto cuando donde quien hola gracias puedo tengo hay del al se lo mas si",
    "de": "ich du er sie wir ihr der die das ein eine und ist sind nicht zu in fur auf mit mein"
    " meine dein wie was wann wo wer warum kann muss haben habe hallo danke im am den dem es von",
    "it": "io tu lui lei noi voi il lo la gli le un una di e sono non che per con mio mia come"
    " quanto quando dove chi perche posso ho ciao grazie del della nel si al questo questa",
    "pt": "eu tu ele ela nos os as um uma de e sao nao que em para por com meu minha como quanto"
    " quando onde quem ola obrigado posso tenho do da no na se ao este esta voce",
    "nl": "ik jij hij zij wij de het een en is zijn niet te in voor op met mijn hoe wat wanneer"
    " waar wie waarom kan moet heb hallo dank van dat dit er je u ook",
}
_SETS = {language: frozenset(words.split()) for language, words in _COMMON.items()}
_WORD = re.compile(r"[^\W\d_]+")
_SCRIPTS = (
    ("ar", re.compile(r"[\u0600-\u06ff]")),
    ("uk", re.compile(r"[іїєґІЇЄҐ]")),
    ("ru", re.compile(r"[\u0400-\u04ff]")),
    ("zh", re.compile(r"[\u4e00-\u9fff]")),
)
_FRENCH_LETTERS = re.compile(r"[àâçèêëîïôùûœ]", re.IGNORECASE)
MARGIN = 0.5  # of a word, by which the first must lead


def detect(text: str) -> str:
    """BCP 47, or empty when the words do not tell."""
    for language, letters in _SCRIPTS:
        if letters.search(text):
            return language
    words = _WORD.findall(fold(text))
    scores = {language: sum(w in known for w in words) for language, known in _SETS.items()}
    marks = {"fr": 0.6 * bool(_FRENCH_LETTERS.search(text))}
    ranked = sorted(((scores[x] + marks.get(x, 0.0), x) for x in scores), reverse=True)
    (first, language), (second, _) = ranked[:2]
    return language if first - second >= MARGIN else ""


def choose(text: str, hinted: str, spoken: tuple[str, ...]) -> str:
    """The text's language when it tells, else the channel's hint, else the space's first."""
    return detect(text) or hinted or spoken[0]
