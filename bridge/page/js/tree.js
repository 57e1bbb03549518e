/** The engine's OSCQuery tree: which methods there are, and the ranges of their arguments. */

export class Tree {
  #nodes = new Map();

  /** Read it anew; an engine after a restart may be a newer one. */
  async load() {
    const answer = await fetch("/drift", { headers: { Accept: "application/json" } });
    if (!answer.ok) throw new Error(`address space: ${answer.status} ${await answer.text()}`);
    this.#nodes.clear();
    this.#enter(await answer.json());
  }

  /** True when the engine has this method or event. */
  has(address) {
    return this.#nodes.get(address)?.TYPE !== undefined;
  }

  node(address) {
    return this.#nodes.get(address);
  }

  /** `[low, high]` of a method's argument, by place. */
  range(address, place = 0) {
    const range = this.#nodes.get(address)?.RANGE?.[place];
    return [range?.MIN ?? 0, range?.MAX ?? 1];
  }

  /** The choices of a text argument. */
  choices(address, place = 0) {
    return this.#nodes.get(address)?.RANGE?.[place]?.VALS ?? [];
  }

  /** Keys of a method: name -> {TYPE, RANGE, UNIT, DESCRIPTION}. */
  keys(address) {
    return this.#nodes.get(address)?.KEYS ?? {};
  }

  #enter(node) {
    this.#nodes.set(node.FULL_PATH, node);
    for (const child of Object.values(node.CONTENTS ?? {})) this.#enter(child);
  }
}

/** What a field says as an argument of this OSC type. */
export function typed(type, value) {
  if (type === "s") return String(value);
  if (type === "T") return Boolean(value);
  if (type === "h") return { type: "h", value: BigInt(String(value).split(".")[0]) };
  return type === "f" ? { type: "f", value: Number(value) } : Math.trunc(Number(value));
}
