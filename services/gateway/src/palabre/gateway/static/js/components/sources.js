// The passages that an answer leans on; each opens below its title.
import { html, nothing } from "../../vendor/lit.min.js";
import { documentAddress } from "../api.js";
import { parse, webAddress } from "../markdown.js";
import { highlight } from "../quote.js";
import { backIcon, chevronIcon } from "./icons.js";
import { Part } from "./part.js";
import "./tree.js";

class Sources extends Part {
  static properties = { sources: {}, space: {}, turn: {}, t: {}, shown: { state: true } };

  constructor() {
    super();
    this.shown = new Set();
    this.trees = new Map();
  }

  /** Opens a source and goes to it; `from` is the mark to come back to. */
  async open(number, from) {
    this.from = from;
    this.shown = new Set([...this.shown, number]);
    await this.updateComplete;
    const title = this.querySelector(`[data-source="${number}"]`);
    title?.focus({ preventScroll: true });
    title?.closest("li").scrollIntoView({ block: "nearest" });
  }

  render() {
    return html`<section class="sources" aria-label=${this.t("sources")}>
      <h3>${this.t("sources")}</h3>
      <ol>
        ${this.sources.map((source) => this.#item(source))}
      </ol>
    </section>`;
  }

  #item(source) {
    const { number, title, page } = source;
    const open = this.shown.has(number);
    const id = `source-${this.turn}-${number}`;
    return html`<li class=${open ? "open" : ""}>
      <button type="button" class="source-title" data-source=${number} aria-expanded=${open} aria-controls=${id} @click=${() => this.#toggle(number)}>
        <span class="cite" aria-hidden="true">${number}</span>
        <span class="unseen">${this.t("source", { number, title: "" })}</span><span class="title">${title}${page ? html`, <span class="page">${this.t("page", { number: page })}</span>` : nothing}</span>${chevronIcon}
      </button>
      <div id=${id} class="passage" ?hidden=${!open}>${open ? this.#passage(source) : nothing}</div>
    </li>`;
  }

  #passage(source) {
    const path = source.heading_path ?? [];
    return html`${path.length ? html`<p class="path">${path.join(" › ")}</p>` : nothing}
      <blockquote><palabre-tree .tree=${this.#tree(source)}></palabre-tree></blockquote>
      <p class="links">
        ${this.#link(source)}
        ${this.from ? html`<button type="button" class="plain" @click=${this.#back}>${backIcon}${this.t("backToText")}</button>` : nothing}
      </p>`;
  }

  #tree(source) {
    if (!this.trees.has(source)) this.trees.set(source, highlight(parse(source.text), parse(source.quote ?? "")));
    return this.trees.get(source);
  }

  #link(source) {
    const address = webAddress(source.url);
    const quote = source.quote ? `#quote=${encodeURIComponent(source.quote)}` : "";
    // Browsers open a PDF at the page that its address ends with.
    const page = source.page && address && !address.includes("#") ? `#page=${source.page}` : "";
    const href = address ? address + page : documentAddress(this.space, source.document) + quote;
    return html`<a href=${href} target="_blank" rel="noopener noreferrer">
      ${this.t(address ? "openSite" : "openDocument")} <span class="unseen">${this.t("newTab")}</span></a
    >`;
  }

  #toggle(number) {
    const shown = new Set(this.shown);
    if (!shown.delete(number)) shown.add(number);
    this.from = null;
    this.shown = shown;
  }

  #back() {
    this.from?.focus();
    this.from?.scrollIntoView({ block: "nearest" });
  }
}

customElements.define("palabre-sources", Sources);
