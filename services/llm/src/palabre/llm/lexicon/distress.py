"""Words of people in danger: from themselves, from their family; children above all."""

from palabre.llm.lexicon.people import CHILD, FAMILY, PARENT, PARTNER

_WISHING = (
    "(?:veux|veut|voudrais|voulais|voulait|souhaite|aimerais|prefere|prefererais|pense a|penser a"
    "|pense souvent a|songe a|songer a|envie de|envie d|envies de|besoin de|essaye de|essaie de"
    r"|essaye|tente de|tente|menace de|menace d|parle(?: \w+){0,4} de|parle d|compte|hesite a"
    r"|prete? a|decide de"
    "|decide d|prevu de|prevu d|pense|vais finir par)"
)
_HARMING = (
    "(?:tuer|tue|tuez|suicider|suicide|suicidez|pendre|buter|flinguer|noyer|suprimer(?! (?:de|du"
    "|des) )|mutiler|scarifier"
    "|foutre en l air|faire du mal|faire mal|defenestrer|immoler|jeter (?:sous|par|du|dans le vide"
    "|dans la seine|d un|d une|contre)|(?:ouvrir|tailler|couper|trancher) les veines"
    "|metre une bale|tirer une bale|faire sauter le caison)"
)
SELF_HARM = (
    rf"{_WISHING}…(?:mourir|crever|mourire)(?! (?:de|d) )(?! (?:plutot )?que )",
    rf"{_WISHING}…(?:me|m|se|s) {_HARMING}",
    rf"(?:je|j|il|ele|qui) (?:vais|va|irai|compte|veux|veut)…(?:me|m|se|s) {_HARMING}(?<!faire"
    r" mal)",
    rf"{_WISHING}…en finir(?! avec (?!la vie|ma vie|moi|tout))",
    r"(?:vais|va) en finir(?! avec (?!la vie|ma vie|moi|tout))",
    rf"{_WISHING}…(?:disparaitre(?! (?:de|d|du|des|cet|cete|ce|la|le|les)\b)|partir pour"
    r" (?:toujours|de bon)|passer a l acte"
    r"|m endormir pour toujours|plus me reveiler|rejoindre le ciel)",
    r"(?:metre|mettre|mis|met) fin a (?:mes|ses|tes) jours|fin a (?:ma|sa) (?:propre )?vie",
    r"(?:plus|pas|aucune|moins) (?:de |d )?(?:envie|force|la force|gout|le gout|raison|raisons)"
    r" (?:de |d |a )(?:vivre|la vie|exister|continuer a vivre)(?! (?:ici|la|dans|avec|chez|a|au|en"
    r"|sous|come|ainsi|sans|de l|du)\b)",
    r"(?:veux|peux|veut|suporte|arive|voudrais|prefererais|prefere|aimerais|envie de|envie d)(?:"
    r" \w+)?"
    r" plus (?:de |a |d |jamais )?(?:vivre|exister|etre en vie|etre la|etre de ce monde|me"
    r" reveiler)"
    r"(?! (?:ici|la|dans|avec|chez|a|au|en|sous|come|ainsi|sans|de l|du|pendant|quand|lors"
    r"|pour)\b)",
    r"(?:mare|fatiguee?|las|lasse|degoutee?) (?:de vivre|de la vie|d etre en vie|d exister)"
    r"(?! (?:ici|la|dans|avec|chez|a|au|en|sous|come|ainsi|sans|de l|du|pendant|quand|lors"
    r"|pour)\b)",
    r"(?:a quoi bon|a quoi ca sert|pourquoi) (?:de )?(?:vivre|continuer a vivre|rester en vie)",
    r"(?:la|ma|sa) vie (?:ne |n )?(?:vaut|a|merite) (?:plus|pas|aucun) (?:la peine|le coup|de sens"
    r"|sens|d etre vecue)",
    r"(?:idees?|pensees?|envies?|pulsions?|crises?) (?:suicidaires?|noires?|de suicide|de mort)",
    r"(?:suis|est|sent|sens|devenue?|devient) (?:tres |peut etre )?suicidaire",
    r"(?:pense|penser|songe|songer|envie|idee|tentee?) (?:souvent |encore )?(?:au|du|de|par le) "
    r"suicide",
    r"(?:fait|refait|faire|fais|apres) (?:une |ma |sa |plusieurs )?(?:ts|tentatives? de suicide)",
    r"(?:je me|se|s est|me suis) (?:scarifie|mutile|fais du mal|fait du mal|tailade|coupe les"
    r" veines"
    r"|coupe les bras|ouvre les veines|ouvert les veines|pends|suicide|flingue|pendue?(?! (?:au|a"
    r" un|au telephone)))",
    r"(?:envisage|envisager|considere|prepare|planifie)(?: \w+)? (?:le|mon|son|un) suicide",
    r"(?:autant|vaut mieux|faut mieux|mieux vaut) mourir|prefere (?:la mort|etre morte?)",
    r"(?:comment|moyen de|moyens de|facon de|facons de|maniere de|methode pour|combien de \w+"
    r" pour)"
    r" (?:mourir|me tuer|se tuer|me suicider|se suicider|en finir(?! avec))(?! (?:de|d) )",
    r"(?:seraient|serait|serais|seriez|irait|iraient)…mieux (?:si j etais mort|mort|morte|sans"
    r" moi)",
    r"(?:mieux|voudrais|aimerais|prefererais|veux) (?:d )?etre morte?\b",
    r"(?:cachets|medicaments|comprimes|pilules) pour (?:mourir|en finir|me tuer|se tuer)",
    r"(?:avale|avaler|prendre|pris|gobe) (?:tous|toute|toutes|une boite|des boites|plein)…"
    r"(?:medicaments?|cachets|comprimes|medocs|boite)(?: pour en finir| pour mourir)?",
    r"(?:sauter|saute|me jete|me jeter) (?:par la fenetre|du (?:toit|pont|balcon|\d+e?|haut)"
    r"|sous (?:un|le) (?:train|metro|rer))",
    r"(?:ce sera|c est) mon dernier (?:mesage|jour)|adieu (?:la vie|monde|a tous)",
    # First person and the deed, whatever stands between
    r"(?:je|j)(?: \w+){0,6} (?:me|m) (?:tuer|suicider|pendre|flinguer|foutre en l air|scarifier"
    r"|mutiler)",
    r"je me (?:tue|bute|pends|flingue|suprime|creve)(?= ,|$| ce soir| demain| cete| maintenant|"
    r" devant)",
    r"(?:je|j|me|m|mon|ma|ele|il|qui)(?: \w+){0,6} (?:suicidaires?|suicider|suicidera?|suicidee"
    r"|se suicide"
    r"|me suicide)(?! en \d)",
    r"(?:je|j|il|ele)(?: \w+){0,5} paser a l acte|ne plus (?:jamais )?(?:me|se) reveiler",
    # English
    r"(?:kil|kiling|hurt|hurting|hang|hanging|cut|cuting|harm|harming|shot) (?:myself|himself"
    r"|herself|themselves)(?! laughing| to | working)",
    r"(?:end|ending|take|taking) (?:it al|my (?:own )?life|his (?:own )?life|her (?:own )?life)",
    r"(?:want|wants|wana|wish|going|gona)(?: \w+)? (?:to )?die(?! of | from )",
    r"(?:dont|don t|do not|no longer) (?:want to|wana) (?:live|be alive|exist|wake up)"
    r"(?! (?:here|in|with|next|near|on|under|there|at)\b)",
    r"(?:am|m|feel|feeling|is|s) suicidal|suicidal thoughts|comit(?:ing)? suicide|beter off dead",
    r"no reason to (?:live|go on)|wish i (?:was|were) dead|jump (?:of|from) (?:a|the|my) (?:bridge"
    r"|rof|building|balcony|window)",
    r"\bkms\b|\bunalive (?:myself|me)\b|thinking (?:about|of) (?:suicide|ending it)",
)

