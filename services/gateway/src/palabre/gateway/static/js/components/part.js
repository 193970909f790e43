// A component that renders into the page itself: one style sheet, and labels that reach across components.
import { LitElement } from "../../vendor/lit.min.js";

export class Part extends LitElement {
  createRenderRoot() {
    return this;
  }

  /** Tells the parents; `detail` is for those who listen. */
  tell(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail, bubbles: true }));
  }
}
