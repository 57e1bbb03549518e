/** The top of the page: engine, levels, undo, messages, keys and panic. */

import { attribute, find, h } from "../parts/dom.js";
import { icon } from "../parts/icons.js";
import { meters } from "../parts/meter.js";

const LAYOUTS = [["TouchOSC", "/layouts/driftwave.tosc"], ["Open Stage Control", "/layouts/driftwave-open-stage-control.json"]];
const KEYS = [
  ["Space", "play or stop the chosen clip"], ["↑ ↓", "through the history"], ["G", "generate"],
  ["V", "vary the chosen clip"], ["1 – 9", "hear a variation"], ["F", "favourite"],
  ["X", "turn between A and B"], ["Z", "undo"], ["Shift Z", "redo"], ["Delete", "delete the clip"],
  ["P", "to the prompt"], ["Esc", "cancel the job, or leave a field"], ["Shift Esc", "panic"],
];

export function headerPanel({ engine, library, stage, sound, notices, store, panic }) {
  const button = (id, work) => find(id).addEventListener("click", work);
  button("#undo", () => library.undo());
  button("#redo", () => library.redo());
  button("#panic", panic);
  button("#retry", () => engine.link.connect());
  find("#meters").append(meters(sound, stage, store));
  sheet("#messages", "#messages-list", () => fillMessages(notices));
  sheet("#help", "#help-list", () => fillKeys());
  notices.addEventListener("change", () => {
    const count = notices.unread;
    attribute(find("#messages"), "data-count", count || null);
    attribute(find("#messages"), "aria-label", count ? `Messages, ${count} new` : "Messages");
  });
  store.watch("connection", () => describe(store));
  store.watch("status", () => describe(store));
}

function describe(store) {
  const { state, seconds } = store.get("connection") ?? {};
  const status = store.get("status");
  document.body.dataset.connection = state;
  find("#retry").hidden = state !== "lost";
  const text = find("#status-text");
  if (state === "connecting") {
    text.textContent = "Looking for the engine…";
  } else if (state === "lost") {
    const wait = seconds < 1 ? "now" : `in ${Math.round(seconds)} s`;
    text.textContent = `The engine is gone. Looking again ${wait}.`;
  } else if (status) {
    const jobs = status.running + status.queued;
    const work = jobs ? `, ${jobs} ${jobs === 1 ? "job" : "jobs"}` : "";
    const dry = status.xruns ? `, ${status.xruns} dropouts` : "";
    const plugins = status.plugins ? `, ${status.plugins} ${status.plugins === 1 ? "plugin" : "plugins"}` : "";
    const next = `Engine ${status.state} on ${status.device}${work}${plugins}${dry}`;
    if (text.textContent !== next) text.textContent = next;
  }
  document.body.dataset.engine = state === "open" ? (status?.state ?? "") : "";
}

/** A list that opens below its button and blocks nothing. */
function sheet(opener, list, fill) {
  const open = (on) => {
    find(list).hidden = !on;
    attribute(find(opener), "aria-expanded", String(on));
    if (on) find(list).replaceChildren(...fill());
  };
  find(opener).addEventListener("click", () => open(find(list).hidden));
  document.addEventListener("pointerdown", (event) => {
    if (!event.target.closest?.(`${opener}, ${list}`)) open(false);
  });
  document.addEventListener("keydown", (event) => event.key === "Escape" && open(false));
}

function fillMessages(notices) {
  notices.read();
  if (!notices.all.length) return [h("p", { class: "muted", text: "Nothing was said yet." })];
  const time = (date) => date.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", second: "2-digit" });
  return [h("ol", {}, ...notices.all.map((one) =>
    h("li", { class: one.kind }, h("time", { text: time(one.time) }), h("span", { text: one.text }))))];
}

function fillKeys() {
  const keys = KEYS.flatMap(([key, what]) => [h("dt", {}, h("kbd", { text: key })), h("dd", { text: what })]);
  const layouts = LAYOUTS.map(([name, href]) => h("a", { class: "tool", href, download: "" }, icon("down"), h("span", { text: name })));
  return [h("dl", {}, ...keys), h("p", { class: "muted", text: "Layouts for" }), h("div", { class: "row" }, ...layouts)];
}
