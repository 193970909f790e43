import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";

import { allowances, parse, plain } from "../../../services/gateway/src/palabre/gateway/static/js/markdown.js";
import { settle } from "../../../services/gateway/src/palabre/gateway/static/js/settle.js";

// Markdown that tries to run, load or lead somewhere. Rendered, each must be inert.
const HOSTILE = JSON.parse(readFileSync(new URL("hostile.json", import.meta.url), "utf8"));

const SOURCES = [
  { number: 1, title: "Le guide", url: "https://sources.example/guide" },
  { number: 2, title: "Sans adresse", url: "" },
  { number: 3, title: "Piège", url: "javascript:alert(1)" },
];
const ALLOWED = allowances(SOURCES, (number, title) => `Source ${number} : ${title}`);
const TAGS = new Set("p strong em s code pre blockquote ul ol li hr br table thead tbody tr th td h3 h4 h5 h6 a button span div".split(" "));
const ATTRIBUTES = { a: ["href", "target", "rel"], button: ["class", "type", "data-number", "aria-label"], span: ["class"], div: ["class", "tabindex"], pre: ["tabindex"], ol: ["start"] };

function* elements(tree) {
  for (const node of tree) {
    if (typeof node === "string") continue;
    yield node;
    yield* elements(node.children);
  }
}

function assertInert(tree) {
  for (const { tag, attrs } of elements(tree)) {
    assert.ok(TAGS.has(tag), `<${tag}>`);
    for (const name of Object.keys(attrs)) assert.ok(ATTRIBUTES[tag]?.includes(name), `<${tag} ${name}>`);
    if (tag === "a") assert.equal(attrs.href, "https://sources.example/guide");
  }
}

for (const text of HOSTILE) {
  test(`inert: ${JSON.stringify(text)}`, () => {
    assertInert(parse(text, ALLOWED));
    assertInert(parse(text));
    for (let end = 0; end <= text.length; end++) assertInert(parse(text.slice(0, end), ALLOWED, { writing: true }));
  });
}

const links = (text) => [...elements(parse(text, ALLOWED))].filter(({ tag }) => tag === "a");
const marks = (text, options) => [...elements(parse(text, ALLOWED, options))].filter(({ attrs }) => attrs.class === "cite");

test("a cited address is a link, in all three ways of writing it", () => {
  for (const text of ["[le guide](https://sources.example/guide)", "<https://sources.example/guide>", "voir https://sources.example/guide"]) {
    assert.equal(links(text).length, 1, text);
  }
});

test("any other address stays as its words", () => {
  assert.equal(links("[clic](https://evil.example)").length, 0);
  assert.equal(plain(parse("[clic](https://evil.example)", ALLOWED)), "clic\n");
});

test("citation marks become one button per number", () => {
  const found = marks("Oui [1]. Aussi [1, 2].");
  assert.deepEqual(found.map(({ tag, children }) => tag + children[0]), ["button1", "button1", "button2"]);
  assert.equal(found[0].attrs["aria-label"], "Source 1 : Le guide");
});

test("no line begins with what follows a mark at once", () => {
  const [{ children }] = parse("Oui [1, 2]. Et [1] donc", ALLOWED);
  assert.deepEqual(children.filter((child) => typeof child === "string"), ["Oui ", " Et ", " donc"]);
  assert.deepEqual(children[1].children.map((child) => child.tag ?? child), ["button", "button", "."]);
});

test("a number that is no source stays as it is written", () => {
  assert.equal(marks("L’an [9] et la note [1, 9].").length, 0);
});

test("while writing, a number is a mark that leads nowhere yet", () => {
  assert.deepEqual(marks("Oui [7] et", { writing: true }).map(({ tag }) => tag), ["span"]);
});

test("marks are not looked for in code", () => {
  assert.equal(marks("`a[1]` et\n\n```\nb[1]\n```").length, 0);
});

test("titles begin below the page's own", () => {
  assert.deepEqual([...elements(parse("# A\n\n## B\n\n###### C", ALLOWED))].map(({ tag }) => tag), ["h3", "h4", "h6"]);
});

test("plain words leave marks and signs out", () => {
  assert.equal(plain(parse("**Oui** [1], `code`.\n\n- un\n- deux", ALLOWED)), "Oui , code.\nun\ndeux\n\n");
});

const HALF = [
  ["Un **mot", "Un **mot**"],
  ["Un **mot*", "Un **mot**"],
  ["Un *mot", "Un *mot*"],
  ["Un `mot", "Un `mot`"],
  ["Selon [", "Selon"],
  ["Selon [1", "Selon"],
  ["Selon [1, ", "Selon"],
  ["Selon [1]", "Selon [1]"],
  ["Selon [le guide", "Selon le guide"],
  ["Selon [le guide](https://so", "Selon le guide"],
  ["Liste :\n-", "Liste :"],
  ["Liste :\n1.", "Liste :"],
  ["Liste :\n- un\n- **deux", "Liste :\n- un\n- **deux**"],
  ["* un\n* deux", "* un\n* deux"],
  ["##", ""],
  ["Avant\n\n| a | b |\n|--", "Avant"],
  ["| a |\n|---|\n| 1 |\n| 2", "| a |\n|---|\n| 1 |"],
  ["```js\nlet a = b[", "```js\nlet a = b["],
];

for (const [written, shown] of HALF) {
  test(`while writing ${JSON.stringify(written)} shows ${JSON.stringify(shown)}`, () => {
    assert.equal(settle(written), shown);
  });
}

test("a whole text settles into itself or a close of it at every length", () => {
  const text = "# Titre\n\nUn **mot** et [1].\n\n- a\n- *b*\n\n| x |\n|---|\n| 1 |\n\nFin.";
  for (let end = 0; end <= text.length; end++) parse(text.slice(0, end), ALLOWED, { writing: true });
  assert.equal(settle(text), text);
});
