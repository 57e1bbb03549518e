/**
 * Slots, transport, snapshots and levels, where the engine has them.
 *
 * In the store: slots (16 of {slot, clip, prompt, seconds, waiting}), slot (the selected number),
 * hit {slot, velocity, seconds}, beat, snapshots, level {source, peaks}.
 */

import { remembered } from "./store.js";

const LEVEL_RENEW_MS = 30_000;
export const SLOTS = 16;

export class Stage {
  constructor(engine, notices, sound) {
    this.engine = engine;
    this.store = engine.store;
    this.notices = notices;
    this.sound = sound;
    this.store.set("slots", []);
    this.store.set("slot", 1);
    this.store.set("snapshots", []);
    this.store.set("output", remembered.get("output", "engine"));
    engine.whenOpen(() => this.#read());
    engine.on("/drift/slot/changed", (slot, clip, prompt, seconds) =>
      this.#change(slot, { clip, prompt, seconds }));
    engine.on("/drift/slot/hit", (slot, velocity) => this.#lit(slot, velocity));
    engine.on("/drift/transport/beat", (beat) => this.store.set("beat", beat));
    engine.on("/drift/snapshot/changed", () => this.readSnapshots());
    engine.on("/drift/meter/level", (_bus, left, right) =>
      this.store.set("level", { source: "engine", peaks: [left, right] }));
    setInterval(() => this.#askLevels(), LEVEL_RENEW_MS);
  }

  get hasSlots() {
    return this.engine.has("/drift/slot/1/play");
  }

  /** True when pads are heard from the engine's own sound device. */
  get throughEngine() {
    return Boolean(this.store.get("status")?.audio) && this.store.get("output") === "engine";
  }

  setOutput(output) {
    remembered.set("output", output);
    this.store.set("output", output);
    this.#askLevels();
  }

  select(slot) {
    this.store.set("slot", ((slot - 1 + SLOTS) % SLOTS) + 1);
  }

  slot(number) {
    return this.store.get("slots")[number - 1];
  }

  /** Hit a slot: on the engine's device, else in this browser. */
  hit(number, velocity = 1) {
    const slot = this.slot(number);
    if (!slot?.clip) {
      this.select(number);
      return;
    }
    if (this.throughEngine) {
      this.engine.link.send(`/drift/slot/${number}/play`, velocity);
      return;
    }
    this.#lit(number, velocity);
    this.sound.hit(number, slot.clip, {
      velocity,
      gain_db: this.value(number, "gain", 0),
      pan: this.value(number, "pan", 0),
      semitones: this.value(number, "pitch", 0),
      choke: this.value(number, "choke", 0),
    }).catch((error) => this.notices.error("pads", error));
  }

  stop(number) {
    this.sound.release(number);
    this.engine.link.send(`/drift/slot/${number}/stop`, true);
  }

  value(number, name, otherwise) {
    return this.store.get(`/drift/slot/${number}/${name}`) ?? otherwise;
  }

  /** A new sound for a slot; returns its last answer or null. */
  generate(number, words) {
    const label = words || this.slot(number)?.prompt || `pad ${number}`;
    const about = { label, place: "slot", slot: number };
    return this.engine.run(`/drift/slot/${number}/generate`, words ? [words] : [], about);
  }

  async put(number, clip) {
    await this.engine.ask("slot", `/drift/slot/${number}/clip`, [clip]);
  }

  async clear(number) {
    const before = this.slot(number)?.clip;
    if (!before || !(await this.engine.ask("slot", `/drift/slot/${number}/clear`))) return;
    const back = { label: "Put back", work: () => this.put(number, before) };
    this.notices.info("slot", `Pad ${number} is empty. Its clip stays in the history.`, back);
  }

  async readSnapshots() {
    if (!this.engine.has("/drift/snapshot/list")) return;
    const answer = await this.engine.ask("slot", "/drift/snapshot/list", [], {
      items: "/drift/snapshot/item",
    });
    this.store.set("snapshots", (answer?.items ?? []).map(([name]) => name));
  }

  async #read() {
    this.#askLevels();
    if (!this.hasSlots) return;
    const answer = await this.engine.ask("pads", "/drift/slot/list", [], {
      items: "/drift/slot/item",
    });
    const names = this.engine.tree.node("/drift/slot/item")?.ARGUMENTS ?? [];
    const slots = (answer?.items ?? []).map((args) =>
      Object.fromEntries(names.map((name, i) => [name, args[i]])));
    this.store.set("slots", slots);
    await this.readSnapshots();
  }

  #change(number, what) {
    const slots = this.store.get("slots");
    this.store.set("slots", slots.map((one) => (one.slot === number ? { ...one, ...what } : one)));
  }

  #lit(slot, velocity) {
    const semitones = this.value(slot, "pitch", 0);
    const seconds = (this.slot(slot)?.seconds ?? 0.3) / 2 ** (semitones / 12);
    this.store.set("hit", { slot, velocity, seconds });
  }

  #askLevels() {
    if (this.engine.has("/drift/meter/main") && this.store.get("status")?.audio) {
      this.engine.link.send("/drift/meter/main", this.throughEngine);
    }
  }
}
