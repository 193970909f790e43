// Before the first question: the greeting, who may answer, and what can be asked.
import { html, nothing } from "../../vendor/lit.min.js";
import { inLanguage } from "../i18n.js";
import { avatar } from "./avatar.js";
import { Part } from "./part.js";
import "./personas.js";

const tree = html`<svg class="tree" viewBox="0 0 640 170" aria-hidden="true" focusable="false">
  <ellipse class="shadow" cx="320" cy="160" rx="250" ry="10" />
  <path class="leaves-back" d="M97 8a19 19 0 1 0 38 0a19 19 0 1 0-38 0zM118 11a24 24 0 1 0 47 0a24 24 0 1 0-47 0zM139 15a24 24 0 1 0 48 0a24 24 0 1 0-48 0zM160 17a22 22 0 1 0 44 0a22 22 0 1 0-44 0zM178 24a26 26 0 1 0 53 0a26 26 0 1 0-53 0zM201 24a18 18 0 1 0 37 0a18 18 0 1 0-37 0zM220 35a25 25 0 1 0 49 0a25 25 0 1 0-49 0zM243 29a27 27 0 1 0 53 0a27 27 0 1 0-53 0zM257 29a26 26 0 1 0 52 0a26 26 0 1 0-52 0zM294 31a18 18 0 1 0 36 0a18 18 0 1 0-36 0zM307 28a21 21 0 1 0 41 0a21 21 0 1 0-41 0zM327 27a29 29 0 1 0 57 0a29 29 0 1 0-57 0zM356 24a22 22 0 1 0 44 0a22 22 0 1 0-44 0zM373 23a23 23 0 1 0 45 0a23 23 0 1 0-45 0zM397 22a25 25 0 1 0 50 0a25 25 0 1 0-50 0zM405 25a29 29 0 1 0 57 0a29 29 0 1 0-57 0zM438 17a18 18 0 1 0 36 0a18 18 0 1 0-36 0zM464 14a18 18 0 1 0 36 0a18 18 0 1 0-36 0zM480 15a22 22 0 1 0 45 0a22 22 0 1 0-45 0zM505 9a18 18 0 1 0 36 0a18 18 0 1 0-36 0zM89 4a17 17 0 1 0 34 0a17 17 0 1 0-34 0zM114 8a16 16 0 1 0 33 0a16 16 0 1 0-33 0zM132 10a14 14 0 1 0 28 0a14 14 0 1 0-28 0zM158 18a13 13 0 1 0 26 0a13 13 0 1 0-26 0zM174 17a14 14 0 1 0 28 0a14 14 0 1 0-28 0zM191 10a15 15 0 1 0 30 0a15 15 0 1 0-30 0zM209 10a18 18 0 1 0 36 0a18 18 0 1 0-36 0zM221 5a19 19 0 1 0 38 0a19 19 0 1 0-38 0zM386 5a15 15 0 1 0 30 0a15 15 0 1 0-30 0zM414 11a12 12 0 1 0 24 0a12 12 0 1 0-24 0zM428 13a15 15 0 1 0 31 0a15 15 0 1 0-31 0zM442 15a15 15 0 1 0 29 0a15 15 0 1 0-29 0zM462 17a13 13 0 1 0 26 0a13 13 0 1 0-26 0zM485 11a18 18 0 1 0 36 0a18 18 0 1 0-36 0zM506 10a18 18 0 1 0 35 0a18 18 0 1 0-35 0zM522 6a15 15 0 1 0 31 0a15 15 0 1 0-31 0z" />
  <g class="wood">
    <path d="M309 90c3 22 1 38-9 52-5 11-12 16-26 20h92c-14-4-21-9-26-20-10-14-12-30-9-52z" />
    <path class="branch" d="M314 96c-10-24-34-40-70-52M327 92c8-26 36-44 78-56M319 100c-2-28-9-48-23-64M321 100c1-30 8-52 22-66" />
  </g>
  <path class="leaves" d="M137 -2a21 21 0 1 0 42 0a21 21 0 1 0-42 0zM160 5a20 20 0 1 0 41 0a20 20 0 1 0-41 0zM179 5a26 26 0 1 0 52 0a26 26 0 1 0-52 0zM194 7a28 28 0 1 0 55 0a28 28 0 1 0-55 0zM215 20a28 28 0 1 0 56 0a28 28 0 1 0-56 0zM252 10a17 17 0 1 0 33 0a17 17 0 1 0-33 0zM262 16a23 23 0 1 0 47 0a23 23 0 1 0-47 0zM299 15a18 18 0 1 0 35 0a18 18 0 1 0-35 0zM316 12a17 17 0 1 0 34 0a17 17 0 1 0-34 0zM337 17a17 17 0 1 0 34 0a17 17 0 1 0-34 0zM349 14a25 25 0 1 0 50 0a25 25 0 1 0-50 0zM377 11a18 18 0 1 0 36 0a18 18 0 1 0-36 0zM394 4a27 27 0 1 0 53 0a27 27 0 1 0-53 0zM423 -4a17 17 0 1 0 33 0a17 17 0 1 0-33 0zM332 -3a19 19 0 1 0 37 0a19 19 0 1 0-37 0zM350 5a15 15 0 1 0 30 0a15 15 0 1 0-30 0zM367 5a17 17 0 1 0 34 0a17 17 0 1 0-34 0zM396 8a15 15 0 1 0 29 0a15 15 0 1 0-29 0zM412 13a18 18 0 1 0 36 0a18 18 0 1 0-36 0zM433 4a22 22 0 1 0 44 0a22 22 0 1 0-44 0zM457 4a18 18 0 1 0 35 0a18 18 0 1 0-35 0zM477 -2a14 14 0 1 0 27 0a14 14 0 1 0-27 0z" />
</svg>`;

class Start extends Part {
  static properties = { space: {}, others: {}, persona: {}, language: {}, t: {} };

  render() {
    return html`<section class="start">
      ${tree} ${this.#seats()}
      <p class="greeting" data-part="greeting">${inLanguage(this.space.greeting, this.language)}</p>
      ${this.#examples()} ${this.#elsewhere()} ${this.#disclaimer()}
    </section>`;
  }

  #seats() {
    const { personas } = this.space;
    if (personas.length < 2) return html`<div class="seats"><div class="seat alone">${avatar(this.persona)}<span>${this.persona.name}</span></div></div>`;
    return html`<palabre-personas .personas=${personas} .chosen=${this.persona.id} .t=${this.t} group="who-first"></palabre-personas>`;
  }

  #examples() {
    const examples = inLanguage(this.space.examples, this.language) ?? [];
    if (!examples.length) return nothing;
    return html`<h2 class="examples-title">${this.t("examples")}</h2>
      <ul class="examples">
        ${examples.map((text) => html`<li><button type="button" @click=${() => this.tell("ask", { question: text })}>${text}</button></li>`)}
      </ul>`;
  }

  #elsewhere() {
    if (!this.others?.length) return nothing;
    const links = this.others.map(({ id, name }) => html`<li><a href="/?space=${id}">${name}</a></li>`);
    return html`<nav class="elsewhere" aria-labelledby="elsewhere">
      <span id="elsewhere">${this.t("elsewhere")}</span>
      <ul>${links}</ul>
    </nav>`;
  }

  #disclaimer() {
    const text = inLanguage(this.space.disclaimer, this.language);
    return text ? html`<p class="disclaimer">${text}</p>` : nothing;
  }
}

customElements.define("palabre-start", Start);
