"""What an adapter itself says to people, in French and English."""

from palabre.contracts.v1 import events_pb2 as pb

_PHRASES: dict[str, dict[str, str]] = {
    "waiting": {
        "fr": "La réponse prend plus de temps que d’habitude. Merci de patienter encore un peu.",
        "en": "The answer is taking longer than usual. Thank you for waiting a little more.",
    },
    "expired": {
        "fr": "Désolé, la réponse n’est pas arrivée à temps. Vous pouvez reposer votre question.",
        "en": "Sorry, the answer did not come in time. You can ask your question again.",
    },
    "unavailable": {
        "fr": "Désolé, le service ne répond pas pour le moment. Vous pouvez réessayer"
        " dans un instant.",
        "en": "Sorry, the service does not answer at the moment. You can try again shortly.",
    },
    "interrupted": {
        "fr": "Désolé, la réponse s’est interrompue. Vous pouvez reposer votre question.",
        "en": "Sorry, the answer broke off. You can ask your question again.",
    },
    "rejected": {
        "fr": "Désolé, cette question n’a pas pu être traitée.",
        "en": "Sorry, this question could not be processed.",
    },
    "budget_person_day": {
        "fr": "Vous avez atteint votre limite de questions pour aujourd’hui. Vous pourrez en poser"
        " d’autres dès demain.",
        "en": "You have reached your limit of questions for today. You can ask more from tomorrow.",
    },
    "budget_person_month": {
        "fr": "Vous avez atteint votre limite de questions pour ce mois-ci. Vous pourrez en poser"
        " d’autres dès le 1er du mois prochain.",
        "en": "You have reached your limit of questions for this month. You can ask more from the"
        " first of next month.",
    },
    "budget_shared_day": {
        "fr": "Le budget de réponses est épuisé pour aujourd’hui. Vous pourrez reposer votre"
        " question dès demain.",
        "en": "The budget for answers is used up for today. You can ask again from tomorrow.",
    },
    "budget_shared_month": {
        "fr": "Le budget de réponses est épuisé pour ce mois-ci. Vous pourrez reposer votre"
        " question dès le 1er du mois prochain.",
        "en": "The budget for answers is used up for this month. You can ask again from the first"
        " of next month.",
    },
    "budget": {
        "fr": "Vous avez atteint la limite de questions pour aujourd’hui. Revenez demain.",
        "en": "You have reached today’s limit of questions. Please come back tomorrow.",
    },
}


def phrase(key: str, language: str) -> str:
    """In this language (BCP 47), else in French for "fr-…", else in English."""
    texts = _PHRASES.get(key, _PHRASES["unavailable"])
    return texts.get(language.split("-")[0].lower(), texts["en"])


def reason_name(reason: pb.FailureReason.ValueType) -> str:
    """expired, unavailable, interrupted, rejected or budget."""
    name = pb.FailureReason.Name(reason) if reason in pb.FailureReason.values() else ""
    return name.removeprefix("FAILURE_REASON_").lower() or "unavailable"
