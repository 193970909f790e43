"""Words that are said so and not meant so."""

# Taken out before anything else is looked for.
IDIOMS = (
    r"(?:me|te|se|nous|vous) (?:tue|tuer|tues|tuez|tuent) (?:a (?:vous |te |le |les |lui |leur"
    r" )?(?:dire"
    r"|le dire|redire|repeter|expliquer|travailer|la tache|payer|apeler|ecrire|demander|chercher"
    r"|monter|netoyer|faire)|au (?:travail|boulot))",
    r"(?:failli|manque|manquer de|falir|risque de|risquer de|risquons de|finir par|peur de|evite"
    r" de"
    r"|eviter de|sans) (?:me|te|se|nous|vous|s|m) (?:tuer|faire mal|pendre|jeter|noyer)",
    r"(?:me|se|nous|vous) (?:tuer|faire mal) (?:dans|sur|avec|en|a cause)(?: \w+){0,2}"
    r" (?:escaliers?"
    r"|marches?|rambardes?|parquet|ascenseurs?|trotoirs?|verglas|glisant|tombant|descendant"
    r"|montant"
    r"|fils?|cables?|electriques?|prises?|carelage|baignoire|douche|plancher|cour|travail|dos)",
    r"(?:mort|morte|morts|mourir|meurs|mourant|crever|creve|crevee|mourons|meurt) (?:de|d) (?:rire"
    r"|froid|chaud|chaleur|faim|soif|fatigue|honte|ennui|trouile|peur|jalousie|impatience|envie"
    r"|inquietude|sommeil|stres)",
    r"tuer le temps|a tuer le temps|silence de mort|point mort|temps mort|angle mort|a mort la"
    r"|jusqu a ce que mort s ensuive|c est mort|dead line|deadline|ca me tue|ca va me tuer|me tue"
    r" de"
    r" rire|tuer dans l oeuf|tuer l ambiance|tuer le jeu|tueur de|killer",
    r"suicide (?:comercial|financier|politique|economique|colectif)|suicide squad|vol suicide",
    r"(?:pense|dit|crois)(?: \w+)? a (?:moi|vous) (?:tuer|mourir)",
    r"(?:plutot|prefere|prefererais) (?:mourir|crever) (?:que|plutot)",
    r"faire disparaitre|fait disparaitre|font disparaitre|fais disparaitre",
    r"(?:tuer|bruler|exterminer|eclater|masacrer|zigouiler|buter|gazer|eliminer|etoufer|bate"
    r"|batre)"
    r"(?: tous| toutes| tout)?(?: ces| les| des| mes| un| une| le| la| l| ce| cete| de)(?:"
    r" petites?"
    r"| petits?| sales?| foutus?| maudits?| invasion de)? (?:cafards?|blates?|rats?|souris"
    r"|punaises?|puces?"
    r"|fourmis?|guepes?|frelons?|pigeons?|moustiques?|araignees?|insectes?|bestioles?|nuisibles?"
    r"|mites?"
    r"|cloportes?|termites?|mauvaises herbes|microbes|virus|calories|bebetes?|larves?|acariens?"
    r"|odeurs?"
    r"|moisisures?|champignons?|records?|mouches?|limaces?|lierre)",
    r"(?:cafards?|rats?|punaises?|souris|fourmis?|bestioles?|nuisibles?|moustiques?|guepes?"
    r"|frelons?"
    r"|pigeons?|araignees?|mouches?|puces?|blates?)(?: \w+){0,4} (?:je|on|j) (?:vais|va|veux)(?:"
    r" \w+)?"
    r" (?:le|la|les) (?:tuer|buter|bruler|exterminer|cramer|eclater)",
    r"(?:frape|frapent|fraper|tape|tapent|taper|cogne|cognent|cogner)(?: \w+)? (?:a|au|aux|dans"
    r"|sur|contre)"
    r" (?:la |le |les |l |ma |mon |mes |notre |nos )?(?:portes?|fenetres?|murs?|plafonds?|sol"
    r"|volets?"
    r"|tuyaux?|radiateurs?|cloisons?|parois?|plancher|carreau|vitres?|interphone)",
    r"(?:en|de) batre|bat son plein|batre en retraite|bat des records|batu(?:e|s)? en breche",
    r"kil(?:ing)? (?:time|two birds|the lights?|the power|the mod|the cockroaches|the bugs|the"
    r" rats"
    r"|the mice|the ants|the weds|bedbugs|bed bugs|cockroaches|mold|mould)|dying to|to die for"
    r"|kiling myself (?:to|working|laughing|over)|die of (?:cold|heat|boredom|laughter|shame)"
    r"|freze to death|frezing to death|bored to death|scared to death|dead (?:batery|bateries"
    r"|bulb)"
    r"|my (?:phone|boiler|heating|heater|fridge|wifi|fuse) (?:died|is dead|is dying|wil die)"
    r"|(?:hits?|beats?|hurts?|strikes?) me (?:as|that|hard that)",
)

# What somebody else said to the person is no fault of the person's.
REPORTED = (
    r"(?:traite|traitent|traiter|traitee|traites|traitait|apele|apelent|apelait|dit|disent|disait"
    r"|crie|crient|criait|hurle|hurlent|insulte|insultent|insulter|insultee|lance|repond|repondu"
    r"|ecrit|tague|tag|graffiti|lettre|mot|ecrite?|menace|menacent|propos|injures?|insultes?"
    r"|caled me|cals me|told me|said|says|shout|shouts|shouted|wrote|writen|sprayed)"
)
