"""Words that go too far: threats, insults to the one who answers, hate."""

from palabre.llm.lexicon.people import PEOPLE, YOUR

_KILL = (
    "(?:tuer|buter|egorger|defoncer|masacrer|poignarder|flinguer|planter un couteau|fracaser"
    "|caser la (?:gueule|tete|figure|bouche)|peter la (?:gueule|tete|bouche|rotule)|faire la peau"
    "|regler (?:son|leur) compte|eclater la (?:gueule|tete)|crever|cramer|etrangler|tirer desus"
    "|foutre une bale|metre une bale|descendre au fusil|lyncher|tabaser|faire saigner)"
)
_GOING = (
    "(?:vais|va|alons|viens|veux|viendrai|irai|envie de|envie d|jure de|pret a|finir par|pourais)"
)
THREAT = (
    rf"{_GOING}(?: \w+)? (?:vous|te|t) (?:tous |toutes )?{_KILL}",
    r"(?:je|on) (?:te|vous) (?:tue|bute|creve|defonce|egorge|plante|flingue|retrouve et)(?! (?:a"
    r"|la)\b)",
    rf"{_GOING}(?: \w+)? (?:les |le |la |lui |leur )?{_KILL}(?: a| au| aux)? {YOUR}(?: \w+){{0,2}}"
    rf" {PEOPLE}",
    rf"(?:vais|va|veux) (?:le|la|les) planter {YOUR}(?: \w+)? {PEOPLE}",
    rf"{PEOPLE}(?: \w+){{0,4}},? (?:je|on|j) (?:vais|va|veux|ai envie de)(?: \w+)? (?:le|la|les"
    r"|lui"
    rf"|leur) {_KILL}",
    rf"{_GOING}(?: \w+)? (?:(?:metre|foutre) le feu|faire (?:tout )?(?:sauter|cramer|bruler"
    r"|exploser)"
    r"|bruler|cramer|incendier)(?: \w+){0,2} (?:imeubles?|agences?|bureaux?|batiments?|hal"
    r"|voitures?"
    r"|locaux|mairie|maison|residence|baraque|cite|apartement de)",
    r"(?:poser|metre|j ai|pose) une bombe|tirer (?:dans le tas|sur (?:vous|tout le monde|les"
    r" gens))",
    r"(?:vous|tu) (?:alez|vas) (?:tous )?(?:mourir|crever|le regreter dans le sang|y paser)"
    r"(?! (?:de|d) )",
    rf"{_GOING}(?: \w+)? {_KILL} (?:tout le monde|quelqu un|du monde|vos gosses|tes gosses)",
    # English
    r"(?:i|we) (?:wil|l|am going to|m going to|m gona|am gona|gona|want to|wana|swear i l)(?:"
    r" \w+)?"
    r" (?:kil|stab|shot|murder|hurt|beat up|strangle|slaughter|shoot)(?: \w+)? (?:you|him|her|them"
    r"|everyone|everybody|that (?:man|woman|guy)|(?:my|the|your) (?:landlord|landlady|neighbours?"
    r"|neighbors?|caretaker|manager|staf|employes?|wife|husband|family|kids))",
    r"(?:burn|burning|blow|blowing)(?: down| up)? (?:your|the|this) (?:ofice|building|house|agency"
    r"|place)(?: down| up)?",
    r"you (?:are|re|wil|l)(?: \w+)? (?:going to |gona )?die (?:soon|tonight|for this)",
)

