"""French abbreviations, units, months and acronyms, as they are said."""

MONTHS = ("janvier", "février", "mars", "avril", "mai", "juin", "juillet", "août", "septembre",
          "octobre", "novembre", "décembre")  # fmt: skip
SHORT_MONTHS = {
    "janv.": "janvier",
    "févr.": "février",
    "fév.": "février",
    "avr.": "avril",
    "juil.": "juillet",
    "sept.": "septembre",
    "oct.": "octobre",
    "nov.": "novembre",
    "déc.": "décembre",
}

SHORT_DAYS = {"lun": "lundi", "mar": "mardi", "mer": "mercredi", "jeu": "jeudi", "ven": "vendredi",
              "sam": "samedi", "dim": "dimanche"}  # fmt: skip
AFTER_RANKS = {"ét.": "étage", "sem.": "semestre", "trim.": "trimestre", "arr.": "arrondissement"}

# Before a capital only: "M. Dupont", never "5 M.".
TITLES = {
    "M.": "Monsieur",
    "MM.": "Messieurs",
    "Mme": "Madame",
    "Mme.": "Madame",
    "Mmes": "Mesdames",
    "Mlle": "Mademoiselle",
    "Mlle.": "Mademoiselle",
    "Mlles": "Mesdemoiselles",
    "Dr": "Docteur",
    "Dr.": "Docteur",
    "Drs": "Docteurs",
    "Pr": "Professeur",
    "Pr.": "Professeur",
    "Mr": "Monsieur",
    "Me": "Maître",
    "Mgr": "Monseigneur",
    "St": "Saint",
    "Ste": "Sainte",
}

# Before a name only: "pl. de la République", "rés. Les Lilas".
BEFORE_NAMES = {
    "pl.": "place",
    "rés.": "résidence",
    "imp.": "impasse",
    "all.": "allée",
    "ch.": "chemin",
    "rte": "route",
    "sq.": "square",
    "fg": "faubourg",
    "Gal": "Général",
    "Cte": "Comte",
    "Sté": "Société",
    "Ets": "Établissements",
}

# Before a number, or one letter, only: "art. 12", never "l'art.".
BEFORE_NUMBERS = {
    "art.": "article",
    "al.": "alinéa",
    "p.": "page",
    "pp.": "pages",
    "chap.": "chapitre",
    "vol.": "volume",
    "fig.": "figure",
    "ann.": "annexe",
    "n°": "numéro",
    "nº": "numéro",
    "n°s": "numéros",
    "§": "paragraphe",
    "bât.": "bâtiment",
    "appt": "appartement",
    "appt.": "appartement",
    "apt.": "appartement",
    "esc.": "escalier",
    "min.": "minimum",
    "max.": "maximum",
}

BEFORE_NUMBERS |= {"ch.": "chapitre"}
BEFORE_NUMBERS |= {
    short.capitalize(): name.capitalize()
    for short, name in BEFORE_NUMBERS.items()
    if short[0].isalpha()
}

ANYWHERE = {
    "etc.": "et cetera",
    "p. ex.": "par exemple",
    "p.ex.": "par exemple",
    "par ex.": "par exemple",
    "c.-à-d.": "c'est-à-dire",
    "c.à.d.": "c'est-à-dire",
    "càd": "c'est-à-dire",
    "cf.": "voir",
    "cf": "voir",
    "Cf.": "Voir",
    "Cf": "Voir",
    "ex.": "exemple",
    "Ex.": "Exemple",
    "Réf.": "Référence",
    "Tél.": "Téléphone",
    "env.": "environ",
    "av. J.-C.": "avant Jésus-Christ",
    "apr. J.-C.": "après Jésus-Christ",
    "J.-C.": "Jésus-Christ",
    "tél.": "téléphone",
    "réf.": "référence",
    "max.": "maximum",
    "bd": "boulevard",
    "bld": "boulevard",
    "boul.": "boulevard",
    "av.": "avenue",
    "hab.": "habitants",
    "n°": "numéro",
    "N°": "numéro",
    "arrdt": "arrondissement",
    "dépt.": "département",
    "qq.": "quelques",
    "qqs": "quelques",
    "Cté": "Communauté",
    "Cie": "compagnie",
    "éd.": "édition",
    "svp": "s'il vous plaît",
    "s.v.p.": "s'il vous plaît",
    "SVP": "s'il vous plaît",
    "rdv": "rendez-vous",
    "Rdv": "Rendez-vous",
    "enf.": "enfants",
    "etc…": "et cetera…",
    "etc...": "et cetera…",
    "etc": "et cetera",
    "RDV": "rendez-vous",
    "N.B.": "nota bene",
    "P.-S.": "post-scriptum",
    "vs": "contre",
    "H/F": "homme ou femme",
    "h/f": "homme ou femme",
    "et/ou": "et ou",
    "qqn": "quelqu'un",
    "qqch": "quelque chose",
    "HT": "hors taxes",
}

