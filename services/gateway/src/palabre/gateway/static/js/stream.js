// Puts one turn together from its events: doubles, gaps, restarts and late pieces included.
//
// A state is never changed in place: `assemble(state, type, data)` returns the next one, or the same one
// when the event changes nothing. Offsets are Unicode code points, as on the bus; JavaScript's own string
// lengths are UTF-16 units, so lengths are always counted through `codePoints`.

export const ENDED = new Set(["completed", "failed", "cancelled"]);

export const codePoints = (text) => {
  let count = 0;
  for (const _ of text) count++;
  return count;
};

/** The text without its first `count` code points. */
const after = (text, count) => (count <= 0 ? text : Array.from(text).slice(count).join(""));

export const newTurn = (question, fields = {}) => ({
  id: "",
  question,
  images: [], // {blob, name, url}, as far as this page knows them
  status: "sending", // sending, running, completed, failed, cancelled, unsent
  attempt: 0,
  text: "",
  length: 0, // of text, in code points
  waiting: [], // pieces beyond a gap
  sources: [],
  segments: [],
  mode: "",
  language: "",
  persona: "",
  disclaimer: "",
  usage: null,
  notice: "",
  message: "",
  retryable: false,
  ...fields,
});

const emptied = (state, attempt) => ({ ...state, attempt, text: "", length: 0, waiting: [], segments: [] });

function accepted(state, data) {
  return { ...state, status: "running", question: data.question || state.question };
}

function restarted(state, data) {
  return data.attempt > state.attempt ? { ...emptied(state, data.attempt), notice: "" } : state;
}

/** Appends every waiting piece that touches the text; what is already there is skipped. */
function joined(state) {
  let { text, length, waiting } = state;
  for (;;) {
    const piece = waiting.find((one) => one.offset <= length);
    if (!piece) return { ...state, text, length, waiting };
    waiting = waiting.filter((one) => one !== piece);
    const fresh = after(piece.text, length - piece.offset);
    text += fresh;
    length += codePoints(fresh);
  }
}

function delta(state, data) {
  if (data.attempt < state.attempt) return state;
  const current = data.attempt > state.attempt ? emptied(state, data.attempt) : state;
  const pieces = [...current.waiting, { offset: data.offset, text: data.text }];
  return joined({ ...current, status: "running", notice: "", waiting: pieces });
}

function completed(state, data) {
  return {
    ...state,
    status: "completed",
    text: data.text,
    length: codePoints(data.text),
    waiting: [],
    sources: data.sources ?? [],
    mode: data.mode ?? "",
    usage: data.usage ?? null,
    language: data.language ?? "",
    persona: data.persona || state.persona,
    disclaimer: data.disclaimer ?? "",
    notice: "",
  };
}

function failed(state, data) {
  const text = data.shown || state.text;
  return {
    ...state,
    status: "failed",
    text,
    length: codePoints(text),
    waiting: [],
    message: data.message ?? "",
    retryable: data.retryable ?? true,
    notice: "",
  };
}

const cancelled = (state) => ({ ...state, status: "cancelled", waiting: [], notice: "" });

function segment(state, data) {
  const others = state.segments.filter((one) => one.index !== data.index);
  const { index, offset, length, duration_ms } = data;
  const segments = [...others, { index, offset, length, duration_ms }];
  return { ...state, segments: segments.sort((a, b) => a.index - b.index) };
}

const notice = (state, data) => ({ ...state, notice: data.message ?? "" });

const STEPS = { accepted, restarted, delta, completed, failed, cancelled, segment, notice };

/** The turn after this event. Nothing but a segment's times changes a turn that has ended. */
export function assemble(state, type, data) {
  const step = STEPS[type];
  if (!step || (data.turn && state.id && data.turn !== state.id)) return state;
  if (ENDED.has(state.status) && type !== "segment") return state;
  return step(state, data);
}

const RESTORED = { running: accepted, completed, failed, cancelled };

/** The turn as the API's `GET conversation` tells it, laid over what is known of it. */
export function restore(told, known = newTurn("")) {
  const base = { ...known, id: told.id, question: told.question };
  if (ENDED.has(base.status)) return base;
  const step = RESTORED[told.status] ?? accepted;
  const shown = told.status === "running" ? base.text : (told.answer ?? "");
  const text = shown || base.text;
  return step(
    { ...base, text, length: codePoints(text), language: told.language ?? "", persona: told.persona ?? base.persona },
    { ...told, text, shown },
  );
}
