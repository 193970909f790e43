"""What the stand-in says: a space, an answer with its sources, and their documents."""

from typing import Any

from palabre.chassis.spaces import parse
from palabre.contracts.v1 import retriever_pb2, turns_pb2

SPACE = parse(
    {
        "schema": 1,
        "name": "La Maison du Compost",
        "languages": ["fr", "en"],
        "default_persona": "awa",
        "greeting": {
            "fr": "Bonjour ! Installez-vous à l’ombre : que voulez-vous savoir du compost ?",
            "en": "Hello! Take a seat in the shade: what would you like to know about compost?",
        },
        "disclaimer": {
            "fr": "Les réponses viennent des guides de la Maison du Compost"
            " et ne remplacent pas l’avis de votre commune.",
            "en": "Answers come from the guides of the house and do not replace local advice.",
        },
        "examples": {
            "fr": [
                "Combien de temps faut-il pour obtenir du compost mûr ?",
                "Peut-on y mettre des agrumes ?",
                "Que faire si le tas sent mauvais ?",
            ],
            "en": ["How long until compost is ripe?", "May I add citrus fruit?"],
        },
        "channels": {"web": {}},
        "personas": {
            "awa": {
                "name": "Awa",
                "identity": {"fr": "Conseillère."},
                "avatar": {"colour": "#b5541c", "initials": "AW"},
            },
            "bastien": {
                "name": "Bastien",
                "identity": {"fr": "Jardinier."},
                "avatar": {"colour": "#2f6f5e", "initials": "BA"},
            },
            "chloe": {
                "name": "Chloé",
                "identity": {"fr": "Chimiste."},
                "avatar": {"colour": "#e3b04b", "initials": "CH"},
            },
        },
    }
)
ANSWER = """Comptez **six à neuf mois** dans un composteur bien tenu [1], \
et jusqu’à un an si le tas n’est jamais retourné [1, 2].

Trois gestes l’accélèrent :

- **brasser** le tas toutes les deux semaines, pour que l’air y entre [2] ;
- équilibrer les matières *humides* (épluchures) et *sèches* (feuilles, carton) [1] ;
- garder le tas humide comme une éponge essorée.

| Saison | Durée | Brassage |
|---|---|---|
| Été | 4 à 6 mois | chaque semaine |
| Hiver | 9 à 12 mois | une fois par mois |

### Comment savoir qu’il est mûr ?

Il est brun foncé, il s’émiette et il sent le sous-bois [2]. Voyez \
[le guide du brassage](https://guides.example/brassage) pour le geste, en images.
"""
SOURCES: list[dict[str, Any]] = [
    {
        "number": 1,
        "document": "guides/durée et matières.md",
        "title": "Le compost, de l’épluchure au jardin",
        "heading_path": ["Bien composter", "La durée"],
        "text": "Le compost est une affaire de patience. Dans un composteur **bien tenu**, il est"
        " mûr au bout de six à neuf mois.\n\nÉquilibrez toujours :\n\n- les matières humides ;\n"
        "- les matières sèches.",
        "quote": "Dans un composteur bien tenu, il est mûr au bout de six à neuf mois.",
        "url": "",
        "page": 12,
        "score": 0.9,
    },
    {
        "number": 2,
        "document": "guides/brassage.md",
        "title": "Brasser son compost",
        "heading_path": ["Les gestes"],
        "text": "Brassez le tas toutes les deux semaines. Un compost mûr est brun foncé,"
        " s’émiette et sent le sous-bois.",
        "quote": "sent le sous-bois",
        "url": "https://guides.example/brassage",
        "page": None,
        "score": 0.8,
    },
]
NO_KNOWLEDGE = (
    "Je ne trouve pas la réponse dans les guides. L’accueil de la Maison du Compost"
    " vous renseignera, du mardi au samedi."
)
DOCUMENTS = {
    source["document"]: retriever_pb2.GetDocumentResponse(
        entry=retriever_pb2.DocumentEntry(
            document=source["document"], title=source["title"], language="fr", url=source["url"]
        ),
        passages=[
            turns_pb2.Passage(
                heading_path=source["heading_path"],
                text=source["text"],
                page=source["page"],
                language="fr",
            ),
            turns_pb2.Passage(heading_path=["La suite"], text="Une **autre** partie du guide."),
        ],
    )
    for source in SOURCES
}
