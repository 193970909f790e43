"""The dashboard for people in French: Grafana has no languages, so that it is a second one.

The others are in English alone, like the code, the metrics, the log and the page for operators.
"""

from dataclasses import replace

from deploy.grafana.panels import Dashboard, Panel, Row, Variable

WORDS = {
    "Palabre: people": "Palabre : les réponses",
    "Are answers good, quick and paid for?": (
        "Les réponses sont-elles bonnes, rapides et financées ?"
    ),
    "Space": "Espace",
    "Channel": "Canal",
    "At a glance": "En un coup d’œil",
    "Answered": "Questions répondues",
    "Of the questions that were not withdrawn, those that got an answer: from the knowledge, "
    "“I do not know”, or a refusal with its reason. Below the objective people are left "
    "without any word of use.": (
        "Part des questions maintenues qui ont reçu une réponse : tirée des documents, « je ne "
        "sais pas », ou un refus motivé. En dessous de l’objectif, des personnes restent sans "
        "réponse utile."
    ),
    "Does not know": "Ne sait pas",
    "Of the answers, those that say that the knowledge has nothing. Much of it means that "
    "documents are missing, or that people ask about something else.": (
        "Part des réponses qui disent que les documents ne contiennent rien. Si elle est "
        "élevée, il manque des documents, ou les questions portent sur autre chose."
    ),
    "First word, p95": "Premier mot, p95",
    "Nineteen out of twenty answers began to show within this time.": (
        "Dix-neuf réponses sur vingt ont commencé à s’afficher dans ce délai."
    ),
    "First sound, p95": "Premier son, p95",
    "Nineteen out of twenty spoken answers began to be heard within this time.": (
        "Dix-neuf réponses orales sur vingt ont commencé à se faire entendre dans ce délai."
    ),
    "Found helpful": "Jugées utiles",
    "Of the verdicts that people gave by the buttons below answers, the good ones.": (
        "Part des avis favorables parmi ceux donnés par les boutons sous les réponses."
    ),
    "Cost": "Coût",
    "What models and voices cost in the time that is shown, in each of its currencies.": (
        "Ce que les modèles et les voix ont coûté sur la période affichée, dans chaque devise."
    ),
    "Are promises kept?": "Les engagements sont-ils tenus ?",
    "How fast the budgets of errors burn": "Consommation des budgets d’erreur",
    "At 1 the errors of the last hour, kept up, would use up a month's budget in a month; at "
    "14.4 in two days, and somebody is called.": (
        "À 1, les erreurs de la dernière heure, si elles continuaient, épuiseraient le budget "
        "d’un mois en un mois ; à 14,4, en deux jours, et l’astreinte est appelée."
    ),
    "Alerts that fire": "Alertes en cours",
    "Each has a section in the page for operators, under its name.": (
        "Chacune a sa section, à son nom, dans la page d’exploitation."
    ),
    "Are answers good?": "Les réponses sont-elles bonnes ?",
    "How questions end": "Issue des questions",
    "Answers by their kind, and what was cancelled or failed. A growing share of failures is "
    "bad; the next panel has their reasons.": (
        "Réponses selon leur nature, annulations et échecs. Une part d’échecs qui augmente est "
        "mauvais signe ; leurs causes sont dans le panneau suivant."
    ),
    "Why questions fail": "Causes des échecs",
    "Reasons of turns that ended without an answer: late, the model gone, a space that is set "
    "up wrongly.": (
        "Pourquoi des questions sont restées sans réponse : délai dépassé, modèle "
        "indisponible, espace mal configuré."
    ),
    "Does not know, by space": "Ne sait pas, par espace",
    "The share of answers in which the knowledge had nothing. A step upwards after documents "
    "were changed means that something was lost.": (
        "Part des réponses pour lesquelles les documents ne contenaient rien. Une hausse "
        "brusque après une mise à jour des documents signifie que quelque chose a été perdu."
    ),
    "Verdicts": "Avis",
    "What people said of answers by the buttons below them, by hour.": (
        "Avis donnés par les boutons sous les réponses, heure par heure."
    ),
    "Citations taken out": "Citations retirées",
    "Of the passages that models cited, those that do not exist or do not say so, and were "
    "taken out before anybody saw them. Much of it means that the model is too weak.": (
        "Part des passages cités par les modèles qui n’existent pas ou ne disent pas cela, "
        "retirés avant d’être affichés. Si elle est élevée, le modèle est trop faible."
    ),
    "Refused": "Refus",
    "Questions that the rules of the space do not let be answered; each got a reason.": (
        "Questions auxquelles les règles de l’espace interdisent de répondre ; chaque refus "
        "est motivé."
    ),
    "Are they quick?": "Sont-elles rapides ?",
    "First word": "Premier mot",
    "From a question's admission to the first piece of its answer. Dots are single turns: one "
    "leads to its trace.": (
        "De l’arrivée de la question au premier fragment de la réponse. Chaque point est une "
        "question : il mène à sa trace."
    ),
    "First sound": "Premier son",
    "From a question's admission to the first sound that was given to a listener.": (
        "De l’arrivée de la question au premier son remis à la personne qui écoute."
    ),
    "Whole answer": "Réponse entière",
    "From a question's admission to the end of its answer, or to its failure. Long answers "
    "take long; the first word is what people wait for.": (
        "De l’arrivée de la question à la fin de la réponse, ou à son échec. Une longue "
        "réponse prend du temps ; c’est le premier mot que l’on attend."
    ),
    "Gaps in a minute of sound": "Coupures par minute de son",
    "How often a listener's sound ran out before more came. More than one in a minute is heard "
    "as stuttering.": (
        "Nombre de fois où le son a manqué avant que la suite n’arrive. À plus d’une par "
        "minute, la voix semble bégayer."
    ),
    "Sound given": "Son diffusé",
    "Seconds of speech in a second: how many listen at once.": (
        "Secondes de parole par seconde : le nombre de personnes qui écoutent en même temps."
    ),
    "Are they paid for?": "Sont-elles financées ?",
    "Cost by space and day": "Coût par espace et par jour",
    "What the calls of a day cost, each counted once, in the currency of its price.": (
        "Ce que les appels d’une journée ont coûté, chacun compté une fois, dans la devise de "
        "son tarif."
    ),
    "Cost of an hour, by model": "Coût d’une heure, par modèle",
    "What an hour would cost at the pace of now.": "Ce que coûterait une heure au rythme actuel.",
    "Budgets reached": "Budgets atteints",
    "Turns of the last hour that met a spent budget, by what became of them. Somebody then "
    "gets a cheaper model, or no answer: raise the budget or wait for its next day.": (
        "Questions de la dernière heure arrivées alors qu’un budget était épuisé, selon leur "
        "sort : un modèle moins cher, ou pas de réponse. Augmentez le budget, ou attendez le "
        "lendemain."
    ),
    "Calls without a price": "Appels sans tarif",
    "Calls of the last hour that no price is known for: no cost above has them.": (
        "Appels de la dernière heure dont le tarif est inconnu : aucun coût ci-dessus ne les "
        "compte."
    ),
    "Tokens": "Jetons",
    "Tokens in a second, by kind: what most of the cost comes from.": (
        "Jetons par seconde, selon leur nature : l’essentiel du coût en vient."
    ),
    "Where do people ask?": "Où les questions sont-elles posées ?",
    "Questions by channel": "Questions par canal",
    "What was admitted, wherever it was asked.": (
        "Questions acceptées, où qu’elles aient été posées."
    ),
    "Questions by space": "Questions par espace",
    "What was admitted, by whose knowledge it asks.": (
        "Questions acceptées, selon les documents sur lesquels elles portent."
    ),
    "Requests turned away": "Demandes différées",
    "Requests that may be made again later: too many at once, over a quota, a conversation "
    "that is still being answered.": (
        "Demandes à renouveler plus tard : trop nombreuses à la fois, quota dépassé, "
        "conversation dont la réponse est en cours."
    ),
    "taken out": "retirées",
}
# Values of labels, where they stand alone in a legend.
VALUES = {
    "grounded": "réponse documentée",
    "no_knowledge": "ne sait pas",
    "refused": "refus",
    "story": "récit",
    "asks": "demande de précision",
    "cancelled": "annulation",
    "failed": "échec",
    "good": "utile",
    "bad": "inutile",
    "withdrawn": "avis retiré",
}


def translated(given: Dashboard) -> Dashboard:
    """Raises KeyError for words that are not in WORDS."""
    return replace(
        given,
        uid=f"{given.uid}-fr",
        title=WORDS[given.title],
        description=WORDS[given.description],
        rows=tuple(_row(row) for row in given.rows),
        variables=tuple(_variable(each) for each in given.variables),
    )


def _row(row: Row) -> Row:
    return Row(WORDS[row.title], tuple(_panel(panel) for panel in row.panels))


def _panel(panel: Panel) -> Panel:
    legends = {query.legend for query in panel.queries}
    return replace(
        panel,
        title=WORDS[panel.title],
        description=WORDS[panel.description],
        queries=tuple(replace(q, legend=WORDS.get(q.legend, q.legend)) for q in panel.queries),
        read_on="Que faire",
        names=tuple(VALUES.items()) if legends & {"{{outcome}}", "{{verdict}}"} else (),
    )


def _variable(variable: Variable) -> Variable:
    return replace(variable, label=WORDS[variable.label])
