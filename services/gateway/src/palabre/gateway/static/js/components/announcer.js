// Tells a screen reader the finished sentences of the answer, and how it ended; unseen.
import { html } from "../../vendor/lit.min.js";
import { explanation } from "../i18n.js";
import { parse, plain } from "../markdown.js";
import { sentences } from "../sentences.js";
import { Part } from "./part.js";

class Announcer extends Part {
  static properties = { turn: {}, name: {}, language: {}, silent: {}, status: {}, t: {} };

  render() {
    return html`<div class="unseen">
      <div role="log" aria-live="polite" aria-label=${this.t("conversation")} lang=${this.turn?.language || this.language}>
        ${this.#lines().map((line) => html`<p>${line}</p>`)}
      </div>
      <p role="status">${this.status || this.#end()}</p>
    </div>`;
  }

  // A voice that reads aloud and a screen reader would talk over each other.
  #lines() {
    const { turn } = this;
    if (!turn?.text || this.silent) return [];
    const ended = !["sending", "running"].includes(turn.status);
    const told = sentences(plain(parse(turn.text, undefined, { writing: true })), turn.language || this.language, ended);
    return [this.t("said", { name: this.name }), ...told];
  }

  #end() {
    const { status, sources = [], message, problem, text } = this.turn ?? {};
    if (status === "completed") return this.t(["done", "doneSource"][sources.length] ?? "doneSources", { count: sources.length });
    if (status === "cancelled") return this.t("cancelled");
    if (status === "failed") return message || this.t("failed");
    if (status === "unsent") return this.t(explanation(problem));
    return status && !text ? this.t("thinking", { name: this.name }) : "";
  }
}

customElements.define("palabre-announcer", Announcer);
