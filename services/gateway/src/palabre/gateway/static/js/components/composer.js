// Where the question is written, and where everything that runs is stopped.
import { html, nothing } from "../../vendor/lit.min.js";
import { explanation } from "../i18n.js";
import { Images, KINDS, MOST } from "../images.js";
import { codePoints } from "../stream.js";
import { clipIcon, closeIcon, sendIcon, silentIcon, stopIcon, voiceIcon } from "./icons.js";
import { Part } from "./part.js";

const LONGEST = 8000; // code points, as the API has it
const REFUSED = { 413: "imageRefused", 422: "imageRefused", 429: "tooMuchSent" }; // an image, by HTTP status

class Composer extends Part {
  static properties = { space: {}, busy: {}, aloud: {}, t: {}, excess: { state: true }, full: { state: true } };

  constructor() {
    super();
    this.excess = 0;
    this.images = new Images();
    this.images.addEventListener("change", () => this.requestUpdate());
  }

  get field() {
    return this.querySelector("textarea");
  }

  render() {
    return html`<form class="composer" @submit=${this.#submit} @paste=${this.#paste} @dragover=${this.#over} @drop=${this.#drop}>
      ${this.excess ? html`<p class="sorry" id="too-long" role="alert">${this.t("tooLong", { count: this.excess })}</p>` : nothing}
      <div class="field">
        ${this.images.list.length ? this.#shown() : nothing}
        <p class="told" role="status">${this.#told()}</p>
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
        <input type="file" hidden multiple accept=${KINDS} @change=${this.#chosen} />
        <button type="button" class="plain clip" title=${this.t("attach")} @click=${() => this.querySelector("[type=file]").click()}>
          ${clipIcon}<span class="unseen">${this.t("attach")}</span>
        </button>
        ${this.busy ? this.#stop() : nothing} ${this.#aloud()}
        <button type="submit" class="round send" title=${this.t("send")}>${sendIcon}<span class="unseen">${this.t("send")}</span></button>
      </div>
      <p class="ai-notice">${this.t("aiNotice")}</p>
    </form>`;
  }

  #shown() {
    return html`<ul class="images" aria-label=${this.t("images")}>
      ${this.images.list.map(
        (image) => html`<li class=${image.problem !== undefined ? "refused" : image.blob ? "" : "sending"}>
          <img src=${image.url} alt=${image.name} />
          <button type="button" class="remove" title=${this.t("removeImage", { name: image.name })} @click=${() => this.#remove(image)}>
            ${closeIcon}<span class="unseen">${this.t("removeImage", { name: image.name })}</span>
          </button>
        </li>`,
      )}
    </ul>`;
  }

  // What became of the images, for those who see it and those who hear it.
  #told() {
    const { list } = this.images;
    const refused = list.find(({ problem }) => problem !== undefined);
    if (refused) return this.t(REFUSED[refused.problem] ?? explanation(refused.problem), { name: refused.name });
    if (this.full) return this.t("tooManyImages", { count: MOST });
    return list.some(({ blob }) => !blob) ? this.t("sendingImage") : nothing;
  }

  #attach(files) {
    this.full = !this.images.add(this.space, [...files]);
    this.field.focus();
  }

  #chosen(event) {
    this.#attach(event.target.files);
    event.target.value = "";
  }

  #paste(event) {
    const files = [...event.clipboardData.files].filter(({ type }) => type.startsWith("image/"));
    if (!files.length) return;
    event.preventDefault();
    this.#attach(files);
  }

  #over(event) {
    if (event.dataTransfer.types.includes("Files")) event.preventDefault();
  }

  #drop(event) {
    if (!event.dataTransfer.files.length) return;
    event.preventDefault();
    this.#attach(event.dataTransfer.files);
  }

  #remove(image) {
    this.images.remove(image);
    this.full = false;
    this.field.focus();
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

  async #submit(event) {
    event.preventDefault();
    const text = this.field.value.trim();
    const shows = this.images.list.some(({ problem }) => problem === undefined);
    if ((!text && !shows) || this.excess || this.leaving) return this.field.focus();
    this.leaving = true;
    const images = shows ? await this.images.take() : [];
    this.leaving = this.full = false;
    if (shows && !images.length) return; // refused while one waited
    this.field.value = "";
    this.#grow();
    this.tell("ask", { question: text, images });
  }

  // For browsers without `field-sizing`.
  #grow() {
    if (CSS.supports("field-sizing", "content")) return;
    this.field.style.height = "auto";
    this.field.style.height = `${this.field.scrollHeight}px`;
  }
}

customElements.define("palabre-composer", Composer);
