// Where the question is written, and where everything that runs is stopped.
import { html, nothing } from "../../vendor/lit.min.js";
import { codePoints } from "../stream.js";
import { sendIcon, silentIcon, stopIcon, voiceIcon } from "./icons.js";
import { Part } from "./part.js";

const LONGEST = 8000; // code points, as the API has it

class Composer extends Part {
  static properties = { busy: {}, aloud: {}, t: {}, excess: { state: true } };

  constructor() {
    super();
    this.excess = 0;
  }

  get field() {
    return this.querySelector("textarea");
  }

  render() {
    return html`<form class="composer" @submit=${this.#submit}>
      ${this.excess ? html`<p class="sorry" id="too-long" role="alert">${this.t("tooLong", { count: this.excess })}</p>` : nothing}
      <div class="field">
        <label class="unseen" for="question">${this.t("question")}</label>
        <textarea
          id="question"
          rows="1"
          enterkeyhint="send"
          placeholder=${this.t("placeholder")}
          aria-describedby="keys ${this.excess ? "too-long" : ""}"
          aria-invalid=${this.excess > 0}
          @keydown=${this.#key}
          @input=${this.#input}
        ></textarea>
        <p class="unseen" id="keys">${this.t("keys")}</p>
        ${this.busy ? this.#stop() : nothing} ${this.#aloud()}
        <button type="submit" class="round send" title=${this.t("send")}>${sendIcon}<span class="unseen">${this.t("send")}</span></button>
      </div>
      <p class="ai-notice">${this.t("aiNotice")}</p>
    </form>`;
  }

  #aloud() {
    return html`<button type="button" class="plain aloud" title=${this.t("aloud")} aria-pressed=${this.aloud} @click=${() => this.tell("aloud", !this.aloud)}>
      ${this.aloud ? voiceIcon : silentIcon}<span class="wide">${this.t("aloud")}</span>
    </button>`;
  }

  #stop() {
    return html`<button type="button" class="stop" title=${this.t("stop")} @click=${() => this.tell("stop")}>${stopIcon}<span class="wide">${this.t("stop")}</span></button>`;
  }

  #key(event) {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    this.#submit(event);
  }

  #input() {
    this.#grow();
    this.excess = Math.max(0, codePoints(this.field.value.trim()) - LONGEST);
  }

  #submit(event) {
    event.preventDefault();
    const text = this.field.value.trim();
    if (!text || this.excess) return this.field.focus();
    this.field.value = "";
    this.#grow();
    this.tell("ask", text);
  }

  // For browsers without `field-sizing`.
  #grow() {
    if (CSS.supports("field-sizing", "content")) return;
    this.field.style.height = "auto";
    this.field.style.height = `${this.field.scrollHeight}px`;
  }
}

customElements.define("palabre-composer", Composer);