# Symbol: singular, plural. The feminine ones are said "une", "vingt et une".
UNITS = {
    "km/h": ("kilomètre heure", "kilomètres heure"),
    "km²": ("kilomètre carré", "kilomètres carrés"),
    "m²": ("mètre carré", "mètres carrés"),
    "m2": ("mètre carré", "mètres carrés"),
    "cm²": ("centimètre carré", "centimètres carrés"),
    "m³": ("mètre cube", "mètres cubes"),
    "m3": ("mètre cube", "mètres cubes"),
    "km": ("kilomètre", "kilomètres"),
    "cm": ("centimètre", "centimètres"),
    "mm²": ("millimètre carré", "millimètres carrés"),
    "mm": ("millimètre", "millimètres"),
    "m": ("mètre", "mètres"),
    "ha": ("hectare", "hectares"),
    "kg": ("kilo", "kilos"),
    "mg": ("milligramme", "milligrammes"),
    "g": ("gramme", "grammes"),
    "t": ("tonne", "tonnes"),
    "cl": ("centilitre", "centilitres"),
    "ml": ("millilitre", "millilitres"),
    "mL": ("millilitre", "millilitres"),
    "dl": ("décilitre", "décilitres"),
    "l": ("litre", "litres"),
    "L": ("litre", "litres"),
    "°C": ("degré Celsius", "degrés Celsius"),
    "°F": ("degré Fahrenheit", "degrés Fahrenheit"),
    "°": ("degré", "degrés"),
    "kWh": ("kilowattheure", "kilowattheures"),
    "MWh": ("mégawattheure", "mégawattheures"),
    "Wh": ("wattheure", "wattheures"),
    "kVA": ("kilovoltampère", "kilovoltampères"),
    "Mb": ("mégabit", "mégabits"),
    "Gb": ("gigabit", "gigabits"),
    "bar": ("bar", "bars"),
    "kW": ("kilowatt", "kilowatts"),
    "MW": ("mégawatt", "mégawatts"),
    "W": ("watt", "watts"),
    "V": ("volt", "volts"),
    "kHz": ("kilohertz", "kilohertz"),
    "MHz": ("mégahertz", "mégahertz"),
    "GHz": ("gigahertz", "gigahertz"),
    "Hz": ("hertz", "hertz"),
    "dB": ("décibel", "décibels"),
    "kcal": ("kilocalorie", "kilocalories"),
    "ko": ("kilooctet", "kilooctets"),
    "Ko": ("kilooctet", "kilooctets"),
    "Mo": ("mégaoctet", "mégaoctets"),
    "Go": ("gigaoctet", "gigaoctets"),
    "To": ("téraoctet", "téraoctets"),
    "ms": ("milliseconde", "millisecondes"),
    "min": ("minute", "minutes"),
    "mn": ("minute", "minutes"),
    "s": ("seconde", "secondes"),
    "j": ("jour", "jours"),
}
FEMININE_UNITS = frozenset({"t", "ms", "min", "mn", "s", "kcal"})
PER = {"h": "heure", "j": "jour", "s": "seconde", "m²": "mètre carré", "kg": "kilo", "L": "litre",
       "l": "litre", "m³": "mètre cube", "km": "kilomètre", "kWh": "kilowattheure"}  # fmt: skip
CURRENCIES = {
    "€": ("euro", "euros"),
    "EUR": ("euro", "euros"),
    "$": ("dollar", "dollars"),
    "USD": ("dollar", "dollars"),
    "£": ("livre", "livres"),
    "GBP": ("livre", "livres"),
    "CHF": ("franc suisse", "francs suisses"),
}
FEMININE_CURRENCIES = frozenset({"£", "GBP"})

# Nouns, or their endings, that make "un" feminine: "21 personnes" is "vingt et une personnes".
FEMININE_NOUN = (
    r"(?:personne|fois|page|heure|minute|seconde|semaine|demande|question|place|voix|étape|pièce|"
    r"cave|cuisine|salle|douche|porte|fenêtre|boîte|caisse|banque|date|dette|taxe|charge|prime|somme|"
    r"feuille|liste|note|tranche|zone|ville|école|classe|campagne|mairie|garantie|dépense|amende|"
    r"réponse|équipe|enquête|étude|image|visite|plainte|table|année|journée|matinée|soirée|"
    r"\w*copie|famille|femme|fille|adresse|photo|ligne|carte|tonne|règle|partie|chambre|maison|rue|"
    r"commune|voiture|facture|candidate|lettre|aide|offre|vie|nuit|chose|part|mensualité|"
    r"\w+(?:[ts]ion|ée|ité|ette|ance|ence|ure|ade|aine|trice|euse))s?\b"
)
# After these a single Roman letter is a number too.
BEFORE_ROMAN = (
    "chapitre|article|titre|tome|livre|annexe|partie|section|volume|acte|scène|phase|niveau|groupe|"
    "type|classe|catégorie|Louis|Henri|Charles|François|Philippe|Napoléon|Élisabeth|Elizabeth|Pie|"
    "Benoît|Léon|Georges?|Guillaume|Édouard|Jacques|Richard|Catherine|Alexandre|Nicolas|Clément|"
    "Jean-Paul|Jean|Paul|Albert|Léopold"
)

# Acronyms whose letters alone mislead: read as words, or letter by letter.
READ = frozenset(
    ("CAF", "ONU", "PIN", "SIM", "ZEP", "RIB", "BIC", "BAC", "URSSAF", "SMIC", "ZAC", "ZUP", "ENA",
     "SEM", "TIP", "LED", "DOM", "TOM", "UDAF", "CNAF", "CNAV", "CNAM", "ARRCO")
)  # fmt: skip
# Written in capitals to stress them.
STRESSED = frozenset(
    ("AU", "AUX", "AVEC", "DANS", "DE", "DES", "DU", "ELLE", "EN", "EST", "ET", "IL", "LA", "LE",
     "LES", "MAIS", "NE", "NI", "NON", "OU", "OUI", "PAR", "PAS", "PLUS", "POUR", "QUE", "QUI",
     "SANS", "SI", "SON", "SONT", "SOUS", "SUR", "TOUS", "TOUT", "UN", "UNE")
)  # fmt: skip
SPELLED = frozenset(
    ("AESH", "AMOA", "CESE", "CIAS", "CPAM", "EARL", "EPCI", "EURL", "IMEI", "JPEG", "RATP", "SARL",
     "SASU", "UDAP")
)  # fmt: skip
READ_AS = {"ELAN": "élan", "DRIHL": "dril", "GIP": "gip"}
