import assert from "node:assert/strict";
import test from "node:test";

import { assemble, codePoints, newTurn, restore } from "../../../services/gateway/src/palabre/gateway/static/js/stream.js";

const start = () => newTurn("Pourquoi ?", { id: "t", status: "running" });
const delta = (attempt, offset, text) => ["delta", { turn: "t", attempt, offset, text }];
const play = (...events) => events.reduce((state, [type, data]) => assemble(state, type, data), start());
const done = (text, more = {}) => ["completed", { turn: "t", text, sources: [], ...more }];

test("pieces in order make the text", () => {
  assert.equal(play(delta(1, 0, "Bon"), delta(1, 3, "jour")).text, "Bonjour");
});

test("a double changes nothing", () => {
  assert.equal(play(delta(1, 0, "Bon"), delta(1, 0, "Bon"), delta(1, 3, "jour"), delta(1, 0, "Bon")).text, "Bonjour");
});

test("a piece that overlaps adds only what is new", () => {
  assert.equal(play(delta(1, 0, "Bonj"), delta(1, 2, "njour")).text, "Bonjour");
});

test("a piece beyond a gap waits until the gap is filled", () => {
  const gap = play(delta(1, 0, "un "), delta(1, 8, "trois"));
  assert.equal(gap.text, "un ");
  assert.equal(assemble(gap, ...delta(1, 3, "deux ")).text, "un deux trois");
});

test("pieces in reverse order make the text", () => {
  const state = play(delta(1, 6, "ici"), delta(1, 3, "là "), delta(1, 0, "de "));
  assert.equal(state.text, "de là ici");
  assert.deepEqual(state.waiting, []);
});

test("offsets count code points, not UTF-16 units", () => {
  assert.equal(play(delta(1, 0, "🌳 "), delta(1, 2, "👩‍🌾"), delta(1, 5, "!")).text, "🌳 👩‍🌾!");
  assert.equal(play(delta(1, 0, "🌳🌳"), delta(1, 1, "🌳a")).text, "🌳🌳a");
  assert.equal(codePoints("🌳é"), 2);
});

test("a restart voids what was shown", () => {
  const state = play(delta(1, 0, "faux"), ["restarted", { turn: "t", attempt: 2 }]);
  assert.equal(state.text, "");
  assert.equal(assemble(state, ...delta(2, 0, "vrai")).text, "vrai");
});

test("a higher attempt voids what was shown even when the restart was lost", () => {
  assert.equal(play(delta(1, 0, "faux"), delta(3, 0, "vrai")).text, "vrai");
});

test("pieces and restarts of a lower attempt are dropped", () => {
  const state = play(delta(2, 0, "vrai"), delta(1, 4, " faux"), ["restarted", { turn: "t", attempt: 1 }]);
  assert.equal(state.text, "vrai");
});

test("a restart told twice does not void the new text", () => {
  const again = ["restarted", { turn: "t", attempt: 2 }];
  assert.equal(play(again, delta(2, 0, "vrai"), again).text, "vrai");
});

test("pieces waiting beyond a gap do not survive a restart", () => {
  assert.equal(play(delta(1, 4, "vieux"), delta(2, 0, "neuf"), delta(2, 4, " !")).text, "neuf !");
});

test("the completed text wins over the pieces", () => {
  const state = play(delta(1, 0, "à peu près [9]"), done("exactement", { mode: "grounded" }));
  assert.equal(state.text, "exactement");
  assert.equal(state.status, "completed");
});

test("nothing follows an end", () => {
  const state = play(done("fin"), delta(9, 0, "zombie"), ["failed", { turn: "t", message: "non" }], ["restarted", { turn: "t", attempt: 10 }]);
  assert.equal(state.text, "fin");
  assert.equal(state.status, "completed");
});

test("a failure keeps what was shown", () => {
  const state = play(delta(1, 0, "Il fau"), ["failed", { turn: "t", message: "Panne.", retryable: true, shown: "" }]);
  assert.deepEqual([state.status, state.text, state.message], ["failed", "Il fau", "Panne."]);
});

test("a cancelled turn keeps what was shown", () => {
  assert.equal(play(delta(1, 0, "Il fau"), ["cancelled", { turn: "t", reason: "stop" }]).text, "Il fau");
});

test("another turn's events are ignored", () => {
  assert.equal(play(["delta", { turn: "u", attempt: 1, offset: 0, text: "autre" }]).text, "");
});

test("an unknown event is ignored", () => {
  assert.deepEqual(play(["future", { turn: "t" }]), start());
});

test("a notice goes when the text comes", () => {
  const state = play(["notice", { turn: "t", message: "Patience." }]);
  assert.equal(state.notice, "Patience.");
  assert.equal(assemble(state, ...delta(1, 0, "Voici")).notice, "");
});

test("segments are kept once each, in order, also after the end", () => {
  const one = (index) => ["segment", { turn: "t", index, offset: index * 10, length: 10, duration_ms: 500 }];
  assert.deepEqual(play(one(1), one(0), done("fin"), one(1)).segments.map((s) => s.index), [0, 1]);
});

test("every order of delivery with doubles gives the same text", () => {
  const pieces = [delta(2, 0, "Sous "), delta(2, 5, "l’arbre "), delta(2, 13, "🌳, "), delta(2, 16, "on parle.")];
  const noise = [delta(1, 0, "vieux"), ...pieces.slice(1, 3)];
  for (const order of permutations(pieces)) {
    assert.equal(play(...order, ...noise, ...order).text, "Sous l’arbre 🌳, on parle.");
  }
});

test("what the conversation tells is laid over what is known", () => {
  const known = play(delta(3, 0, "début"));
  const running = restore({ id: "t", question: "Q", status: "running", answer: "" }, known);
  assert.deepEqual([running.text, running.attempt, running.status], ["début", 3, "running"]);
  const ended = restore({ id: "t", question: "Q", status: "completed", answer: "tout", sources: [{ number: 1 }] }, known);
  assert.deepEqual([ended.text, ended.status, ended.sources.length], ["tout", "completed", 1]);
  const failure = restore({ id: "t", question: "Q", status: "failed", answer: "bout", message: "Panne." });
  assert.deepEqual([failure.text, failure.message], ["bout", "Panne."]);
});

function permutations(items) {
  if (items.length < 2) return [items];
  return items.flatMap((item, index) => permutations(items.toSpliced(index, 1)).map((rest) => [item, ...rest]));
}