HITS = (
    "(?:frape[rsz]?|fraper|frapee?s?|frapent|bats?|batent|batre|batue?s?|tape[rsz]?|tapee?s?"
    "|tapent"
    "|cogne[rsz]?|cognent|cognee?s?|gifle[rsz]?|giflee?s?|etrangle[rsz]?|etranglee?s?|tabase[rsz]?"
    "|tabasee?s?|viole[rsz]?|violee?s?|brutalise[rs]?|maltraite[rs]?|maltraitee?s?|sequestre[rs]?"
    "|enferme|roue de coups|poignarde[rs]?|brule avec|torture[rs]?)"
    "(?! (?:aux? (?:jeu|jeux|cartes|dames|echecs|ping|foot|scrable|tenis)|sur les nerfs|la"
    " discute|froid|les oreiles|dans l oeil|dans l oeuil))"
)
VIOLENCE = (
    rf"(?:mon|ma|mes|son|sa|leur) {FAMILY}(?: \w+){{0,6}}?"
    rf" (?:me|m|nous|la|l) (?:a |ont |avait )?(?:deja |encore |aussi |souvent )?{HITS}",
    rf"\b(?:il|ele|qui) (?:me|m|nous) (?:a |avait )?(?:deja |encore |re ?)?{HITS}(?! \w+ euros)",
    rf"(?:mon|ma) {FAMILY}…(?:me menace|menace de me|menace de nous|me force|me fait du mal"
    r"|me fait vivre un enfer|m empeche de sortir|m interdit de sortir|m a fait du mal"
    r"|me met (?:des|une) (?:claques?|gifles?|coups?|bafes?|droites?|tartes?)|m insulte et|m a"
    r" pouse"
    r"|m a mis une|m a mis des|me done des|m a done (?:un coup|des coups|une gifle)|m a pris a la"
    r" gorge|me harcele"
    r"|me fait peur|leve la main|a leve la main|m a jete|me jete)",
    r"(?:leve|levait|porte) la main sur (?:moi|ele|nous|sa|ma|ses|mes)",
    r"menace…(?:de mort|de me tuer|de nous tuer|de me fraper|avec un couteau|avec une arme)",
    r"(?:je suis|j ai ete|je me suis faite?|je me fais|ele est|ele se fait|ele s est faite?"
    r"|ma \w+ (?:est|se fait))…(?:batue|batre|fraper|frapee|tabaser|tabasee|violee|violer"
    r"|violentee"
    r"|maltraitee?|cogner|taper desus|etranglee)(?! par (?:le|la|l|les|ce|cette|la beaute)\b)",
    r"(?:subis|subit|subi|subir|victimes? de|victimes? d)…(?:violences?|coups|maltraitances?"
    r"|sevices"
    r"|viols?)(?! (?:urbaines?|routieres?))",
    r"violences? (?:conjugales?|domestiques?|familiales?|intrafamiliales?|au sein du couple"
    r"|dans (?:le|mon) couple|de mon|de son (?:mari|ex|conjoint)|sexuel(?:e|es)?)",
    r"femmes? batues?|feminicide|viol conjugal",
    r"m a (?:done|mis|foutu|envoye|colle) (?:des|un|une|plusieurs) (?:coups?(?! (?:de (?!poing"
    r"|pied|couteau|tete|boule|baton)|d))|claques?|gifles?|bafes?"
    r"|droites?|tartes?|beignes?)",
    rf"(?:vis|vit|mariee|couple) avec un (?:\w+ )?(?:violent|{PARTNER} (?:\w+ )?(?:violent"
    r"|dangereux))",
    rf"{PARTNER} (?:tres |super |trop |hyper )?violente?s?",
    rf"(?:mon|ma) {FAMILY}(?: \w+){{0,6}} (?:violente?|m a case (?:le|la|les|une?)|va me (?:tuer"
    r"|retrouver))"
    r"(?! (?:orage|odeur|choc|vent|tempete))",
    r"\b(?:il|ele) (?:a |me )?(?:encore |deja )?(?:frape|batu|tape|cogne|tabase|etrangle) (?:ma"
    r"|mon)"
    r" (?:mere|maman|soeur|frere|pere)",
    r"ex (?:is|keeps|was) (?:threatening|stalking|hiting|beating|hurting)(?: \w+){0,2} (?:me|kil)",
    rf"(?:mon|ma) {FAMILY} (?:est|devient|etait|redevient|a ete|s est montre)…(?:violente?"
    r"|dangereux|agresif avec moi)",
    rf"peur (?:de|d) (?:mon|ma) {FAMILY}|peur de rentrer (?:chez moi|a la maison)",
    r"peur qu (?:il|ele) (?:me|nous) (?:tue|frape|bate|tape|fase du mal|viole|retrouve)",
    r"(?:dit|jure|promis|hurle|crie)…qu (?:il|ele) (?:va|alait|alais) (?:me|nous) (?:tuer|fraper"
    r"|buter|defigurer|faire la peau|retrouver)",
    r"(?:fuir|quiter|echaper a|separer de|proteger de|partir de chez) (?:mon|un) (?:mari|conjoint"
    r"|compagnon|copain|ex|mec) (?:violent|dangereux|qui me)",
    # English
    r"(?:my|his|her) (?:\w+ )?(?:husband|boyfriend|partner|ex|wife|girlfriend|father|dad|mother"
    r"|mom"
    r"|mum|stepfather|stepdad|brother)(?: \w+){0,2} (?:hits?|beats?|beat up|punch(?:es|ed)?"
    r"|slap(?:s|ed)?|chok(?:es|ed)|abus(?:es|ed)|rap(?:es|ed)|atacked|hurts?|kicks?|kicked"
    r"|threatens? to|strangl(?:es|ed)|hiting|beating|abusing) (?:me|us|kil|hurt|her|my (?:mom|mum"
    r"|mother|sister|brother|dad))",
    r"\bhe (?:hits?|beats?|punch(?:es|ed)|slap(?:s|ed)|choked|raped|strangled|is hiting|is"
    r" beating)"
    r" me\b",
    r"domestic (?:violence|abuse)|abusive (?:husband|partner|boyfriend|relationship|ex|wife"
    r"|father)",
    r"(?:being|been|am) (?:beaten|abused|raped|strangled)(?: \w+)? by|batered (?:wife|woman)",
    r"(?:scared|afraid|terified|frightened) of my (?:husband|boyfriend|partner|ex|father|dad)",
)

