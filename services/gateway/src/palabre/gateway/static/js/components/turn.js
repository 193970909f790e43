// One question and its answer, from the first word to the sources.
import { html, nothing } from "../../vendor/lit.min.js";
import { explanation } from "../i18n.js";
import { allowances, parse } from "../markdown.js";
import { avatar } from "./avatar.js";
import { againIcon, checkIcon, copyIcon, silentIcon, voiceIcon } from "./icons.js";
import { Part } from "./part.js";
import "./feedback.js";
import "./sources.js";
import "./tree.js";

const COPIED_MS = 2500;

class Turn extends Part {
  static properties = { turn: {}, persona: {}, space: {}, speaking: {}, voiceFailed: {}, t: {}, copied: { state: true }, lost: { state: true } };

  constructor() {
    super();
    this.lost = []; // images that are no longer kept
  }

  willUpdate(changed) {
    if (changed.has("turn") || changed.has("t")) this.tree = this.#parse();
  }

  #parse() {
    const { text, sources } = this.turn;
    const label = (number, title) => this.t("showSource", { number, title });
    return parse(text, allowances(sources, label), { writing: this.turn.status !== "completed" });
  }

  get writing() {
    return ["sending", "running"].includes(this.turn.status);
  }

  render() {
    const { turn, persona } = this;
    const id = `question-${turn.id || turn.key}`;
    return html`<article class="turn ${turn.status}" aria-labelledby=${id}>
      <h2 class="question" id=${id}><span class="unseen">${this.t("asked")} </span>${turn.question || this.t("imageAlone")}${this.#images()}</h2>
      <div class="who ${this.writing ? "writing" : ""} ${this.speaking ? "speaking" : ""}">${avatar(persona)}</div>
      <div class="said">
        <p class="name">${persona.name} ${this.#state()}</p>
        <palabre-tree class="text" lang=${turn.language || nothing} .tree=${this.tree} @click=${this.#cite}></palabre-tree>
        <span class="end"></span>
        ${this.#after()}
      </div>
    </article>`;
  }

  #images() {
    const { images } = this.turn;
    return images.length ? html`<span class="images">${images.map((image) => this.#image(image))}</span>` : nothing;
  }

  #image(image) {
    const name = image.name || this.t("imageAlone");
    if (this.lost.includes(image)) return html`<span class="lost">${this.t("imageLost", { name })}</span>`;
    return html`<img src=${image.url} alt=${name} @error=${() => (this.lost = [...this.lost, image])} />`;
  }

  #state() {
    if (this.writing && !this.turn.text) return html`<span class="state">${this.t("thinking", { name: "" }).trim()}</span>`;
    if (this.turn.mode === "no_knowledge") return html`<span class="state tag">${this.t("noKnowledge")}</span>`;
    return nothing;
  }

  #after() {
    const { turn } = this;
    if (turn.notice) return html`<p class="notice">${turn.notice}</p>`;
    if (this.writing) return nothing;
    return [this.#problem(), this.#sources(), turn.disclaimer ? html`<p class="disclaimer">${turn.disclaimer}</p>` : nothing, this.#actions()];
  }

  #problem() {
    const { status, message, problem } = this.turn;
    if (status === "cancelled") return html`<p class="notice">${this.t("cancelled")}</p>`;
    if (status === "failed") return this.#sorry(message || this.t("failed"), this.turn.retryable);
    if (status === "unsent") return this.#sorry(this.t(explanation(problem)), ![401, 403].includes(problem));
    return nothing;
  }

  #sorry(sentence, retryable) {
    const reload = this.turn.status === "unsent" && !retryable;
    return html`<div class="sorry">
      <p>${sentence}</p>
      ${retryable ? html`<button type="button" class="small" @click=${() => this.tell("retry", this.turn)}>${this.t("retry")}</button>` : nothing}
      ${reload ? html`<button type="button" class="small" @click=${() => location.reload()}>${this.t("reload")}</button>` : nothing}
    </div>`;
  }

  #sources() {
    const { sources, id } = this.turn;
    if (!sources.length) return nothing;
    return html`<palabre-sources .sources=${sources} .space=${this.space} .turn=${id} .t=${this.t}></palabre-sources>`;
  }

  #actions() {
    const { status, id, question } = this.turn;
    const images = this.turn.images.filter((image) => !this.lost.includes(image));
    if (!["completed", "cancelled"].includes(status)) return nothing;
    const again = html`<button type="button" class="plain" @click=${() => this.tell("ask", { question, images })}>${againIcon}${this.t("again")}</button>`;
    if (status === "cancelled") return html`<div class="actions">${again}</div>`;
    return html`${this.voiceFailed ? html`<p class="notice" role="status">${this.t("voiceFailed")}</p>` : nothing}
      <div class="actions">
        ${this.#listen()} ${navigator.clipboard ? this.#copyButton() : nothing} ${again}
        <palabre-feedback .turn=${id} .t=${this.t}></palabre-feedback>
      </div>`;
  }

  #listen() {
    const [words, sign] = this.speaking ? ["stopListening", silentIcon] : ["listen", voiceIcon];
    return html`<button type="button" class="plain" @click=${() => this.tell("listen", this.turn.id)}>${sign}${this.t(words)}</button>`;
  }

  #copyButton() {
    const [words, sign] = this.copied ? ["copied", checkIcon] : ["copy", copyIcon];
    return html`<button type="button" class="plain" @click=${this.#copy}>${sign}${this.t(words)}</button>`;
  }

  async #copy() {
    const sources = this.turn.sources.map(({ number, title, url }) => `[${number}] ${title}${url ? ` – ${url}` : ""}`);
    await navigator.clipboard.writeText([this.turn.text, sources.join("\n")].filter(Boolean).join("\n\n"));
    this.copied = true;
    this.tell("say", "copied");
    setTimeout(() => (this.copied = false), COPIED_MS);
  }

  #cite(event) {
    const mark = event.target.closest("button.cite");
    if (mark) this.querySelector("palabre-sources")?.open(Number(mark.dataset.number), mark);
  }
}

customElements.define("palabre-turn", Turn);
