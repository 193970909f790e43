// Shows a tree of Markdown (markdown.js) and changes only what differs from the one before.
import { patch } from "../dom.js";

class Tree extends HTMLElement {
  #shown = [];

  set tree(tree) {
    patch(this, tree, this.#shown);
    this.#shown = tree;
  }
}

customElements.define("palabre-tree", Tree);
