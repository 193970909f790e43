// The page: one space, one conversation, one voice.
import { html, nothing, repeat } from "../../vendor/lit.min.js";
import { Problem, listSpaces } from "../api.js";
import { Conversation } from "../conversation.js";
import { explanation, translator } from "../i18n.js";
import { person, tab } from "../memory.js";
import { Voice, heardUntil } from "../speech.js";
import { downIcon } from "./icons.js";
import { Part } from "./part.js";
import "./announcer.js";
import "./composer.js";
import "./erasing.js";
import "./header.js";
import "./start.js";
import "./turn.js";

class App extends Part {
  static properties = {
    spaceId: { attribute: "space" },
    space: { state: true },
    language: { state: true },
    personaId: { state: true },
    aloud: { state: true },
    problem: { state: true },
    status: { state: true },
    offline: { state: true },
    more: { state: true },
  };

  constructor() {
    super();
    this.aloud = person.get("aloud") === "yes";
    this.voice = new Voice();
    this.#speakLanguage(person.get("language") ?? document.documentElement.lang);
  }

  connectedCallback() {
    super.connectedCallback();
    this.conversation = new Conversation(this.spaceId, tab);
    this.conversation.addEventListener("change", () => this.#changed());
    this.voice.addEventListener("change", () => this.requestUpdate());
    for (const name of ["online", "offline"]) addEventListener(name, () => (this.offline = !navigator.onLine));
    addEventListener("keydown", (event) => this.#key(event));
    this.end = new IntersectionObserver(([seen]) => this.#seen(seen), { rootMargin: "0px 0px -120px" });
    this.#load();
  }

  async #load() {
    this.problem = undefined;
    try {
      const spaces = await listSpaces();
      const space = spaces.find(({ id }) => id === this.spaceId);
      if (!space) throw new Problem(404);
      await this.conversation.restore();
      this.personaId = this.#known(space, person.get(`persona:${space.id}`));
      this.others = spaces.filter(({ id }) => id !== this.spaceId);
      this.space = space;
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      this.problem = error.status;
    }
  }

  #known = (space, id) => (space.personas.some((one) => one.id === id) ? id : space.default_persona);

  #persona(id = this.personaId) {
    const { personas, default_persona } = this.space;
    return personas.find((one) => one.id === id) ?? personas.find((one) => one.id === default_persona);
  }

  render() {
    if (this.problem !== undefined) return this.#failed();
    if (!this.space) return nothing;
    const { t, conversation } = this;
    const talking = conversation.turns.length > 0;
    return html`<header>
        <palabre-header
          .space=${this.space} .persona=${this.#persona()} .language=${this.language} .talking=${talking} .t=${t}
          @language-chosen=${({ detail }) => this.#chooseLanguage(detail)}
          @persona-chosen=${({ detail }) => this.#choosePersona(detail)}
          @begin-anew=${this.#leave}
          @wish-erase=${() => this.querySelector("palabre-erasing").show()}
        ></palabre-header>
      </header>
      <main
        id="main"
        @ask=${({ detail }) => this.#ask(detail)}
        @retry=${({ detail }) => this.#retry(detail)}
        @listen=${({ detail }) => this.#listen(detail)}
        @say=${({ detail }) => (this.status = this.t(detail))}
        @persona-chosen=${({ detail }) => this.#choosePersona(detail)}
      >
        ${talking ? this.#turns() : html`<palabre-start .space=${this.space} .others=${this.others} .persona=${this.#persona()} .language=${this.language} .t=${t}></palabre-start>`}
      </main>
      <footer @ask=${({ detail }) => this.#ask(detail)} @stop=${this.#stop} @aloud=${({ detail }) => this.#setAloud(detail)}>
        ${this.#banner()}
        ${this.more ? html`<button type="button" class="more" @click=${this.#showEnd}>${downIcon}${t("more")}</button>` : nothing}
        <palabre-composer .space=${this.spaceId} .busy=${Boolean(conversation.running || this.voice.turn)} .aloud=${this.aloud} .t=${t}></palabre-composer>
      </footer>
      <palabre-announcer
        .turn=${this.latest} .name=${this.#persona(this.latest?.persona).name} .language=${this.language}
        .silent=${this.aloud} .status=${this.status} .t=${t}
      ></palabre-announcer>
      <palabre-erasing .t=${t} @erase=${this.#erase}></palabre-erasing>`;
  }

  #failed() {
    return html`<main class="fatal" id="main">
      <h1>Palabre</h1>
      <p role="alert">${this.t(explanation(this.problem))}</p>
      <button type="button" class="small" @click=${() => this.#load()}>${this.t("retry")}</button>
    </main>`;
  }

  #turns() {
    const { turns } = this.conversation;
    return html`<section class="turns" aria-label=${this.t("conversation")}>
      ${repeat(
        turns,
        (turn) => turn.key ?? turn.id,
        (turn) => html`<palabre-turn
          .turn=${turn} .persona=${this.#persona(turn.persona)} .space=${this.spaceId} .t=${this.t}
          .speaking=${Boolean(turn.id) && this.voice.turn === turn.id}
          .voiceFailed=${Boolean(turn.id) && this.voice.failed === turn.id}
        ></palabre-turn>`,
      )}
    </section>`;
  }

  #banner() {
    const key = this.offline ? "offline" : this.conversation.connected ? "" : "reconnecting";
    return html`<p class="banner" role="status">${key ? this.t(key) : nothing}</p>`;
  }

  async #ask({ question, images }) {
    this.voice.stop();
    await this.#speakOnceSent(
      this.conversation.ask(question, { persona: this.personaId, language: this.language, speech: this.aloud, images }),
    );
  }

  async #retry(turn) {
    await this.#speakOnceSent(this.conversation.retry(turn, { speech: this.aloud }));
  }

  async #speakOnceSent(sent) {
    this.status = "";
    await this.updateComplete;
    this.#showLatest();
    const id = await sent;
    if (id && this.aloud && this.latest?.id === id) this.voice.play(id);
  }

