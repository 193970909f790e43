// Every word of the interface, in French and in English.
//
// French is written here with ordinary spaces; `typeset` puts the narrow no-break spaces where they belong.

const FR = {
  language: "Langue de l’interface",
  personas: "Qui vous répond ?",
  newConversation: "Nouvelle conversation",
  conversation: "Conversation",
  examples: "Vous pouvez demander, par exemple :",
  elsewhere: "À découvrir aussi :",
  aiNotice: "Une intelligence artificielle vous répond. Elle peut se tromper : vérifiez les sources.",
  question: "Votre question",
  placeholder: "Posez votre question…",
  send: "Envoyer",
  attach: "Joindre une image",
  images: "Images jointes",
  imageAlone: "Une image",
  imageLost: "{name} : cette image n’est plus conservée.",
  sendingImage: "Envoi de l’image…",
  removeImage: "Retirer l’image {name}",
  imageRefused: "L’image {name} n’a pas pu être lue. Joignez-la en PNG, JPEG, WebP ou GIF, et plus petite.",
  tooMuchSent: "Vous avez envoyé beaucoup d’images. Posez votre question sans image, ou réessayez dans une heure.",
  tooManyImages: "{count} images au plus : les autres n’ont pas été jointes.",
  stop: "Arrêter",
  aloud: "Lire à voix haute",
  aloudOn: "Lecture à voix haute activée : les réponses sont dites par une voix de synthèse.",
  aloudOff: "Lecture à voix haute désactivée.",
  keys: "Entrée pour envoyer, Maj + Entrée pour aller à la ligne, Échap pour arrêter.",
  tooLong: "Votre question est trop longue de {count} caractères. Raccourcissez-la pour l’envoyer.",
  thinking: "{name} cherche dans les documents…",
  writing: "{name} écrit…",
  said: "{name} a répondu :",
  asked: "Vous avez demandé :",
  sources: "Sources",
  source: "Source {number} : {title}",
  page: "p. {number}",
  showSource: "Afficher la source {number} : {title}",
  backToText: "Revenir au texte",
  openDocument: "Ouvrir le document",
  openSite: "Voir la page d’origine",
  newTab: "(nouvel onglet)",
  listen: "Écouter",
  stopListening: "Arrêter la lecture",
  voiceFailed: "La voix n’est pas disponible pour le moment. La réponse reste lisible ci-dessus.",
  copy: "Copier",
  copied: "Réponse copiée",
  again: "Reposer la question",
  good: "Réponse utile",
  bad: "Réponse inutile",
  thanks: "Merci de votre avis.",
  whatWasWrong: "Que manquait-il ? (facultatif)",
  sendComment: "Envoyer l’avis",
  noComment: "Ne rien ajouter",
  rateFailed: "Votre avis n’a pas pu être enregistré. Vous pouvez réessayer.",
  noKnowledge: "Pas de réponse dans les documents",
  cancelled: "Réponse arrêtée.",
  done: "Réponse terminée.",
  doneSources: "Réponse terminée, {count} sources.",
  doneSource: "Réponse terminée, une source.",
  retry: "Réessayer",
  reload: "Recharger la page",
  failed: "La réponse n’a pas pu être terminée.",
  offline: "Vous êtes hors ligne. Votre question partira quand la connexion sera revenue, avec « Réessayer ».",
  reconnecting: "La connexion est interrompue. Reprise en cours…",
  unreachable: "Palabre ne répond pas. Vérifiez votre connexion, puis réessayez.",
  unavailable: "Palabre est momentanément indisponible. Réessayez dans un instant.",
  tooMany: "Vous avez posé beaucoup de questions en peu de temps. Patientez un instant, puis réessayez.",
  notAllowed: "Votre visite a expiré. Rechargez la page pour continuer.",
  refusedText: "Cette question n’a pas pu être acceptée. Modifiez-la ou raccourcissez-la.",
  unknownSpace: "Cet espace n’existe pas ou n’est pas ouvert au public. Vérifiez l’adresse de la page.",
  more: "Suite de la réponse",
  erase: "Effacer la conversation",
  eraseTitle: "Effacer cette conversation ?",
  eraseText: "Vos questions et les réponses seront supprimées définitivement, ici et sur le serveur.",
  eraseYes: "Effacer",
  eraseNo: "Garder",
  eraseFailed: "La conversation n’a pas pu être effacée. Réessayez dans un instant.",
  erased: "Conversation effacée.",
};

