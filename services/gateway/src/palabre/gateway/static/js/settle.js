// A text that is still being written, made fit to show: what is half open at its end is held back or closed,
// so that no star, bracket or table flashes by and nothing jumps when the rest arrives.

const FENCE = /^ {0,3}(```|~~~)/gm;
const HALF_MARK = /\[[\d\s,;]*$/;
const HALF_LINK = /!?\[([^\]\n]*)(\]|\]\([^)\n]*)$/;
const OPEN_WORDS = /!?\[([^\]\n]*)$/;
const LONE_SIGNS = /(^|\n)[ \t]*(#{1,6}|[-*+>]|\d{1,3}[.)]?)[ \t]*$/;
const TRAILING_SIGNS = /[*_~`]+$/;

const count = (text, sign) => text.split(sign).length - 1;

/** A table shows once its second line is whole, and then line by line. */
function withoutHalfTable(text) {
  const start = text.lastIndexOf("\n\n") + 1;
  const lines = text.slice(start).replace(/^\n/, "").split("\n");
  if (!lines[0].trimStart().startsWith("|")) return text;
  const whole = lines.slice(0, -1);
  const kept = whole.length < 2 ? [] : whole;
  return text.slice(0, text.length - lines.join("\n").length) + kept.join("\n");
}

function withoutHalfLink(text) {
  const shown = text.replace(HALF_MARK, "");
  if (shown !== text) return shown;
  // "[12]" is a mark, whole already.
  if (/\[[\d\s,;]+\]$/.test(text)) return text;
  return text.replace(HALF_LINK, "$1").replace(OPEN_WORDS, "$1");
}

/** Closes bold, emphasis and code that the last block leaves open. */
function closed(text) {
  const block = text.slice(text.lastIndexOf("\n\n") + 1);
  if (count(block, "`") % 2) return `${text}\``;
  const prose = block.replace(/`[^`]*`/g, "").replace(/^\s*[*+-] /gm, "");
  const bold = count(prose, "**") % 2 ? "**" : "";
  const stars = count(prose.replaceAll("**", ""), "*") % 2 ? "*" : "";
  return text + stars + bold;
}

export function settle(text) {
  if ((text.match(FENCE) ?? []).length % 2) return text;
  const steps = [withoutHalfTable, (one) => one.replace(TRAILING_SIGNS, ""), withoutHalfLink];
  const shown = steps.reduce((one, step) => step(one), text);
  return closed(shown.replace(LONE_SIGNS, "$1").trimEnd());
}
