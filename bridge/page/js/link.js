/**
 * The WebSocket to the engine: OSC out and in, answers matched to questions, reconnecting for ever.
 *
 * Events: `open`, `lost` (detail: {seconds} until the next try), `message` (detail: {address, args}),
 * `fault` (detail: EngineError of something that was sent without waiting for an answer).
 */

import { decode, encode, OscError } from "./osc.js";

const FIRST_WAIT_S = 0.25;
const LONGEST_WAIT_S = 5;
const DONE = "/drift/done";
const FAIL = "/drift/fail";

/** A refusal by the engine, in its own words. */
export class EngineError extends Error {
  constructor(command, code, message) {
    super(message);
    this.command = command;
    this.code = code;
  }
}

export class Link extends EventTarget {
  #url;
  #socket = null;
  #wait_s = FIRST_WAIT_S;
  #timer = 0;
  #lanes = new Map(); // what answers alike is asked one after the other
  #open = []; // questions without their last answer

  constructor(url) {
    super();
    this.#url = url;
  }

  get connected() {
    return this.#socket?.readyState === WebSocket.OPEN;
  }

  /** Connect now, whatever wait is left. */
  connect() {
    clearTimeout(this.#timer);
    if (this.#socket) return;
    const socket = new WebSocket(this.#url);
    socket.binaryType = "arraybuffer";
    this.#socket = socket;
    socket.addEventListener("open", () => {
      this.#wait_s = FIRST_WAIT_S;
      this.dispatchEvent(new Event("open"));
    });
    socket.addEventListener("message", (event) => this.#received(event.data));
    socket.addEventListener("close", () => this.#closed());
  }

  /** Send without waiting; false when there is no engine to hear it. A refusal is a `fault`. */
  send(address, ...args) {
    if (!this.connected) return false;
    this.#socket.send(encode(address, ...args));
    return true;
  }

  /**
   * Send and wait for the last answer: `{args, items}`, `args` of /drift/done after command and job.
   *
   * @param {object} how
   *   items: address of the messages to collect; answer: address that ends it in place of done;
   *   job: id in the answer.
   * Throws EngineError.
   */
  ask(address, args = [], how = {}) {
    const lane = how.job === undefined ? (how.items ?? how.answer ?? address) : Symbol("job");
    const before = this.#lanes.get(lane) ?? Promise.resolve();
    const asked = before.then(() => this.#question(address, args, how));
    const settled = asked.catch(() => {});
    this.#lanes.set(lane, settled);
    settled.then(() => this.#lanes.get(lane) === settled && this.#lanes.delete(lane));
    return asked;
  }

  #question(address, args, how) {
    const command = address.replace("/drift/", "");
    return new Promise((resolve, reject) => {
      const question = { command, resolve, reject, found: [], ...how };
      if (!this.connected) {
        reject(new EngineError(command, "lost", "the engine is not there; it is being looked for"));
        return;
      }
      this.#open.push(question);
      try {
        this.#socket.send(encode(address, ...args));
      } catch (error) {
        this.#finish(question, () => reject(new EngineError(command, "bad_type", error.message)));
      }
    });
  }

  #received(data) {
    if (typeof data === "string") return;
    let messages;
    try {
      messages = decode(new Uint8Array(data));
    } catch (error) {
      if (!(error instanceof OscError)) throw error;
      this.dispatchEvent(new CustomEvent("fault", { detail: error }));
      return;
    }
    for (const message of messages) this.#handle(message);
  }

  #handle(message) {
    const { address, args } = message;
    if (address === DONE || address === FAIL) {
      this.#last(address, args);
      return;
    }
    const question = this.#open.find((one) => one.items === address || one.answer === address);
    if (question?.answer === address) {
      this.#finish(question, () => question.resolve({ args, items: question.found }));
      return;
    }
    question?.found.push(args);
    this.dispatchEvent(new CustomEvent("message", { detail: message }));
  }

  #last(address, [command, job, ...rest]) {
    const question = this.#open.find(
      (one) => one.command === command && (one.job === undefined || one.job === job),
    );
    const error = address === FAIL ? new EngineError(command, rest[0], rest[1]) : null;
    if (question) {
      this.#finish(question, () =>
        error ? question.reject(error) : question.resolve({ args: rest, items: question.found }),
      );
    } else if (error) {
      this.dispatchEvent(new CustomEvent("fault", { detail: error }));
    }
  }

  #finish(question, settle) {
    this.#open.splice(this.#open.indexOf(question), 1);
    settle();
  }

  #closed() {
    this.#socket = null;
    const message = "the engine went away before it answered; ask again once it is back";
    for (const question of this.#open.splice(0)) {
      question.reject(new EngineError(question.command, "lost", message));
    }
    const seconds = this.#wait_s * (0.75 + Math.random() / 2);
    this.#wait_s = Math.min(LONGEST_WAIT_S, this.#wait_s * 2);
    this.#timer = setTimeout(() => this.connect(), seconds * 1000);
    this.dispatchEvent(new CustomEvent("lost", { detail: { seconds } }));
  }
}