const EN = {
  language: "Language of the interface",
  personas: "Who answers you?",
  newConversation: "New conversation",
  conversation: "Conversation",
  examples: "You can ask, for example:",
  elsewhere: "Also here:",
  aiNotice: "An artificial intelligence answers you. It can be wrong: check the sources.",
  question: "Your question",
  placeholder: "Ask your question…",
  send: "Send",
  attach: "Attach an image",
  images: "Attached images",
  imageAlone: "An image",
  imageLost: "{name}: this image is no longer kept.",
  sendingImage: "Sending the image…",
  removeImage: "Remove the image {name}",
  imageRefused: "The image {name} could not be read. Attach it as PNG, JPEG, WebP or GIF, and smaller.",
  tooMuchSent: "You have sent many images. Ask without one, or try again in an hour.",
  tooManyImages: "At most {count} images: the others were not attached.",
  stop: "Stop",
  aloud: "Read aloud",
  aloudOn: "Reading aloud is on: answers are spoken by a synthetic voice.",
  aloudOff: "Reading aloud is off.",
  keys: "Enter to send, Shift + Enter for a new line, Esc to stop.",
  tooLong: "Your question is {count} characters too long. Shorten it to send it.",
  thinking: "{name} is looking through the documents…",
  writing: "{name} is writing…",
  said: "{name} answered:",
  asked: "You asked:",
  sources: "Sources",
  source: "Source {number}: {title}",
  page: "p. {number}",
  showSource: "Show source {number}: {title}",
  backToText: "Back to the text",
  openDocument: "Open the document",
  openSite: "See the original page",
  newTab: "(new tab)",
  listen: "Listen",
  stopListening: "Stop reading",
  voiceFailed: "The voice is not available at the moment. The answer can still be read above.",
  copy: "Copy",
  copied: "Answer copied",
  again: "Ask again",
  good: "Useful answer",
  bad: "Useless answer",
  thanks: "Thank you for your feedback.",
  whatWasWrong: "What was missing? (optional)",
  sendComment: "Send feedback",
  noComment: "Nothing to add",
  rateFailed: "Your feedback could not be saved. You can try again.",
  noKnowledge: "No answer in the documents",
  cancelled: "Answer stopped.",
  done: "The answer is complete.",
  doneSources: "The answer is complete, {count} sources.",
  doneSource: "The answer is complete, one source.",
  retry: "Try again",
  reload: "Reload the page",
  failed: "The answer could not be finished.",
  offline: "You are offline. Send your question with “Try again” once the connection is back.",
  reconnecting: "The connection broke. Resuming…",
  unreachable: "Palabre does not answer. Check your connection, then try again.",
  unavailable: "Palabre is unavailable for the moment. Try again shortly.",
  tooMany: "You have asked many questions in a short time. Wait a moment, then try again.",
  notAllowed: "Your visit has expired. Reload the page to go on.",
  refusedText: "This question could not be accepted. Change it or shorten it.",
  unknownSpace: "This space does not exist or is not open to the public. Check the address of the page.",
  more: "Rest of the answer",
  erase: "Erase the conversation",
  eraseTitle: "Erase this conversation?",
  eraseText: "Your questions and the answers will be deleted for good, here and on the server.",
  eraseYes: "Erase",
  eraseNo: "Keep",
  eraseFailed: "The conversation could not be erased. Try again shortly.",
  erased: "Conversation erased.",
};

/** French typography: narrow no-break space before ? ! ;, no-break space before : and inside « ». */
export const typeset = (text) =>
  text
    .replace(/ ([?!;])/g, "\u202f$1")
    .replace(/ ([:»])/g, "\u00a0$1")
    .replace(/« /g, "«\u00a0");

const french = Object.fromEntries(Object.entries(FR).map(([key, text]) => [key, typeset(text)]));
const WORDS = { fr: french, en: EN };

export const LANGUAGES = { fr: "Français", en: "English" };

/** Returns the words of a language as a function: `t("source", {number: 1, title: "…"})`. */
export function translator(language) {
  const words = WORDS[language] ?? WORDS.fr;
  return (key, values = {}) => words[key].replace(/\{(\w+)\}/g, (_, name) => String(values[name]));
}

/** The key of the sentence that explains a refusal with this HTTP status (0: not reached). */
export function explanation(status) {
  if (status === 0) return globalThis.navigator?.onLine === false ? "offline" : "unreachable";
  if (status === 401 || status === 403) return "notAllowed";
  if (status === 429) return "tooMany";
  if ([400, 413, 415, 422].includes(status)) return "refusedText";
  return status === 404 ? "unknownSpace" : "unavailable";
}

/** A text that a space gives in several languages, in this one if there is one. */
export function inLanguage(texts = {}, language = "fr") {
  return texts[language] ?? texts[language.split("-")[0]] ?? texts.fr ?? Object.values(texts)[0];
}
