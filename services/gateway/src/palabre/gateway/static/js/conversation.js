// The conversation of this tab: its turns, and what a person may do. It knows no DOM.
import * as api from "./api.js";
import { listen } from "./events.js";
import { ENDED, assemble, newTurn, restore } from "./stream.js";

const newKey = () => globalThis.crypto.randomUUID?.() ?? Array.from(crypto.getRandomValues(new Uint32Array(4))).join("-");

const PATIENCE_MS = 1000;

/** Fires "change" after each change. Turns are replaced, never changed: compare them by identity. */
export class Conversation extends EventTarget {
  #stops = new Map(); // turn id -> stop listening
  #silence = 0;

  /** `memory.get/set("conversation:<space>")` keeps the id over a reload. */
  constructor(space, memory) {
    super();
    this.space = space;
    this.memory = memory;
    this.id = memory.get(`conversation:${space}`) ?? "";
    this.turns = [];
    this.connected = true;
  }

  get running() {
    return this.turns.findLast((turn) => ["sending", "running"].includes(turn.status));
  }

  /** Shows again what was said before a reload; a conversation that is gone is forgotten. */
  async restore() {
    if (!this.id) return;
    try {
      const told = await api.readConversation(this.id);
      this.#set(told.turns.map((turn) => restore(turn, newTurn("", { images: this.#images(turn) }))));
      for (const turn of this.turns) if (!ENDED.has(turn.status)) this.#follow(turn.id);
    } catch (error) {
      if (!(error instanceof api.Problem)) throw error;
      if (error.status === 0 || error.status >= 500) throw error;
      this.#remember("");
    }
  }

  /** Sends a question; what runs is interrupted. Resolves to the turn's id, or "" when it could not be sent. */
  async ask(question, { persona, language, speech, images = [] }) {
    return this.#send(newTurn(question, { key: newKey(), persona, images, wanted: { persona, language, speech } }));
  }

  /** Asks again what could not be sent or answered: the unsent with the same key, so it is never asked twice. */
  async retry(turn, { speech }) {
    const kept = turn.status === "unsent" ? turn.key : newKey();
    const wanted = { ...(turn.wanted ?? { persona: turn.persona }), speech };
    this.#set(this.turns.filter((one) => one !== turn));
    return this.#send(newTurn(turn.question, { key: kept, persona: turn.persona, images: turn.images, wanted }));
  }

  /** `heard`: code points that were heard, when the answer was spoken. */
  async stop(heard) {
    const turn = this.running;
    if (!turn?.id) return;
    try {
      await api.cancel(this.id, heard ?? turn.length);
    } catch (error) {
      if (!(error instanceof api.Problem)) throw error;
      await this.#refresh(turn.id); // it ended by itself, or the line is dead
    }
  }

  /** Leaves this conversation; the server keeps it until it expires. */
  leave() {
    for (const stop of this.#stops.values()) stop();
    this.#stops.clear();
    this.#remember("");
    this.#set([]);
  }

  /** Leaves it and has it erased everywhere. Throws a Problem when that failed. */
  async erase() {
    if (this.id) await api.eraseConversation(this.id);
    this.leave();
  }

  async rate(turn, score, comment) {
    await api.rate(turn.id, score, comment);
  }

  async #send(turn) {
    this.#set([...this.turns, turn]);
    try {
      const { turn: id } = await this.#post(turn);
      this.#replace(turn.key, { ...turn, id, status: "running" });
      this.#follow(id);
      return id;
    } catch (error) {
      if (!(error instanceof api.Problem)) throw error;
      this.#replace(turn.key, { ...turn, status: "unsent", problem: error.status });
      return "";
    }
  }

  /** A conversation that expired meanwhile is begun anew, once. */
  async #post(turn) {
    const { persona, language, speech } = turn.wanted;
    const attachments = turn.images.map(({ blob, name }) => ({ blob, name }));
    const fields = { text: turn.question, persona, speech, interrupt: true, ...(attachments.length && { attachments }) };
    const fresh = !this.id;
    if (fresh) await this.#begin({ persona, language });
    try {
      return await api.ask(this.id, fields, turn.key);
    } catch (error) {
      if (fresh || error.status !== 404) throw error;
      await this.#begin({ persona, language });
      return api.ask(this.id, fields, turn.key);
    }
  }

  #images({ attachments = [] }) {
    return attachments.map(({ blob, name }) => ({ blob, name, url: api.imageAddress(this.id, blob) }));
  }

  async #begin(fields) {
    const { id } = await api.beginConversation(this.space, fields);
    this.#remember(id);
  }

  #follow(id) {
    const events = {
      heard: (name, data) => this.#apply(id, name, data),
      connected: (connected) => this.#line(connected),
      lost: () => this.#refresh(id),
    };
    this.#stops.set(id, listen(api.eventsAddress(this.id, id), events));
  }

  #apply(id, name, data) {
    const turn = this.turns.find((one) => one.id === id);
    if (turn) this.#update(turn, assemble(turn, name, data));
  }

  /** Asks how a turn stands. True when nothing more is to be waited for. */
  async #refresh(id) {
    try {
      const told = (await api.readConversation(this.id)).turns.find((one) => one.id === id);
      const turn = this.turns.find((one) => one.id === id);
      if (told && turn) this.#update(turn, restore(told, turn));
      return !turn || !told || ENDED.has(told.status);
    } catch (error) {
      if (!(error instanceof api.Problem)) throw error;
      if (error.status !== 404) return false;
      this.#apply(id, "failed", { turn: id, message: "", retryable: true });
      return true;
    }
  }

  #update(before, turn) {
    if (turn === before) return;
    if (ENDED.has(turn.status)) {
      this.#stops.get(turn.id)?.();
      this.#stops.delete(turn.id);
      this.#line(true);
    }
    this.#set(this.turns.map((one) => (one === before ? turn : one)));
  }

  #replace(key, turn) {
    this.#set(this.turns.map((one) => (one.key === key ? turn : one)));
  }

  /** A line that is back within a second was never worth a word. */
  #line(connected) {
    clearTimeout(this.#silence);
    this.#silence = setTimeout(() => this.#setConnected(connected), connected ? 0 : PATIENCE_MS);
  }

  #setConnected(connected) {
    this.connected = connected;
    this.dispatchEvent(new Event("change"));
  }

  #remember(id) {
    this.id = id;
    this.memory.set(`conversation:${this.space}`, id || null);
  }

  #set(turns) {
    this.turns = turns;
    this.dispatchEvent(new Event("change"));
  }
}