NAMES = (
    "(?:conards?|conases?|encule[es]*|salopes?|salauds?|salopards?|putes?|fdp|batards?|abruties?"
    "|abrutis?|cretins?|cretines?|boufons?|boufones?|enfoires?|trous? du cul|troudu[cq]s?"
    "|fils de (?:pute|chien)s?|tetes? de con|sous merdes?|raclures?|tocards?|pourritures?)"
)
_MILDER = (
    "(?:cons?|cones?|debiles?|ordures?|idiots?|idiotes?|imbeciles?|mongols?|atardes?|minables?"
    "|fumiers?|merdes?|gros porcs?|porcs?|stupides?|nazes?|clochards?)"
)
_FILLER = (
    "(?: qu| que| une?| des| de| d| vraiment| tous| toutes| juste| trop| rien| bien| gros| grose"
    "| sale| sales| sacre| tele?ment| tres| completement| quand meme| vrai| vraie| pauvre| pauvres"
    "| tas| bande| belle| bel| putain| espece)"
)
INSULT = (
    rf"(?:t es|tu es|tes|t as l air|vous etes|vs etes|etes vous|es tu){_FILLER}{{0,4}} (?:{NAMES}"
    rf"|{_MILDER})(?! d (?:avoir|etre))",
    r"(?:espece|bande) (?:de|d)(?: \w+ et(?: de| d)?)? (?:gros |sales? |petits? |vieux |grose"
    rf" )?(?:{NAMES}|{_MILDER})",
    rf"(?:^|, )(?:sale|pauvre|gros|grose|petite?|vieux) (?:{NAMES}|cons?|cones?|merde)\b",
    r"(?:bot|robot|machine|ia|intelligence artificiele|chatbot) (?:a la con|de merde|de mes"
    r" couiles)",
    r"(?:va|vas|alez|aler) (?:tous |toutes |donc |bien )?(?:te|vous) faire (?:foutre|enculer|voir"
    r"|metre|encule|enculez|niquer)",
    r"vtf|va te fair|ftg|ntm|fdp|vafanculo",
    r"\b(?:ta|vos|votre|tes) (?:grande? |grandes )?gueules?\b|ferme(?:z)? la(?= ,|$)",
    r"(?:^|, )tg(?= ,|$)",
    r"(?:nique|nik|niq|nike|baise|encule)s? (?:ta|tes|vos|votre|ton|toi|vous|tous)\b(?: \w+)?",
    r"je (?:vous|t|te) (?:emerde|merde|chie desus|pise desus|cone pas)",
    r"(?:^|, )(?:va|alez|vas) (?:tous |donc )?(?:crever|mourir|te pendre|vous pendre|te jeter|en"
    r" enfer"
    r"|au diable)(?! (?:de|d) )",
    r"case toi|casez vous|suce (?:ma|moi|mes)",
    r"(?:^|, )degagez?(?= ,|$| con| sale| de la| d ici)",
    # English
    r"fuck(?:ing)? (?:you|u|of|yourself|your)|\bstfu\b|screw you|go to hel|go fuck|kis my as",
    r"(?:^|, )(?:just |please |oh )?shut (?:the fuck )?up(?! the)",
    r"(?:you|u|your|youre|are you|are u)(?: are| re| r| al)?(?: an?| such an?| so| just| al|"
    r" fucking"
    r"| stupid| dumb| litle| big| useles| a total| total| complete| litle){0,4} (?:asholes?"
    r"|bitch(?:es)?"
    r"|idiots?|morons?|bastards?|cunts?|pricks?|dicks?|dickhead|piece of shit|retard(?:ed|s)?|scum"
    r"|dumbas(?:es)?|imbeciles?|stupid|pathetic|wankers?|twats?)",
)
# Names that are called out: no article or possessive before them, nobody's name for a third person.
VOCATIVE = rf"(?P<before>\w+ )?{NAMES}"
_ARTICLES = """
mon ma mes ce cet cete ces un une le la les l des de du d son sa ses leur leurs votre
vos notre nos quel quele quels queles autre autres est sont etait gros grose sale vieux
petit petite voisin voisine voisins proprio proprietaire gardien patron pere ton ta tes
come aux au deux trois plusieurs certains quelques cinq dix que sacre vrai
"""
ABOUT_ANOTHER = frozenset(_ARTICLES.split())

_GROUPS = (
    "(?:arabes?|noire?s?|juifs?|juives?|musulmane?s?|roms?|gitane?s?|manouches?|chinois"
    "|africaine?s?"
    "|etrangere?s?|etrangers?|imigree?s?|imigres?|turcs?|algeriene?s?|marocaine?s?|tunisiene?s?"
    "|tchetchenes?|roumaine?s?|pedes?|pds?|homos?|lesbienes?|gouines?|negres?|handicapee?s?"
    "|blancs?"
    "|rebeus?|renois?|feujs?|trans|travelos?|gays?|migrants?|clandestins?)"
)
HATE = (
    rf"(?:sales?|espece de|bande de|putains? de|encules? de|ces? chiens? de) {_GROUPS}",
    r"\b(?:bougnoules?|bougnouls?|youpins?|youtres?|bicots?|crouiles?|niakoues?|bamboulas?"
    r"|tarlouzes?|melons? de merde|tafioles?|macaques|sous hommes|feuj de merde)\b",
    rf"(?:mort|morts|a mort) (?:aux?|les) {_GROUPS}",
    rf"(?:les|des|ces|tous les|aux) {_GROUPS}(?: \w+){{0,2}} (?:dehors|puent|polluent|nous"
    r" envahisent"
    r"|me degoutent|sont tous|sont toutes|sont des (?:voleurs|parasites|animaux|rats|chiens"
    r"|delinquants"
    r"|sauvages|terroristes|malades)|c est tous|faut les|meritent|devraient etre|degagent|a la mer"
    r"|au four)",
    rf"(?:veux|voulons|veut) (?:pas|plus|aucun) (?:de |d )?{_GROUPS}",
    rf"(?:virez|vire|degagez|degage|expulsez|foutez)(?: \w+){{0,2}} (?:ces|les|des|tous les)"
    rf" {_GROUPS}",
    r"(?:retourne|retournez|rentre|rentrez)(?: \w+)? (?:dans|chez) (?:ton|votre|toi|vous)\b(?:"
    r" pays)?",
    # English
    r"(?:dirty|fucking|filthy|bloody) (?:arabs?|blacks?|jews?|muslims?|imigrants?|foreigners?"
    r"|pakis?"
    r"|gypsies|gays?|indians?|africans?|mexicans?)",
    r"\bnig(?:er|a|ers|as)\b|\bfag(?:ot|s|ots)\b|\bkikes?\b|\bpakis?\b|\bspics?\b|\btowelheads?\b",
    r"go back to your (?:own )?country|death to (?:the |al )?(?:jews|arabs|muslims|blacks|gays)",
    r"(?:al|those|these) (?:blacks|arabs|jews|muslims|imigrants|gays|gypsies) (?:should|must|are"
    r" (?:criminals|thieves|animals|vermin|parasites))",
)
