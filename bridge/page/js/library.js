/**
 * The clips: the list that is shown, the chosen one, A and B, and every change of them.
 *
 * In the store: clips {items, total}, chosen (clip or null), sides {A, B, side}, filter.
 */

const FIELDS = [
  "id", "name", "seconds", "sample_rate", "channels", "seed", "index", "steps", "voice", "prompt",
  "favourite", "tags", "created",
];
const PAGE = 60;
const SETTLE_MS = 80;

export class Library {
  #known = new Map();
  #limit = PAGE;
  #refreshing = 0;

  constructor(engine, notices) {
    this.engine = engine;
    this.store = engine.store;
    this.notices = notices;
    this.store.set("clips", { items: [], total: 0 });
    this.store.set("filter", { text: "", favourite: false });
    this.store.set("sides", { A: null, B: null, side: "A" });
    this.store.set("chosen", null);
    engine.whenOpen(() => this.refresh());
    engine.on("/drift/clip/added", () => this.#soon());
    engine.on("/drift/clip/changed", () => this.#soon());
  }

  /** Read the list anew. */
  async refresh() {
    const { text, favourite } = this.store.get("filter");
    const conditions = ["limit", this.#limit];
    if (text) conditions.push("text", text);
    if (favourite) conditions.push("favourite", true);
    const answer = await this.engine.ask("history", "/drift/clip/find", conditions, {
      items: "/drift/clip/item",
    });
    if (!answer) return;
    const items = answer.items.map(asClip);
    for (const clip of items) this.#known.set(clip.id, clip);
    this.store.set("clips", { items, total: answer.args[1] ?? items.length });
    const chosen = this.store.get("chosen");
    if (chosen) await this.#renew(chosen.id);
    else if (items.length) this.choose(items[0].id);
  }

  filter(what) {
    this.store.set("filter", { ...this.store.get("filter"), ...what });
    this.#limit = PAGE;
    return this.refresh();
  }

  more() {
    this.#limit = Math.min(200, this.#limit + PAGE);
    return this.refresh();
  }

  get mayShowMore() {
    const { items, total } = this.store.get("clips");
    return items.length < total && this.#limit < 200;
  }

  get chosen() {
    return this.store.get("chosen");
  }

  /** What is known of a clip, asked for when it is not known yet; null when it is gone. */
  async clip(id) {
    if (this.#known.has(id)) return this.#known.get(id);
    try {
      const answer = await this.engine.link.ask("/drift/clip/get", [id], {
        items: "/drift/clip/item",
      });
      const clip = asClip(answer.items[0]);
      this.#known.set(id, clip);
      return clip;
    } catch {
      return null;
    }
  }

  /** Choose a clip: it goes to the side, A or B, that is heard. */
  async choose(id) {
    const clip = await this.clip(id);
    if (!clip) return null;
    const sides = this.store.get("sides");
    this.store.set("sides", { ...sides, [sides.side]: id });
    this.store.set("chosen", clip);
    return clip;
  }

  /** The other of A and B. */
  async turn(side) {
    const sides = this.store.get("sides");
    const other = side ?? (sides.side === "A" ? "B" : "A");
    const id = sides[other] ?? sides[sides.side];
    this.store.set("sides", { ...sides, side: other, [other]: id });
    return id ? this.choose(id) : null;
  }

  /** The clip before (-1) or after (1) the chosen one in the list. */
  step(by) {
    const { items } = this.store.get("clips");
    const place = items.findIndex((clip) => clip.id === this.chosen?.id);
    const next = items[Math.max(0, Math.min(items.length - 1, place < 0 ? 0 : place + by))];
    return next ? this.choose(next.id) : null;
  }

  async favourite(clip, on = !clip.favourite) {
    if (await this.engine.ask("history", "/drift/clip/favourite", [clip.id, on])) await this.refresh();
  }

  async rename(clip, name) {
    if (await this.engine.ask("clip", "/drift/clip/name", [clip.id, name])) await this.refresh();
  }

  async remove(clip) {
    const { items } = this.store.get("clips");
    const place = items.findIndex((one) => one.id === clip.id);
    if (!(await this.engine.ask("history", "/drift/clip/delete", [clip.id]))) return;
    const undo = { label: "Undo", work: () => this.undo() };
    this.notices.info("history", `Deleted “${title(clip)}”. It stays in the trash for 30 days.`, undo);
    this.#forget(clip.id, (items[place + 1] ?? items[place - 1])?.id ?? null);
    await this.refresh();
  }

  undo() {
    return this.#history("/drift/undo", "Undone");
  }

  redo() {
    return this.#history("/drift/redo", "Done again");
  }

  async #history(address, said) {
    const answer = await this.engine.ask("history", address);
    if (!answer) return;
    this.notices.info("history", `${said}: ${answer.args[0]}`);
    await this.refresh();
  }

  async #renew(id) {
    this.#known.delete(id);
    const clip = await this.clip(id);
    if (this.chosen?.id !== id) return; // another was chosen meanwhile
    if (clip) this.store.set("chosen", clip);
    else if (this.engine.link.connected) this.#forget(id, this.store.get("clips").items[0]?.id ?? null);
  }

  #forget(id, next) {
    this.#known.delete(id);
    const { A, B, side } = this.store.get("sides");
    this.store.set("sides", { A: A === id ? null : A, B: B === id ? null : B, side });
    if (this.chosen?.id !== id) return;
    this.store.set("chosen", null);
    if (next) this.choose(next);
  }

  /** Several changes in a row are one reading. */
  #soon() {
    clearTimeout(this.#refreshing);
    this.#refreshing = setTimeout(() => this.refresh(), SETTLE_MS);
  }
}

/** A clip's name, or its words. */
export function title(clip) {
  return clip.name || clip.prompt || "no words";
}

function asClip(args) {
  const clip = Object.fromEntries(FIELDS.map((field, i) => [field, args[i]]));
  return { ...clip, favourite: Boolean(clip.favourite) };
}
