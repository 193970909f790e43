// Who answers: one choice out of those of the space.
import { html } from "../../vendor/lit.min.js";
import { avatar } from "./avatar.js";
import { Part } from "./part.js";

class Personas extends Part {
  static properties = { personas: {}, chosen: {}, t: {}, group: {} };

  render() {
    return html`<fieldset class="personas">
      <legend>${this.t("personas")}</legend>
      <div class="seats">${this.personas.map((persona) => this.#seat(persona))}</div>
    </fieldset>`;
  }

  #seat(persona) {
    const choose = () => this.tell("persona-chosen", persona.id);
    return html`<label class="seat">
      <input type="radio" name=${this.group} .checked=${persona.id === this.chosen} @change=${choose} />
      ${avatar(persona)}<span>${persona.name}</span>
    </label>`;
  }
}

customElements.define("palabre-personas", Personas);