CHILD_DANGER = (
    rf"{HITS}…(?:son|sa|ses|leur|leurs|un|une|le|la|les|mon|ma|mes|des|l|cet) {CHILD}",
    r"(?:fait|font|faire) (?:du mal|des atouchements) a (?:son|sa|ses|un|une|mon|ma|mes|des|l)"
    rf" {CHILD}",
    rf"{CHILD}(?: \w+){{0,4}} (?:est|sont|se fait|se font|a ete|ont ete|serait|seraient|etait|s"
    r" est fait)"
    r"(?: \w+){0,2} (?:batue?s?|fraper|frapee?s?(?! par (?:une|la|le|les) \w+die)|frapes"
    r"|maltraitee?s?|violee?s?|violer|violes|abusee?s?"
    r"|abuser|secouee?s?|laisee?s? (?:tout )?seule?s?|sequestree?s?"
    r"|enfermee?s? (?:a cle|dans (?:sa|leur|un placard|le noir|une chambre)|toute? la|tous les)"
    r"|agresee?s?|tabasee?s?|tabaser|tape|taper desus"
    r"|afamee?s?|negligee?s?|en (?:grand )?danger(?! (?:a cause|avec|dans|sur|sans|car|si)))",
    rf"{CHILD} (?:batus?|maltraites?|martyrs?|en danger (?:chez|a la maison))(?! par le bruit)",
    r"atouchements?|pedophil\w+|inceste|maltraitances? (?:sur|d|envers|des) (?:un |une |des |les "
    r"|l )?"
    rf"(?:{CHILD}|mineurs?)",
    rf"(?:mon|ma|mes) {PARENT}(?: \w+){{0,2}} (?:me|m|nous) (?:a |ont )?(?:deja |encore"
    rf" )?(?:{HITS}"
    r"|touche|fait du mal|prive de maner|force)",
    rf"{CHILD}…(?:hurle|hurler|crie|crier|pleure|pleurer|hurlent)(?: \w+){{0,4}} (?:coups|frape\w*"
    r"|aide|au secours)",
    rf"(?:laise|laisee?s?|laisent) (?:son|sa|ses|leur|leurs|un|une|des) {CHILD} seule?s?"
    r"(?: \w+){0,2} (?:nuit|nuits|jour|jours|dehors|soir|soirs|semaine)",
    r"(?:abuse|abusent) (?:sexuelement )?(?:de|d) (?:son|sa|ses|leurs?|une?|mon|ma|mes|l)"
    rf" {CHILD}",
    rf"(?:mon|ma|mes) {PARENT}(?: \w+)? (?:abuse|abusent|profite) (?:sexuelement )?de (?:moi"
    r"|nous)",
    # English
    r"(?:child|children|kids?|baby|son|daughter|boy|girl|todler|nephew|niece)(?: \w+){0,2} (?:is"
    r"|are"
    r"|was|were|being|gets|get)(?: \w+){0,2} (?:beaten|abused|hit|molested|neglected|starved|raped"
    r"|in danger(?! from| because| with))",
    r"(?:beats?|hits?|abus(?:es|ed|ing)|hiting|beating|hurts?|molest(?:s|ed|ing)?|rap(?:es|ed))"
    r" (?:his|her|their|my|the|a) (?:\w+ )?(?:child|children|kids?|baby|son|daughter|boy|girl"
    r"|todler)",
    r"child (?:abuse|molest\w+)|my (?:dad|father|mom|mum|mother|stepdad|stepfather|parents)"
    r" (?:hits?"
    r"|beats?|touch(?:es|ed)|abuses?|is hiting) me",
)
