"""Who is spoken of."""

PARTNER = (
    "(?:mari|conjoint|compagnon|copain|mec|ex|ex mari|ex conjoint|ex copain|homme|epoux|femme"
    "|epouse|conjointe|compagne|copine|concubin|cheri)"
)
PARENT = (
    "(?:pere|papa|daron|beau pere|mere|maman|darone|belle mere|parents|tuteur|oncle|tante"
    "|grand pere|grand mere|papi|papy|cousin|padre)"
)
FAMILY = f"(?:{PARTNER}|{PARENT}|frere|grand frere|soeur|fils|fille|beau frere|famille)"
CHILD = (
    "(?:enfants?|fils|filles?|bebes?|gamine?s?|gosses?|mineure?s?|nourrissons?|petite? voisine?"
    "|petits? (?:enfants?|garcons?|freres?)|petites? (?:filles?|soeurs?)|neveux?|nieces?|eleves?)"
)
PEOPLE = (
    "(?:propri(?:o|etaire)s?|gardiene?s?|voisine?s?|bailleurs?|agents?|employee?s?|conseilleres?"
    "|conseillers?|concierges?|mari|femme|ex|gens|types?|mecs?|directeurs?|directrices?|syndics?"
    "|facteurs?|juges?|maires?|huisiers?|locataires?|responsables?|chefs?|patrons?|colegues?)"
)
YOUR = (
    "(?:un|une|le|la|les|l|ce|cet|cette|ces|mon|ma|mes|son|sa|ses|leur|leurs|votre|vos|ton|ta|tes)"
)
