"""What people wrote, without what tells who they are."""

import pytest

from palabre.discord.masking import MASK, masked


@pytest.mark.parametrize(
    "secret",
    [
        "jeanne.dupont+hlm@exemple.fr",
        "06 12 34 56 78",
        "0612345678",
        "+33 6 12 34 56 78",
        "01.23.45.67.89",
        "+1 (555) 123-4567",
        "FR76 3000 6000 0112 3456 7890 189",
        "1 85 05 78 006 084 36",
        "4970 1012 3456 7890",
        "ghp_16C7e42F292c6912E7710c838347Ae178B4a",
        "sk-proj-abc123DEF456ghi789JKL012",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dozjgNryP4J3jVmNHl0w5N",
        "192.168.1.42",
        "https://discord.com/channels/100000000000000001/100000000000000013",
    ],
)
def test_personal_data_and_keys_are_masked(secret: str) -> None:
    assert masked(f"Voici : {secret}, merci.") == f"Voici : {MASK}, merci."


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("mon mot de passe : Azerty12!", f"mon mot de passe : {MASK}"),
        ("password = hunter2", f"password = {MASK}"),
        ("https://moi:secret@exemple.fr/aide?session=42#haut", "https://exemple.fr/aide"),
    ],
)
def test_secrets_are_masked_where_they_are_named(text: str, left: str) -> None:
    assert masked(text) == left


@pytest.mark.parametrize(
    "text",
    [
        "Le loyer de 1 250,50 euros est dû le 5, soit 15 000 euros par an.",
        "La chaudière affiche E133 depuis le 12/03/2026 à 18 h 30.",
        "Mot de passe oublié : cliquez sur le lien.",
        "Voir https://www.exemple.fr/aides/logement-social-2026",
        "Appelez le 3949.",
        "Une rose est une rose.",
    ],
)
def test_what_tells_nothing_of_anybody_stays(text: str) -> None:
    assert masked(text, ["Rose", "Al"]) == text


def test_the_names_of_those_who_spoke_are_masked() -> None:
    text = "Merci @Bruno, Alice-Marie avait raison. Signé : Jean_Pierre"
    names = ["Bruno Petit", "Alice-Marie", "Jean_Pierre"]
    assert masked(text, names) == f"Merci {MASK}, {MASK} avait raison. Signé : {MASK}"
