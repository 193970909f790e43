// Shows a tree (markdown.js) inside an element and changes only what differs, so that a text which grows keeps
// its elements, its selection and its focus.

const SAFE = {
  a: ["href", "target", "rel"],
  button: ["class", "type", "data-number", "aria-label"],
  div: ["class", "tabindex"],
  ol: ["start"],
  pre: ["tabindex"],
  span: ["class"],
};
const TAGS = new Set(
  "p strong em s code pre blockquote ul ol li hr br table thead tbody tr th td h3 h4 h5 h6 a button div span mark".split(" "),
);

function setAttributes(element, attrs, before = {}) {
  const known = SAFE[element.localName] ?? [];
  for (const name of known) {
    if (attrs[name] === before[name]) continue;
    if (attrs[name] === undefined) element.removeAttribute(name);
    else element.setAttribute(name, attrs[name]);
  }
}

function create(node) {
  if (typeof node === "string") return document.createTextNode(node);
  const element = document.createElement(TAGS.has(node.tag) ? node.tag : "span");
  setAttributes(element, node.attrs);
  element.append(...node.children.map(create));
  return element;
}

function changeText(text, words, before) {
  if (words.startsWith(before)) text.appendData(words.slice(before.length));
  else text.data = words;
}

function change(place, node, before) {
  if (node === before) return;
  if (typeof node === "string" && typeof before === "string") return changeText(place, node, before);
  if (typeof node === "string" || typeof before === "string" || node.tag !== before.tag) return place.replaceWith(create(node));
  setAttributes(place, node.attrs, before.attrs);
  patch(place, node.children, before.children);
}

/** Makes the children of `parent`, which show `before`, show `tree`. */
export function patch(parent, tree, before = []) {
  const places = [...parent.childNodes];
  tree.forEach((node, index) => {
    if (index < before.length) change(places[index], node, before[index]);
    else parent.append(create(node));
  });
  for (const place of places.slice(tree.length)) place.remove();
}
