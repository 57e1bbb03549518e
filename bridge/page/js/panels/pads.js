/** Sixteen pads, pad 1 at the lower left as on a drum machine, or a fader for each. */

import { attribute, find, h } from "../parts/dom.js";
import { fader } from "../parts/fader.js";
import { outline } from "../parts/outline.js";
import { tint } from "../parts/tints.js";
import { title } from "../library.js";
import { SLOTS } from "../stage.js";
import { output } from "./output.js";
import { transport } from "./transport.js";

const LONG_MS = 450;
const MOVED_PX = 12;
const SHORTEST_LIT_S = 0.12;
const LONGEST_LIT_S = 6;

/** `detail()` shows the selected pad where it is out of sight. */
export function padsPanel(app, { detail }) {
  const { engine, library, stage, notices, store } = app;
  const panel = find("#pads");
  notices.place("pads", find("#pads-notices"));
  const pads = Array.from({ length: SLOTS }, (_, i) => pad(i + 1));
  const grid = h("div", { class: "grid", role: "group", "aria-label": "Pads" });
  // Rows of four from the top: 13-16, 9-12, 5-8, 1-4.
  for (let row = 3; row >= 0; row -= 1) grid.append(...pads.slice(row * 4, row * 4 + 4).map((one) => one.element));
  const desk = h("div", { class: "desk", role: "group", "aria-label": "Mixer", hidden: true });
  const mixer = h("button", { type: "button", class: "tool", "aria-pressed": "false", text: "Mixer", id: "mixer",
    on: { click: () => mix(desk.hidden) } });
  const faders = new Map();
  panel.append(h("div", { class: "row pads-head" }, transport(app), mixer, output(app)), grid, desk);

  store.watch("tree", () => {
    panel.hidden = !stage.hasSlots;
    find('#views [data-view="pads"]').hidden = !stage.hasSlots;
    document.body.classList.toggle("with-pads", stage.hasSlots);
    mixer.hidden = !engine.has("/drift/slot/1/gain");
    buildDesk();
  });
  store.watch("slots", (slots) => slots.forEach((slot) => pads[slot.slot - 1].show(slot)));
  store.watch("slot", (selected) => pads.forEach((one, i) => one.select(i + 1 === selected)));
  store.watch("hit", ({ slot, seconds }) => pads[slot - 1].light(seconds));
  store.watch("jobs", (jobs) => pads.forEach((one, i) =>
    one.wait(jobs.some((job) => job.slot === i + 1 && job.state !== "over"))));

  function mix(on) {
    desk.hidden = !on;
    grid.hidden = on;
    attribute(mixer, "aria-pressed", String(on));
  }

  function buildDesk() {
    if (faders.size || !engine.has("/drift/slot/1/gain")) return;
    const gains = Array.from({ length: SLOTS }, (_, i) => [`Pad ${i + 1}`, String(i + 1), `/drift/slot/${i + 1}/gain`]);
    if (engine.has("/drift/main/gain")) gains.push(["Main", "Main", "/drift/main/gain"]);
    for (const [label, short, address] of gains) {
      const [low, high] = engine.tree.range(address);
      const made = fader({ label: `${label} gain`, short, low, high, first: 0, say: (db) => (db <= low ? "off" : db.toFixed(1)),
        change: (value) => engine.setValue(address, value) });
      made.element.dataset.address = address;
      store.watch(address, made.show);
      faders.set(address, made);
      desk.append(made.element);
    }
  }

  function pad(number) {
    const canvas = h("canvas", { "aria-hidden": true });
    const name = h("span", { class: "clip-name" });
    const element = h("button", { type: "button", class: "pad", data: { slot: number } },
      h("span", { class: "number", text: number, "aria-hidden": true }), canvas, name);
    let timer = 0;
    let [press, dark] = [null, 0];
    let shown = null;

    const select = () => {
      stage.select(number);
      detail();
    };
    element.addEventListener("pointerdown", (event) => {
      if (event.button) return;
      event.preventDefault(); // no focus, no mouse events after: the hit is now
      press = [event.clientX, event.clientY];
      timer = setTimeout(select, LONG_MS);
      const velocity = event.pointerType === "pen" ? Math.max(0.05, event.pressure) : 1;
      if (stage.slot(number)?.clip) stage.hit(number, velocity);
      else select();
    });
    element.addEventListener("pointermove", (event) => {
      if (press && Math.hypot(event.clientX - press[0], event.clientY - press[1]) > MOVED_PX) clearTimeout(timer);
    });
    for (const end of ["pointerup", "pointercancel", "pointerleave"]) element.addEventListener(end, () => clearTimeout(timer));
    element.addEventListener("contextmenu", (event) => {
      event.preventDefault();
      select();
    });
    element.addEventListener("click", (event) => {
      if (event.detail === 0) stage.hit(number); // by key or by a screen reader
    });
    element.addEventListener("keydown", (event) => {
      if (event.key === "e" || event.key === "E") select();
    });

    return {
      element,
      async show(slot) {
        shown = slot;
        const clip = slot.clip ? await library.clip(slot.clip) : null;
        if (shown !== slot) return; // it changed meanwhile
        const words = clip ? title(clip) : slot.prompt;
        name.textContent = words || "empty";
        element.classList.toggle("empty", !slot.clip);
        element.style.setProperty("--tint", tint(clip?.prompt ?? words));
        attribute(element, "aria-label", `Pad ${number}: ${slot.clip ? words : "empty"}`);
        outline(canvas, slot.clip, clip?.prompt ?? words);
      },
      select: (on) => attribute(element, "aria-current", on ? "true" : null),
      wait: (on) => element.classList.toggle("waiting", on),
      light(seconds) {
        clearTimeout(dark);
        element.classList.remove("playing");
        void element.offsetWidth; // begin the animation again
        const lit_s = Math.max(SHORTEST_LIT_S, Math.min(LONGEST_LIT_S, seconds));
        element.style.setProperty("--lit", `${lit_s}s`);
        element.classList.add("playing");
        dark = setTimeout(() => element.classList.remove("playing"), lit_s * 1000);
      },
    };
  }
}
