// The page of a document: shows its passages as Markdown and goes to the quote that the address names (#quote=…).
import { patch } from "./dom.js";
import { parse } from "./markdown.js";
import { highlight } from "./quote.js";

const wanted = new URLSearchParams(location.hash.slice(1)).get("quote") ?? "";
const quote = parse(wanted);

for (const place of document.querySelectorAll("[data-markdown]")) {
  const tree = highlight(parse(place.textContent), quote);
  place.textContent = "";
  place.classList.add("text");
  patch(place, tree);
}

document.querySelector("mark")?.scrollIntoView({ block: "center" });
