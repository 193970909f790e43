// Images beside the question: sent as soon as they are chosen, so that the question leaves at once.
import { Problem, sendImage } from "./api.js";

export const MOST = 4; // as the API has it
export const KINDS = "image/png,image/jpeg,image/webp,image/gif";

/** Fires "change". `list`: {url, name, blob, problem}; `blob` once it was sent, `problem` is the status of a refusal. */
export class Images extends EventTarget {
  list = [];

  /** Begins to send them. Returns false when there was no room for all. */
  add(space, files) {
    const room = files.slice(0, MOST - this.list.length);
    for (const file of room) {
      const image = { url: URL.createObjectURL(file), name: file.name };
      image.sent = this.#send(space, file, image);
      this.#set([...this.list, image]);
    }
    return room.length === files.length;
  }

  remove(image) {
    URL.revokeObjectURL(image.url);
    this.#set(this.list.filter((one) => one !== image));
  }

  /** Those that were sent, once all have arrived; what was refused stays, so that it can be seen why. */
  async take() {
    await Promise.all(this.list.map(({ sent }) => sent));
    const taken = this.list.filter(({ blob }) => blob);
    this.#set(this.list.filter(({ blob }) => !blob));
    return taken.map(({ blob, name, url }) => ({ blob, name, url }));
  }

  async #send(space, file, image) {
    try {
      image.blob = (await sendImage(space, file)).blob;
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      image.problem = error.status;
    }
    this.dispatchEvent(new Event("change"));
  }

  #set(list) {
    this.list = list;
    this.dispatchEvent(new Event("change"));
  }
}
