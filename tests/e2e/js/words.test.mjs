import assert from "node:assert/strict";
import test from "node:test";

import { parse } from "../../../services/gateway/src/palabre/gateway/static/js/markdown.js";
import { highlight } from "../../../services/gateway/src/palabre/gateway/static/js/quote.js";
import { sentences } from "../../../services/gateway/src/palabre/gateway/static/js/sentences.js";

const bracketed = (tree) =>
  tree.map((node) => (typeof node === "string" ? node : node.tag === "mark" ? `{${bracketed(node.children)}}` : bracketed(node.children))).join("");
const marked = (text, quote) => bracketed(highlight(parse(text), parse(quote)));

test("a quote is marked inside its passage", () => {
  assert.equal(marked("Avant. Le mot juste. Après.", "Le mot juste."), "Avant. {Le mot juste.} Après.");
});

test("white space, case and Markdown signs do not hide a quote", () => {
  assert.equal(marked("Le **délai**  est de\ntrente jours.", "le délai est de trente jours"), "{Le }{délai}{  est de}{trente jours}.");
});

test("a quote that begins inside a word's signs is found", () => {
  assert.equal(marked("Le pré**avis** est long.", "préavis"), "Le {pré}{avis} est long.");
});

test("a quote over two blocks is marked in both", () => {
  assert.equal(marked("Un début.\n\nUne suite.", "début. Une suite"), "Un {début.}{Une suite}.");
});

test("a quote that is not there marks nothing", () => {
  assert.equal(marked("Avant.", "Ailleurs"), "Avant.");
  assert.equal(marked("Avant.", ""), "Avant.");
});

test("only finished sentences are told until the end", () => {
  assert.deepEqual(sentences("Bonjour. Voici la su", "fr", false), ["Bonjour."]);
  assert.deepEqual(sentences("Bonjour. Voici la suite", "fr", true), ["Bonjour.", "Voici la suite"]);
  assert.deepEqual(sentences("un\ndeux\n", "fr", false), ["un"]);
  assert.deepEqual(sentences("", "fr", true), []);
});
