"""Words of adventures, by which the guard knows that characters are spoken of."""

from palabre.llm.lexicon.people import FAMILY, PEOPLE

# Plain spelling without accents; see the package's docstring.
CHARACTERS = (
    r"(?:dragons?|dragonnes?|rois?|reines?|princes?|princesses?|chevaliers?|chevalieres?"
    r"|sorciers?|sorcieres?|magiciens?|magiciennes?|mages?|enchanteurs?|enchanteresses?"
    r"|necromanciens?|gobelins?|orques?|orcs?|trolls?|ogres?|ogresses?|geants?|geantes?|demons?"
    r"|vampires?|loups?|loups? garous?|spectres?|fantomes?|squelettes?|monstres?|sirenes?|pirates?"
    r"|bandits?|brigands?|gardes|sentinelles?|barbares?|elfes?|nains?|naines?|lutins?|fees?"
    r"|geoliers?|bourreaux?|maratres?|assassins?|heros|heroines?|personnages?|aventuriers?"
    r"|aventurieres?|guerriers?|guerrieres?|bardes?|tavernes?|taverniers?|chateaux?|donjons?"
    r"|royaumes?|trones?|couronnes?|epees?|hallebardes?|boucliers?|sceptres?|sortileges?"
    r"|grimoires?|quetes?|seigneurs?|manoirs?|chapitre|gardien(?:ne|s)? (?:du|de la|des) (?:pont"
    r"|phare|temple|tour|tombeau|tresor|porte|foret|donjon|lac|moulin)"
    r"|kings?|queens?|knights?|wizards?|witch(?:es)?|goblins?|ogres?|giants?|swords?|dungeons?"
    r"|castles?|kingdoms?|guards|characters?|heroes|heroine|villains?)"
)
# Feats that would be a cry for help elsewhere.
DARING = (
    r"(?:saut\w*|jete\w*|plonge\w*|lance\w*|tombe\w*)(?: \w+){1,6} (?:pour|afin de|afin d)"
    r" (?:\w+ )?(?:echapper|fuir|rattraper|attraper|sauver|atteindre|rejoindre|suivre|poursuivre"
    r"|surprendre|esquiver|eviter|delivrer|recuperer|atterrir)",
    r"(?:jump|leap|dive)(?: \w+){1,6} to (?:escape|flee|catch|save|reach|follow|dodge)",
)
OWN_PEOPLE = rf"(?:mon|ma|mes|notre|nos|my|our)(?: (?:petite?|grande?))? (?:{FAMILY}|{PEOPLE})"
