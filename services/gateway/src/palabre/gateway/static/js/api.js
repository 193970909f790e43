// The HTTP API as functions. A refusal is thrown as a Problem, a dead line as one with status 0.

export class Problem extends Error {
  /** `status`: the HTTP status, 0 when the server was not reached. `document`: problem+json, as far as it was told. */
  constructor(status, document = {}) {
    super(document.detail ?? `HTTP ${status}`);
    this.status = status;
    this.document = document;
  }
}

const API = "/api/v1";
const at = (...parts) => [API, ...parts.map(encodeURIComponent)].join("/");

const call = (method, address, body, headers = {}) =>
  fetched(method, address, body && JSON.stringify(body), { ...(body && { "content-type": "application/json" }), ...headers });

async function fetched(method, address, body, headers = {}) {
  const options = { method, headers: { accept: "application/json", ...headers }, body, credentials: "same-origin" };
  const response = await fetch(address, options).catch(() => {
    throw new Problem(0);
  });
  const told = await response.json().catch(() => ({}));
  if (!response.ok) throw new Problem(response.status, told);
  return told;
}

export const listSpaces = async () => (await call("GET", at("spaces"))).spaces;

export const beginConversation = (space, fields) => call("POST", at("spaces", space, "conversations"), fields);

export const readConversation = (id) => call("GET", at("conversations", id));

export const eraseConversation = (id) => call("DELETE", at("conversations", id));

/** The same `key` never asks twice, however often it is sent. */
export const ask = (conversation, fields, key) =>
  call("POST", at("conversations", conversation, "utterances"), fields, { "idempotency-key": key });

/** Keeps an image for the questions of this space; its `blob` goes into `attachments`. */
export function sendImage(space, file) {
  const form = new FormData();
  form.append("file", file);
  return fetched("POST", at("spaces", space, "blobs"), form);
}

export const imageAddress = (conversation, blob) => at("conversations", conversation, "images", blob);

export const cancel = (conversation, heard) => call("POST", at("conversations", conversation, "cancel"), { heard });

export const rate = (turn, score, comment) => call("POST", at("turns", turn, "feedback"), { score, comment });

export const eventsAddress = (conversation, turn) => `${at("conversations", conversation, "events")}?turn=${encodeURIComponent(turn)}`;

export const audioAddress = (turn, format) => `${at("turns", turn, "audio")}?format=${format}`;

export const documentAddress = (space, document) =>
  ["/sources", encodeURIComponent(space), ...document.split("/").map(encodeURIComponent)].join("/");
