/** The selected pad: its words, its faders, and what is on it. */

import { attribute, find, h, seconds } from "../parts/dom.js";
import { fader } from "../parts/fader.js";
import { icon } from "../parts/icons.js";
import { snapshots } from "./snapshots.js";
import { understood } from "./make.js";

const FADERS = [
  ["gain", "Gain", (db, low) => (db <= low ? "off" : `${db.toFixed(1)} dB`)],
  ["pan", "Pan", (pan) => (Math.abs(pan) < 0.005 ? "centre" : `${Math.round(Math.abs(pan) * 100)} ${pan < 0 ? "L" : "R"}`)],
  ["pitch", "Pitch", (semitones) => `${semitones > 0 ? "+" : ""}${semitones.toFixed(1)} st`],
];
const CHOICES = [["choke", "Choke group"], ["quantise", "Starts with"]];
const SAID = { off: "at once", beat: "next beat", bar: "next bar", 0: "none" };

export function slotPanel(app) {
  const { engine, library, stage, notices, store } = app;
  const panel = find("#slot");
  notices.place("slot", find("#slot-notices"));
  const step = (by) => stage.select(store.get("slot") + by);
  const heading = find("#slot-title");
  const head = h("div", { class: "row slot-head" },
    h("button", { type: "button", class: "round quiet", "aria-label": "Pad before", on: { click: () => step(-1) } }, icon("before")),
    heading,
    h("button", { type: "button", class: "round quiet", "aria-label": "Next pad", on: { click: () => step(1) } }, icon("after")));
  const facts = h("p", { class: "muted" });
  const prompt = h("input", { type: "text", maxlength: 500, autocomplete: "off", enterkeyhint: "go" });
  const words = h("p", { class: "words", "aria-live": "polite" });
  const go = h("button", { type: "submit", class: "main", text: "Generate" });
  const form = h("form", { class: "prompt", on: { submit: (event) => { event.preventDefault(); generate(); } } },
    h("label", {}, h("span", { class: "hidden", text: "Words of the pad" }), prompt), words, h("div", { class: "row" }, go));
  const tools = h("div", { class: "tools" },
    tool("Play", "play", () => stage.hit(store.get("slot"))), tool("Stop", "stop", () => stage.stop(store.get("slot"))),
    tool("Choose", "history", () => choose()), tool("Clear", "trash", () => stage.clear(store.get("slot"))));
  const faders = h("div", { class: "faders", role: "group", "aria-label": "Faders of the pad" });
  const choices = h("div", { class: "fields" });
  panel.prepend(head);
  panel.append(facts, form, tools, faders, choices, snapshots(app));
  let unwatch = [];

  store.watch("tree", () => {
    panel.hidden = !stage.hasSlots;
    show();
  });
  store.watch("slot", show);
  store.watch("slots", facts_of);

  function show() {
    const number = store.get("slot");
    heading.textContent = `Pad ${number}`;
    words.replaceChildren();
    for (const stop of unwatch) stop();
    unwatch = [];
    if (!stage.hasSlots) return;
    faders.replaceChildren(...FADERS.map(([name, label, say]) => build(number, name, label, say)).filter(Boolean));
    choices.replaceChildren(...CHOICES.map(([name, label]) => choice(number, name, label)).filter(Boolean));
    unwatch.push(store.watch(`/drift/slot/${number}/prompt`, (text) => {
      if (document.activeElement !== prompt) prompt.value = text;
    }));
    if (document.activeElement !== prompt) prompt.value = store.get(`/drift/slot/${number}/prompt`) ?? "";
    prompt.placeholder = stage.slot(number)?.prompt || "what this pad shall be";
    facts_of();
  }

  function facts_of() {
    const slot = stage.slot(store.get("slot"));
    facts.textContent = slot?.clip ? `${slot.prompt || "a clip"} · ${seconds(slot.seconds)}` : "No sound on it yet.";
  }

  function build(number, name, label, say) {
    const address = `/drift/slot/${number}/${name}`;
    if (!engine.has(address)) return null;
    const [low, high] = engine.tree.range(address);
    const made = fader({ label: `Pad ${number} ${name}`, short: label, low, high, first: 0, say: (value) => say(value, low),
      change: (value) => engine.setValue(address, value) });
    made.element.dataset.address = address;
    unwatch.push(store.watch(address, made.show));
    return made.element;
  }

  function choice(number, name, label) {
    const address = `/drift/slot/${number}/${name}`;
    if (!engine.has(address)) return null;
    const named = engine.tree.choices(address);
    const [low, high] = engine.tree.range(address);
    const values = named.length ? named : Array.from({ length: high - low + 1 }, (_, i) => low + i);
    const select = h("select", { on: { change: () => engine.setValue(address, named.length ? select.value : Number(select.value)) } },
      ...values.map((value) => h("option", { value, text: SAID[value] ?? value })));
    unwatch.push(store.watch(address, (value) => (select.value = String(value))));
    return h("label", {}, h("span", { text: label }), select);
  }

  function choose() {
    const clip = stage.slot(store.get("slot"))?.clip;
    if (clip) library.choose(clip);
  }

  async function generate() {
    const number = store.get("slot");
    const text = prompt.value.trim();
    notices.clear("slot");
    attribute(go, "disabled", true);
    const answer = await stage.generate(number, text);
    attribute(go, "disabled", null);
    if (answer && number === store.get("slot")) words.replaceChildren(...(text ? understood(text, answer.args) : []));
  }
}

function tool(label, image, work) {
  return h("button", { type: "button", class: "tool", on: { click: work } }, icon(image), h("span", { text: label }));
}