  #stop() {
    const running = this.conversation.running;
    const spoken = running && this.voice.turn === running.id;
    const heard = spoken ? heardUntil(running.segments, this.voice.played_ms) : undefined;
    this.voice.stop();
    if (running) this.conversation.stop(heard ?? undefined);
    this.querySelector("palabre-composer").field.focus();
  }

  #listen(turn) {
    if (this.voice.turn === turn) this.voice.stop();
    else this.voice.play(turn);
  }

  #changed() {
    const spoken = this.conversation.turns.find(({ id }) => id && id === this.voice.turn);
    if (spoken && ["cancelled", "failed"].includes(spoken.status)) this.voice.stop();
    this.requestUpdate();
  }

  #leave() {
    this.voice.stop();
    this.conversation.leave();
    this.querySelector("palabre-composer").field.focus();
  }

  async #erase() {
    try {
      await this.conversation.erase();
      this.#leave();
      this.status = this.t("erased");
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      this.status = this.t("eraseFailed");
    }
  }

  #speakLanguage(language) {
    this.language = language === "en" ? "en" : "fr";
    this.t = translator(this.language);
    document.documentElement.lang = this.language;
  }

  #chooseLanguage(language) {
    person.set("language", language);
    this.#speakLanguage(language);
  }

  #choosePersona(id) {
    this.personaId = id;
    person.set(`persona:${this.space.id}`, id);
  }

  #setAloud(aloud) {
    this.aloud = aloud;
    this.status = this.t(aloud ? "aloudOn" : "aloudOff");
    person.set("aloud", aloud ? "yes" : null);
    if (!aloud) this.voice.stop();
  }

  #key(event) {
    if (event.key !== "Escape" || event.isComposing || document.querySelector("dialog[open], :popover-open")) return;
    if (this.conversation.running || this.voice.turn) this.#stop();
  }

  get latest() {
    return this.conversation.turns.at(-1);
  }

  // The question goes to the top and the answer grows below it: nothing scrolls while one reads.
  #showLatest() {
    this.querySelector("palabre-turn:last-child article")?.scrollIntoView({ block: "start" });
  }

  updated() {
    const end = this.querySelector("palabre-turn:last-child .end");
    if (end === this.watched) return;
    if (this.watched) this.end.unobserve(this.watched);
    if (end) this.end.observe(end);
    this.watched = end;
    if (!end) this.more = false;
  }

  #seen(entry) {
    this.more = !entry.isIntersecting && entry.boundingClientRect.top > 0;
  }

  #showEnd() {
    this.watched?.scrollIntoView({ block: "end" });
  }
}

customElements.define("palabre-app", App);
