// Finds the words of a quote inside a rendered passage and marks them.

const isSpace = (character) => /\s/.test(character);

const INLINE = new Set(["strong", "em", "s", "code", "a", "span", "button"]);

// A few letters change their length in lower case; places must stay one to one.
function lower(character) {
  const small = character.toLowerCase();
  return small.length === character.length ? small : character;
}

/** The words of a tree without white space differences, and where each character came from. */
function flatten(tree) {
  const places = [];
  let text = "";
  const add = (character, place) => {
    const space = isSpace(character);
    if (space && (text === "" || text.endsWith(" "))) return;
    text += space ? " " : lower(character);
    places.push(place);
  };
  const walk = (nodes) => {
    nodes.forEach((node, index) => {
      if (typeof node === "string") spread(node, nodes, index, add);
      else {
        walk(node.children);
        if (!INLINE.has(node.tag)) add(" ", null);
      }
    });
  };
  walk(tree);
  return { text, places };
}

function spread(string, nodes, index, add) {
  for (let at = 0; at < string.length; at++) add(string[at], { nodes, index, at });
}

/** Where each text leaf is to be cut: a map of its parent's list to index to [from, to]. */
function cuts(places) {
  const found = new Map();
  for (const place of places) {
    if (!place) continue;
    const leaves = found.get(place.nodes) ?? new Map();
    const [from] = leaves.get(place.index) ?? [place.at];
    found.set(place.nodes, leaves.set(place.index, [from, place.at + 1]));
  }
  return found;
}

function marked(nodes, found) {
  const leaves = found.get(nodes) ?? new Map();
  return nodes.flatMap((node, index) => {
    if (typeof node !== "string") return { ...node, children: marked(node.children, found) };
    if (!leaves.has(index)) return node;
    const [from, to] = leaves.get(index);
    const mark = { tag: "mark", attrs: {}, children: [node.slice(from, to)] };
    return [node.slice(0, from), mark, node.slice(to)].filter((part) => part !== "");
  });
}

/** The tree with the words of `quote` (a tree too) in <mark>; the same tree when they are not found. */
export function highlight(tree, quote) {
  const wanted = flatten(quote).text.trim();
  if (!wanted) return tree;
  const { text, places } = flatten(tree);
  const start = text.indexOf(wanted);
  if (start < 0) return tree;
  return marked(tree, cuts(places.slice(start, start + wanted.length)));
}
