/** What the page shows: named values, and who wants to hear when one changes. */

export class Store {
  #values = new Map();
  #watchers = new Map();

  get(name) {
    return this.#values.get(name);
  }

  /** Set a value and tell its watchers. */
  set(name, value) {
    this.#values.set(name, value);
    for (const watcher of this.#watchers.get(name) ?? []) watcher(value);
  }

  /** Call `watcher` now, if there is a value, and whenever it is set. Returns how to stop. */
  watch(name, watcher) {
    if (!this.#watchers.has(name)) this.#watchers.set(name, new Set());
    this.#watchers.get(name).add(watcher);
    if (this.#values.has(name)) watcher(this.#values.get(name));
    return () => this.#watchers.get(name).delete(watcher);
  }
}

/** A setting that this browser remembers; private windows may refuse to. */
export const remembered = {
  get(name, otherwise) {
    try {
      return JSON.parse(localStorage.getItem(`driftwave.${name}`)) ?? otherwise;
    } catch {
      return otherwise;
    }
  },
  set(name, value) {
    try {
      localStorage.setItem(`driftwave.${name}`, JSON.stringify(value));
    } catch {
      // Nothing is lost but the convenience.
    }
  },
};
