/**
 * The engine as the page knows it: connection, address space, status, voices, values and jobs.
 *
 * In the store: connection {state, seconds}, tree (set when it was read), status, voices, jobs, and the
 * value of every parameter under its OSC address.
 */

import { Link } from "./link.js";
import { Tree } from "./tree.js";

const STATUS_EVERY_MS = 2000;
const VALUE_EVERY_MS = 25;
const QUIET_MS = 300; // after a hand let go, values from elsewhere count again

export class Engine {
  #notices;
  #opened = [];
  #listeners = new Map();
  #held = new Map();
  #later = new Map();
  #unsent = new Map();
  #next_job = 1 + Math.floor(Math.random() * 1_000_000) * 1000;
  #timer = 0;

  constructor(store, notices) {
    this.store = store;
    this.#notices = notices;
    this.tree = new Tree();
    this.link = new Link(`ws://${location.host}/`);
    this.link.addEventListener("open", () => this.#open());
    this.link.addEventListener("lost", (event) => this.#lost(event.detail.seconds));
    this.link.addEventListener("message", (event) => this.#message(event.detail));
    this.link.addEventListener("fault", (event) => this.#fault(event.detail));
    store.set("jobs", []);
  }

  start() {
    this.store.set("connection", { state: "connecting", seconds: 0 });
    this.link.connect();
    setInterval(() => this.#sendValues(), VALUE_EVERY_MS);
  }

  has(address) {
    return this.tree.has(address);
  }

  /** Run `work` each time the engine is there anew, after its tree was read. */
  whenOpen(work) {
    this.#opened.push(work);
  }

  /** Hear the messages of one address: `work(...args)`. */
  on(address, work) {
    this.#listeners.set(address, [...(this.#listeners.get(address) ?? []), work]);
  }

  /** Ask; a refusal is shown at `place` and thrown on as null. */
  async ask(place, address, args = [], how = {}) {
    try {
      return await this.link.ask(address, args, how);
    } catch (error) {
      this.#notices.error(place, error);
      return null;
    }
  }

  /** Set a parameter: shown at once, sent at most forty times a second, the last value always. */
  setValue(address, value) {
    this.store.set(address, value);
    clearTimeout(this.#later.get(address));
    this.#held.set(address, performance.now());
    this.#unsent.set(address, value);
  }

  /**
   * Start a job and follow it to its end.
   *
   * @param {string} address of a method whose first argument is the job's id, or a slot's generate.
   * @param {Array} args those after the id.
   * @param {object} about {label, place, count, slot}
   * Returns {args} of its last answer, or null.
   */
  async run(address, args, about) {
    const job = { id: this.#next_job++, command: address, clips: [], fraction: 0, eta_s: -1,
      state: "asked", position: 0, count: 1, ...about };
    this.#jobs((jobs) => [...jobs.filter((one) => one.state !== "over"), job]);
    const all = about.slot ? [true, job.id, ...args] : [job.id, ...args];
    try {
      const answer = await this.link.ask(address, all, { job: job.id });
      this.#change(job.id, { state: "over", answer: answer.args, fraction: 1 });
      return answer;
    } catch (error) {
      this.#change(job.id, { state: "over", error });
      if (error.code === "cancelled") this.#notices.info(about.place, `Cancelled: ${about.label}`);
      else this.#notices.error(about.place, error);
      return null;
    } finally {
      this.#askStatus();
    }
  }

  /** Cancel one job of this page, or all of everybody. */
  cancel(job = -1) {
    return this.ask("make", "/drift/cancel", [job]);
  }

  get running() {
    return this.store.get("jobs").filter((job) => job.state !== "over");
  }

  async #open() {
    try {
      await this.tree.load();
    } catch (error) {
      this.#notices.error("make", error);
      return;
    }
    this.store.set("tree", this.tree);
    this.store.set("connection", { state: "open", seconds: 0 });
    await this.ask("make", "/drift/notify", [true]);
    await this.#askStatus();
    const voices = await this.ask("make", "/drift/voice/list", [], { items: "/drift/voice/item" });
    this.store.set("voices", (voices?.items ?? []).map(([name, version, rate, channels, longest_s]) =>
      ({ name, version, rate, channels, longest_s })));
    for (const work of this.#opened) await work();
    clearInterval(this.#timer);
    this.#timer = setInterval(() => this.#askStatus(), STATUS_EVERY_MS);
  }

  #lost(seconds) {
    clearInterval(this.#timer);
    this.store.set("connection", { state: "lost", seconds });
  }

  async #askStatus() {
    if (!this.link.connected) return;
    const answer = await this.ask("make", "/drift/status", [], { answer: "/drift/status/reply" });
    if (!answer) return;
    const names = this.tree.node("/drift/status")?.ARGUMENTS ?? [];
    this.store.set("status", Object.fromEntries(names.map((name, i) => [name, answer.args[i]])));
  }

  #message({ address, args }) {
    for (const work of this.#listeners.get(address) ?? []) work(...args);
    switch (address) {
      case "/drift/queued":
        this.#change(args[0], { state: "queued", position: args[1] });
        break;
      case "/drift/progress":
        this.#change(args[0], { state: "running", fraction: args[1], eta_s: args[4] });
        break;
      case "/drift/clip/added": {
        const job = this.store.get("jobs").find((one) => one.id === args[1]);
        if (job) this.#change(job.id, { clips: [...job.clips, args[0]] });
        break;
      }
      default:
        if (this.tree.node(address)?.ACCESS === 3) this.#valueFromElsewhere(address, args[0]);
    }
  }

  #valueFromElsewhere(address, value) {
    clearTimeout(this.#later.get(address));
    const rest_ms = (this.#held.get(address) ?? -Infinity) + QUIET_MS - performance.now();
    if (rest_ms <= 0) this.store.set(address, value);
    else this.#later.set(address, setTimeout(() => this.#valueFromElsewhere(address, value), rest_ms));
  }

  #sendValues() {
    if (!this.link.connected) return;
    for (const [address, value] of this.#unsent) this.link.send(address, value);
    this.#unsent.clear();
  }

  #fault(error) {
    const place = /^(slot|main|transport|snapshot|midi|meter)\//.test(error.command ?? "")
      ? "pads"
      : "make";
    this.#notices.error(place, error);
  }

  #change(id, what) {
    this.#jobs((jobs) => jobs.map((job) => (job.id === id ? { ...job, ...what } : job)));
  }

  #jobs(work) {
    this.store.set("jobs", work(this.store.get("jobs")));
  }
}
