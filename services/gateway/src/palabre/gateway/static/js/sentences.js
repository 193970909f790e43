// Which sentences of an answer are finished: a screen reader hears these, not every token.

/** All sentences of a plain text; the last one only when `ended`, as it may still grow. */
export function sentences(text, language, ended) {
  const cutter = new Intl.Segmenter(language || "fr", { granularity: "sentence" });
  const found = text
    .replace(/ +(?=[,.])/g, "") // where a citation mark was
    .trimEnd()
    .split("\n")
    .map((line) => Array.from(cutter.segment(line), (piece) => piece.segment.trim()).filter(Boolean));
  if (!ended) found.at(-1)?.pop();
  return found.flat();
}
