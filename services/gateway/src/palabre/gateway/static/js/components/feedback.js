// A thumb up or down, and after a thumb down a few words for those who want to add them.
import { html, nothing } from "../../vendor/lit.min.js";
import { Problem, rate } from "../api.js";
import { badIcon, goodIcon } from "./icons.js";
import { Part } from "./part.js";

class Feedback extends Part {
  static properties = { turn: {}, t: {}, score: { state: true }, asking: { state: true }, outcome: { state: true } };

  constructor() {
    super();
    this.score = 0;
    this.asking = false;
    this.outcome = "";
  }

  render() {
    return html`${this.#thumb(1, "good", goodIcon)}${this.#thumb(-1, "bad", badIcon)}
      <span role="status" class="outcome">${this.outcome ? this.t(this.outcome) : nothing}</span>
      ${this.asking ? this.#form() : nothing}`;
  }

  #thumb(score, words, sign) {
    return html`<button type="button" class="plain" title=${this.t(words)} aria-pressed=${this.score === score} @click=${() => this.#rate(score)}>
      ${sign}<span class="unseen">${this.t(words)}</span>
    </button>`;
  }

  #form() {
    return html`<form class="comment" @submit=${this.#comment}>
      <label for=${`comment-${this.turn}`}>${this.t("whatWasWrong")}</label>
      <textarea id=${`comment-${this.turn}`} name="comment" rows="2" maxlength="2000"></textarea>
      <button type="submit" class="small">${this.t("sendComment")}</button>
      <button type="button" class="plain" @click=${() => (this.asking = false)}>${this.t("noComment")}</button>
    </form>`;
  }

  async #rate(score) {
    if (await this.#send(score)) {
      this.score = score;
      this.asking = score < 0;
      await this.updateComplete;
      this.querySelector("textarea")?.focus();
    }
  }

  async #comment(event) {
    event.preventDefault();
    const words = new FormData(event.target).get("comment").trim();
    if (!words || (await this.#send(this.score, words))) this.asking = false;
  }

  async #send(score, comment) {
    try {
      await rate(this.turn, score, comment);
      this.outcome = "thanks";
      return true;
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      this.outcome = "rateFailed";
      return false;
    }
  }
}

customElements.define("palabre-feedback", Feedback);
