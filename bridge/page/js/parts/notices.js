/**
 * What went wrong and what was done, in words, in the panel it belongs to, and all of it in a list.
 *
 * An error stays until it is put away; other notices go after a while. Nothing blocks.
 */

import { h } from "./dom.js";
import { icon } from "./icons.js";

const INFO_MS = 9000;
const KEPT = 100;

export class Notices extends EventTarget {
  #places = new Map();
  all = [];
  unread = 0;

  /** The element where the notices of a place are shown. */
  place(name, element) {
    element.classList.add("notices");
    element.setAttribute("aria-live", "polite");
    this.#places.set(name, element);
  }

  error(name, error) {
    if (error.code === "lost") return; // the banner says so
    const text = sentence(error.message || String(error));
    console.info(`driftwave: ${text}`);
    this.#add(name, "error", text, null);
  }

  info(name, text, action = null) {
    this.#add(name, "info", sentence(text), action);
  }

  /** Put away what a place shows. */
  clear(name) {
    this.#places.get(name)?.replaceChildren();
  }

  read() {
    this.unread = 0;
    this.dispatchEvent(new Event("change"));
  }

  #add(name, kind, text, action) {
    this.all = [{ kind, text, time: new Date() }, ...this.all].slice(0, KEPT);
    if (kind === "error") this.unread += 1;
    this.dispatchEvent(new Event("change"));
    const where = this.#places.get(name);
    if (!where) return;
    const same = [...where.children].find((one) => one.dataset.text === text);
    same?.remove();
    const put_away = () => notice.remove();
    const notice = h(
      "div",
      { class: `notice ${kind}`, role: kind === "error" ? "alert" : "status", data: { text } },
      h("p", { text }),
      action && h("button", { class: "quiet", type: "button", text: action.label, on: { click: () => { put_away(); action.work(); } } }),
      h("button", { class: "quiet round", type: "button", "aria-label": "Put this message away", on: { click: put_away } }, icon("close")),
    );
    where.prepend(notice);
    while (where.children.length > 2) where.lastElementChild.remove();
    if (kind === "info") setTimeout(put_away, INFO_MS);
  }
}

/** With a capital letter and an end. */
function sentence(text) {
  const whole = text.trim();
  const begun = /^[a-z]+ /.test(whole) ? whole[0].toUpperCase() + whole.slice(1) : whole;
  return /[.!?…]$/.test(begun) ? begun : `${begun}.`;
}
