// The crown of the tree: whose space this is, who answers, the language, and the ways out of a conversation.
import { html, nothing } from "../../vendor/lit.min.js";
import { LANGUAGES } from "../i18n.js";
import { avatar } from "./avatar.js";
import { chevronIcon, eraseIcon, logo, plusIcon } from "./icons.js";
import { Part } from "./part.js";
import "./personas.js";

class Header extends Part {
  static properties = { space: {}, persona: {}, language: {}, talking: {}, t: {} };

  render() {
    return html`<div class="bar ${this.talking ? "talking" : ""}">
      ${logo}
      <h1>${this.space.name}</h1>
      ${this.talking ? [this.#who(), this.#leave()] : nothing} ${this.#languages()}
    </div>`;
  }

  #who() {
    const { personas } = this.space;
    if (personas.length < 2) return nothing;
    return html`<button type="button" class="quiet who-button" popovertarget="who">
        ${avatar(this.persona)}<span class="wide">${this.persona.name}</span><span class="unseen">. ${this.t("personas")}</span>${chevronIcon}
      </button>
      <div id="who" popover class="sheet" @persona-chosen=${this.#close}>
        <palabre-personas .personas=${personas} .chosen=${this.persona.id} .t=${this.t} group="who-now"></palabre-personas>
      </div>`;
  }

  #close() {
    this.querySelector("#who").hidePopover();
  }

  #leave() {
    return html`<button type="button" class="quiet" title=${this.t("newConversation")} @click=${() => this.tell("begin-anew")}>
        ${plusIcon}<span class="wide">${this.t("newConversation")}</span>
      </button>
      <button type="button" class="quiet" title=${this.t("erase")} @click=${() => this.tell("wish-erase")}>
        ${eraseIcon}<span class="unseen">${this.t("erase")}</span>
      </button>`;
  }

  #languages() {
    return html`<div class="languages" role="group" aria-label=${this.t("language")}>
      ${Object.entries(LANGUAGES).map(
        ([code, name]) => html`<button
          type="button"
          class="quiet"
          lang=${code}
          aria-pressed=${code === this.language}
          @click=${() => this.tell("language-chosen", code)}
        >
          ${code.toUpperCase()}<span class="unseen">, ${name}</span>
        </button>`,
      )}
    </div>`;
  }
}

customElements.define("palabre-header", Header);
