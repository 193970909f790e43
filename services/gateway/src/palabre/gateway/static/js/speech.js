// Speaks answers: one <audio> for the page, so that there is never more than one voice.
import { audioAddress } from "./api.js";

const OPUS = "audio/ogg; codecs=opus";

/**
 * How much of an answer was heard, in code points, after `played_ms` of its voice. Segments whose times are not
 * known yet count as not heard; without any, `null`.
 */
export function heardUntil(segments, played_ms) {
  if (!segments.length) return null;
  let start = 0;
  let heard = segments[0].offset;
  for (const { offset, length, duration_ms } of segments) {
    const share = duration_ms ? Math.min(1, Math.max(0, (played_ms - start) / duration_ms)) : 0;
    if (share === 0) break;
    heard = offset + Math.round(length * share);
    start += duration_ms;
  }
  return heard;
}

/** Fires "change"; `turn` is the one whose voice is asked for, `failed` the one whose voice could not be had. */
export class Voice extends EventTarget {
  constructor(audio = new Audio()) {
    super();
    this.turn = "";
    this.failed = "";
    this.audio = audio;
    this.format = audio.canPlayType(OPUS) ? "opus" : "mp3";
    audio.addEventListener("ended", () => this.stop());
    audio.addEventListener("error", () => this.turn && this.#fail());
  }

  /** Begins at once, while the answer is still being written. */
  async play(turn) {
    this.failed = "";
    this.#show(turn);
    this.audio.src = audioAddress(turn, this.format);
    try {
      await this.audio.play();
    } catch (error) {
      if (error.name !== "AbortError" && this.turn === turn) this.#fail();
    }
  }

  /** Silent at once, and the download ends. */
  stop() {
    if (!this.turn) return;
    this.audio.pause();
    this.audio.removeAttribute("src");
    this.audio.load();
    this.#show("");
  }

  get played_ms() {
    return Math.round(this.audio.currentTime * 1000);
  }

  #fail() {
    const { turn } = this;
    this.stop();
    this.failed = turn;
    this.dispatchEvent(new Event("change"));
  }

  #show(turn) {
    this.turn = turn;
    this.dispatchEvent(new Event("change"));
  }
}
