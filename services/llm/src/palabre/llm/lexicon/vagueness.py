"""Words of messages that say too little to be answered, in French and English, without accents."""

# Something is out of order. Of these words alone nobody can tell what.
TROUBLE = """
    probleme problemes problem problems prob pb souci soucis issue issues trouble bug bugs bugge
    bugger bugue beug erreur erreurs error errors panne pannes plante plantes planter plantage
    crash crashes crashed crashing fail fails failed failing marche marchent marchait marcher
    fonctionne fonctionnent fonctionnait fonctionner work works working worked broken broke
    casse cassee casser bloque bloquee bloquer stuck coince coincee galere freeze freezes frozen
    wrong weird bizarre chelou strange rame lag lags laggy doesnt dont isnt wont cant didnt arrive
    arrives arriver reussis reussi
"""
MENDING = """
    reparer repare resoudre resolu regler regle corriger corrige debloquer fix fixed fixes solve
    solved repair install installer installe
"""
HELP = """
    aide aider aidez aides aidee help helped aled sos secours depanner depannage depanne support
    coup main besoin need needed conseil conseils advice
"""
# What a message is wrapped in.
WRAPPING = """
    question questions quest renseignement renseignements info infos information informations
    explication explications chose choses truc trucs thing things stuff something anything nothing
    quelqu quelque quelques quelqu'un personne gens monde anyone anybody someone somebody everyone
    everybody guys folks people salut slt bjr bsr cc coucou yo wesh hola merci mci thx ty thank
    avance advance ahead urgent urgence asap vite rapidement rapide quick quickly fast hier
    aujourd hui aujourdhui matin soir today yesterday morning maintenant toujours jamais still
    again anymore rien vraiment trop tres gros grosse petit petite grave nul big little small
    desole desolee pardon excusez sorry possible peut idee idees idea ideas solution solutions
    comprends comprend comprendre compris understand understood explique expliquer expliquez
    explain dispo disponible available repondre repondez reponse reponses answer answers reply
    poser demander demande demandais ask asking tell dites connait connaissez sachant savez sait
    nouveau nouvelle debutant debutante new newbie noob perdu perdue lost ok oui non yes nope ah
    euh bah ben hein lol mdr plz pls pliz svp stp stpl please up bump admin admins modo modos mod
    mods staff moderateur moderateurs moderator moderators essaye essayer essai try tried trying
    tente tout tous partout quoi koi pk pkoi pourkoi keske kesk comment how faire fais ici la
    depuis now jour jours day days semaine week heure heures heur hour hours happen happens
    happened happening passe passer going went keeps keep keeping get gets getting got cette ca sa
    cela this that chui suis jai jsp ptn putain wtf bordel man bro frere mec frr ca va idk dunno
    anyway vraiment really very please kindly sir madame monsieur bonne journee soiree nice good
    great normal desespere desesperee desperate want wanted voulais voudrai aimerais
    aimerai souhaite souhaiterais would love quelconque certain certaine pense crois guess think
    lundi mardi mercredi jeudi vendredi samedi dimanche monday tuesday wednesday thursday friday
    saturday sunday pourrait pourriez pouvais could pourrais seems semble like deja already since
    begin began start started soudain suddenly even meme technique technical
"""
# What can be out of order anywhere: with trouble, help or mending alone it says nothing.
ANYTHING = """
    pc ordi ordinateur ordinateurs computer laptop portable machine appareil appareils device
    devices jeu jeux game games appli applis app apps application applications logiciel logiciels
    software programme program site sites website page systeme system telephone phone tel mobile
    code script projet project ecran screen fichier fichiers file files
"""

# Whoever speaks so is not asked for the name of an appliance.
HEARTFELT = (
    r"\b(en p(eu|e)(x|t|ut)? plus|n'en peux|a bout|vais? (pas|tres|trop) (mal|bien)|va(is)? mal"
    r"|vais pas bien|craque|j'ai peur|triste|tout seule?|deprim\w*|depress\w*|can'?t take"
    r"|can'?t go on|feel (so )?(bad|sad|alone|down)|i'?m (scared|afraid|sad|alone)|afraid|scared)\b"
)
ABOUT_US = (
    r"\b(qui (es|etes|est)|t'?es qui|tu es|t'?es|etes vous|es tu|tu fais quoi|tu sers? a quoi"
    r"|sers? tu|(tu|vous) (sais|savez|peux|pouvez) faire|(sais|peux|savez|pouvez) (tu|vous) faire"
    r"|comment (tu|vous) (vas|allez|t'?appelles?)|ton nom|votre nom|who are|what are you"
    r"|are you|can you do|do you do|your name|how are)\b"
)
# A question that names what it is about. The second ones only where a clause begins.
ASKING = (
    r"\b(comment|combien|quels?|quelles?|où|quoi|koi|kel|pourquoi|pk|how|what|where|which|why)\b"
    r"|(^|[,.!?;:\n])\s*(et |mais |and |so |but )?(qui|que|qu'|quand|est-ce|est ce|peut-on|peut on"
    r"|puis-je|dois-je|doit-on|faut-il|ai-je|a-t-on|y a-t-il|il y a|existe|peux-tu|pouvez-vous"
    r"|avez-vous|c'est|who|when|can|could|do|does|is|are|should|may|will|has|have|any)\b"
)
