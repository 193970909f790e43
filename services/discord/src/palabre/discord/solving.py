"""Whether somebody says that their problem is over: by their words, in French and English.

A clause has to say so, and neither deny, doubt nor put it off; nothing that follows may ask more
or tell of further trouble. Whoever is in doubt says no: a post is better open than closed wrongly.
"""

import re
import unicodedata

_CODE = re.compile(r"```.*?(?:```|\Z)|`[^`\n]*`", re.DOTALL)
_QUOTED = re.compile(r"^\s*>.*$|«[^»]*»|“[^”]*”|\"[^\"\n]*\"", re.MULTILINE)
_APART = re.compile(r"https?://\S+|<[^<>\s]*>|@\w+")
_SENTENCE = re.compile(r"[^.!?;…\n]+(?:[.!?;…\n]+|\Z)")
_CLAUSE = re.compile(
    r"[,:()]|\b(?=mais\b|sauf\b|par contre\b|cependant\b|pourtant\b|en revanche\b|but\b|however\b"
    r"|except\b|though\b)"
)

_TROUBLE = r"(?:problemes?|pbs?|soucis?|bugs?|erreurs?|pannes?|blocages?)"
_OVER = (
    r"(?:resolue?s?|reglee?s?|solutionnee?s?|corrigee?s?|arrangee?s?|reparee?s?|disparue?s?|clos)"
)
_NOW = (
    r"(?:maintenant|mtn|enfin|desormais|a nouveau|de nouveau|nickel|parfaitement|impec\w*"
    r"|super bien|tres bien|depuis)"
)
_THING = r"(?:sujet|post|fil|ticket|topic|thread|discussion|demande|question)"
_FRENCH = (
    # what is over
    rf"^\W*(?:bon ben |ben |finalement |enfin |bon |et |du coup |voila )?\[?{_OVER}\]?"
    r"(?: merci.*| bravo.*| (?:en|par|grace|ce)\b.*)?\W*$",
    rf"\b(?:c ?est|tout est|voila|{_TROUBLE}|{_THING})(?: (?:est|a|enfin|bien|maintenant"
    rf"|completement|totalement|desormais|donc|bon|ete))* {_OVER}\b",
    rf"\b(?:a|ont) {_OVER}(?: (?:mon|le|ce|notre|tout))+ {_TROUBLE}\b",
    r"\b(?:a|ont) disparu\b",
    rf"\b(?:n ai |j ai |ai )?plus (?:du tout )?(?:de|d|le|ce|l|aucune?|ces|cette) {_TROUBLE}\b",
    r"\brentree? dans l ordre\b",
    r"\best (?:enfin |bien )?reparee?s?\b|^\w+ reparee?s?\b",
    r"\bca y est (?:ca|tout|c est)\b|^ca y est$",
    r"\btout est (?:ok|bon|nickel|regle|parfait)\b",
    r"\bc (?:est )?(?:bon|ok|tout bon|nickel)(?: pour moi| maintenant| de mon cote| cette fois)?"
    r"(?: (?:merci|thx|j ai compris)\b.*)?$",
    # what works
    rf"\b(?:marche|fonctionne|refonctionne|remarche)(?: (?:tout|bien|tres))* {_NOW}\b",
    rf"\b{_NOW}(?: (?:ca|cela|tout|il|elle))+ (?:marche|fonctionne)\b",
    r"\b(?:ca|cela|tout|il|elle) (?:remarche|refonctionne)\b",
    rf"\bl air de (?:marcher|fonctionner)(?: (?:tout|bien|tres))* {_NOW}\b",
    r"\b(?:ca|cela|tout) fonctionne(?: (?:tres )?bien)?(?: merci.*)?$",
    r"\b(?:ca|cela) (?:a|m a) (?:bien |enfin |parfaitement )?(?:marche|fonctionne|suffi)\b",
    r"\b(?:solution|methode|astuce|manip\w*|reponse) (?:marche|fonctionne|a marche"
    r"|a fonctionne|etait la bonne)\b",
    # what was found
    r"\b(?:j ai|on a|ai) (?:enfin |finalement )?(?:trouve|eu) (?:la|ma|une) (?:solution|reponse)\b",
    r"\bj ai (?:enfin |finalement |bien )?(?:reussi|resolu|ma reponse|regle (?:le|mon|ce) "
    rf"{_TROUBLE})\b",
    r"\bj ai (?:enfin |finalement )?trouve$|\bil (?:suffisait|fallait)\b",
    r"\bj ai (?:enfin |finalement |bien )?pu (?:me |m |l |le |la |y )?\w+er\b",
    r"\bj y suis (?:enfin )?arrivee?\b",
    r"\brepond(?:u|ent)?(?: \w+)? a ma question\b",
    r"\b(?:exactement|pile) ce (?:que je cherchais|qu il me fallait|dont j avais besoin)\b",
    r"\bc ?etait (?:bien )?(?:ca|cela)\b",
    # what shall be closed
    r"\b(?:pouvez|peux|peut|vais|je) (?:fermer?|clore|cloturer?)"
    rf"(?: (?:le|ce|mon|la|cette) {_THING})?(?: merci.*)?$",
    r"\b(?:je|j ai|peux|peut|pouvez) (?:le |la )?(?:marquer?|passer?|mets|mettre|classer?)\b"
    r".*\bresolue?\b",
)
_ENGLISH = (
    r"^\W*\[?(?:solved|fixed|resolved|sorted)\]?(?: (?:now|thanks?|thank you|thx).*)?\W*$",
    r"\b(?:problem|issue|it|it s|this|this is|that s|all|everything|everything is|error)"
    r"(?: (?:is|has been|was|got|now|finally))* (?:solved|fixed|resolved|sorted|gone)\b",
    r"\b(?:that|this|it|which) (?:just |finally )?(?:fixed|solved|resolved|worked|did)"
    r"(?: (?:it|the trick|the job|my problem|my issue|for me|perfectly|great))*\W*(?:thanks?.*"
    r"|thank you.*|thx.*)?$",
    r"\b(?:works?|working|worked)(?: (?:just|all))? (?:now|again|perfectly|great|fine"
    r"|like a charm)\b",
    r"\b(?:got|have) (?:it|this|everything) (?:working|to work|fixed|solved)\b",
    r"\bit works$|\bthat was it\b",
    r"\b(?:figured|sorted) (?:it|this|that) out\b",
    r"\bfound (?:the|a|my) (?:solution|answer|fix)\b",
    r"\ball good now\b",
    r"\b(?:that|this|it|which) answers? my question\b",
    r"\bno longer (?:have|get|see|happens)\b",
    r"\b(?:you can|can be|i ll|i m|we can)? ?clos(?:e|ed|ing) (?:this|the (?:post|thread|topic))\b",
    r"\bmark(?:ing|ed)? (?:this |it )?as (?:solved|resolved)\b",
)
_SAID = re.compile("|".join(f"(?:{each})" for each in (*_FRENCH, *_ENGLISH)))
_DENIED = re.compile(
    r"\b(?:pas|ne|n|jamais|rien|non|sans|presque|moitie|parti(?:e|ellement)|aucune?|personne|qu a"
    r"|si|quand|lorsqu\w*|des qu\w*|une fois|comment|pourquoi|est ce qu\w*|avant qu\w*|pour qu\w*"
    r"|sera|seront|serait|soit|va|vont|devrait|doit|faut|faudrait|espere|normalement|etait|pensais"
    r"|croyais|pretend\w*|parait|reste|m a dit|m ont dit|dit qu\w*|dites|disent|voir|ancien"
    r"|derniere fois|sauf|pouvez vous|quelqu un|apparemment|dernier"
    r"|not|never|nothing|if|when|whether|until|once|how|why|will|would|should|might|hope|almost"
    r"|partly|partially|was|thought|supposed|yet|still|t|cannot|can t|let me know|only|yesterday"
    r"|does|did you|someone|anyone|says?|said)\b"
)
_CONTRAST = re.compile(
    r"(?:mais|pas|sauf|par contre|cependant|pourtant|en revanche|but|however|except|though)\b"
)
_ABOUT_CLOSING = re.compile(r"\b(?:fermer|clore|marquer|tag|etiquette|close|mark)\b")


def says_solved(text: str) -> bool:
    """What is quoted and code counts for nothing."""
    sentences = [match[0] for match in _SENTENCE.finditer(_own_words(text))]
    told = False
    for sentence in sentences:
        if "?" in sentence:
            if not _ABOUT_CLOSING.search(_folded(sentence)) or not told:
                return False
            continue
        for clause in map(str.strip, _CLAUSE.split(_folded(sentence))):
            if told and _CONTRAST.match(clause):
                return False
            told = told or _claims(clause)
    return told


def _claims(clause: str) -> bool:
    """It says so, and nothing around that denies it."""
    words = " ".join(re.findall(r"[\w\[\]]+", clause))
    said = _SAID.search(words)
    if said is None:
        return False
    return _DENIED.search(f"{words[: said.start()]} {words[said.end() :]}") is None


def _own_words(text: str) -> str:
    text = _CODE.sub(" … ", text)
    return _APART.sub(" ", _QUOTED.sub(" … ", text))


def _folded(text: str) -> str:
    """Lower case, without accents; apostrophes are blanks."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    plain = "".join(letter for letter in plain if not unicodedata.combining(letter))
    return re.sub(r"['’`]", " ", plain)
