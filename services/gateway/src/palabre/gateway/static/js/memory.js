// What the browser remembers. The conversation belongs to the tab (a shared computer forgets it when the tab
// closes); choices belong to the person. Storage may be forbidden: then nothing is remembered.

const key = (name) => `palabre.${name}`;

function attempt(action) {
  try {
    return action();
  } catch (error) {
    if (error instanceof DOMException) return null;
    throw error;
  }
}

const place = (storage) => ({
  get: (name) => attempt(() => globalThis[storage].getItem(key(name))),
  set: (name, value) =>
    attempt(() => (value === null ? globalThis[storage].removeItem(key(name)) : globalThis[storage].setItem(key(name), value))),
});

export const tab = place("sessionStorage");
export const person = place("localStorage");
