// Turns Markdown into a tree of plain objects: {tag, attrs, children} and strings.
//
// Nothing here makes HTML. The tree holds only the tags below, and dom.js builds elements from it one by
// one: raw HTML stays text, images become their description, and a link exists only when its address is
// one of the cited sources.
import MarkdownIt from "../vendor/markdown-it.min.js";
import { settle } from "./settle.js";

const parser = new MarkdownIt({ html: false, linkify: true, breaks: true });
parser.linkify.set({ fuzzyLink: false, fuzzyEmail: false });
// `lheading` would turn a paragraph into a title as soon as a dash follows it; `reference` would swallow "[1]: …".
parser.disable(["lheading", "reference"]);
// Every address is parsed, so that "[words](anything)" shows as its words; which may be followed is decided below.
parser.validateLink = () => true;

const TAGS = new Set([
  "p", "strong", "em", "s", "code", "pre", "blockquote", "ul", "ol", "li", "hr", "br",
  "table", "thead", "tbody", "tr", "th", "td",
]);
const LOWEST = 6;
const CLOSING = /^[.,;:!?…)\]”"]*/;
const CITATION = /\[(\d{1,2}(?:\s*[,;]\s*\d{1,2})*)\]/g;

const element = (tag, children = [], attrs = {}) => ({ tag, attrs, children });

/** The address as a browser would read it, or nothing unless it is http(s). */
export function webAddress(address) {
  const url = URL.canParse(address ?? "") ? new URL(address) : null;
  return url && ["http:", "https:"].includes(url.protocol) && !url.username && !url.password ? url.href : null;
}

/** What a text may point at: `cited` holds addresses, `numbers` the label of each source's number. */
export function allowances(sources = [], label = (number) => String(number)) {
  const addresses = sources.map((source) => webAddress(source.url)).filter(Boolean);
  const numbers = new Map(sources.map((source) => [source.number, label(source.number, source.title)]));
  return { cited: new Set(addresses), numbers };
}

const NOTHING = allowances();

/** Parses a whole text, or with `writing` one that is still being written. */
export function parse(text, allowed = NOTHING, { writing = false } = {}) {
  const tokens = parser.parse(writing ? settle(text) : text, {});
  return build(tokens, { ...allowed, writing });
}

function build(tokens, context) {
  const root = element("root");
  const open = [root];
  for (const token of tokens) {
    if (token.nesting < 0) {
      open.pop();
      continue;
    }
    const nodes = convert(token, context);
    open.at(-1).children.push(...nodes);
    if (token.nesting > 0) open.push(innermost(nodes[0])); // what opens is always one node
  }
  return root.children;
}

// A token that opens something shows as one node; a wrapped one (a table) is filled inside its wrapper.
const innermost = (node) => (node.attrs.class === "scroll" ? node.children[0] : node);

function convert(token, context) {
  const { type, tag } = token;
  if (type === "inline") return build(token.children, context);
  if (type === "text" || type === "html_inline" || type === "html_block") return citations(token.content, context);
  if (type === "softbreak" || type === "hardbreak") return [element("br")];
  if (type === "code_inline") return [element("code", [token.content])];
  if (type === "fence" || type === "code_block") return [codeBlock(token.content)];
  if (type === "image") return token.content ? [token.content] : [];
  if (type === "link_open") return [link(token, context)];
  if (type === "heading_open") return [element(`h${Math.min(LOWEST, Number(tag[1]) + 2)}`)];
  if (type === "table_open") return [element("div", [element("table")], { class: "scroll", tabindex: "0" })];
  if (type === "ordered_list_open") return [element("ol", [], start(token))];
  if (type === "paragraph_open" && token.hidden) return [element("span")];
  return [element(TAGS.has(tag) ? tag : "span")];
}

const codeBlock = (content) => element("pre", [element("code", [content])], { tabindex: "0" });

function start(token) {
  const number = Number(token.attrGet("start") ?? 1);
  return number === 1 ? {} : { start: String(number) };
}

function link(token, { cited }) {
  const address = webAddress(token.attrGet("href"));
  if (!address || !cited.has(address)) return element("span");
  return element("a", [], { href: address, target: "_blank", rel: "noopener noreferrer" });
}

/** Splits "as said [1, 2]." into words and marks. While writing, sources are not known yet: every number is a mark. */
function citations(text, { numbers, writing }) {
  const nodes = [];
  let from = 0;
  for (const match of text.matchAll(CITATION)) {
    const cited = match[1].split(/[,;]/).map(Number);
    if (!writing && !cited.every((number) => numbers.has(number))) continue;
    const end = match.index + match[0].length;
    const [closing] = CLOSING.exec(text.slice(end)); // or a line may begin with the full stop
    const together = [...cited.map((number) => mark(number, numbers)), closing].filter((node) => node !== "");
    nodes.push(text.slice(from, match.index), element("span", together, { class: "together" }));
    from = end + closing.length;
  }
  return [...nodes, text.slice(from)].filter((node) => node !== "");
}

function mark(number, numbers) {
  const words = [String(number)];
  const label = numbers.get(number);
  if (label === undefined) return element("span", words, { class: "cite" });
  return element("button", words, { class: "cite", type: "button", "data-number": String(number), "aria-label": label });
}

const BLOCKS = new Set(["p", "pre", "blockquote", "ul", "ol", "li", "table", "tr", "div", "hr", "h3", "h4", "h5", "h6"]);

/** The words of a tree for a voice or a screen reader: a line per block, no citation marks. */
export function plain(tree) {
  const words = tree.map((node) => {
    if (typeof node === "string") return node;
    if (node.attrs.class === "cite") return "";
    if (node.tag === "br") return "\n";
    const inside = plain(node.children);
    return BLOCKS.has(node.tag) ? `${inside}\n` : ["td", "th"].includes(node.tag) ? `${inside} ` : inside;
  });
  return words.join("");
}
