// Asks before a conversation is erased for good.
import { html } from "../../vendor/lit.min.js";
import { Part } from "./part.js";

class Erasing extends Part {
  static properties = { t: {} };

  show() {
    this.querySelector("dialog").showModal();
  }

  render() {
    return html`<dialog aria-labelledby="erase-title" aria-describedby="erase-text" @close=${this.#closed}>
      <form method="dialog">
        <h2 id="erase-title">${this.t("eraseTitle")}</h2>
        <p id="erase-text">${this.t("eraseText")}</p>
        <button value="keep" class="small" autofocus>${this.t("eraseNo")}</button>
        <button value="erase" class="small danger">${this.t("eraseYes")}</button>
      </form>
    </dialog>`;
  }

  #closed(event) {
    const { target } = event;
    if (target.returnValue === "erase") this.tell("erase");
    target.returnValue = "";
  }
}

customElements.define("palabre-erasing", Erasing);
