/** Start, stop, tempo and the beat. */

import { attribute, h } from "../parts/dom.js";
import { icon } from "../parts/icons.js";

const PLAY = "/drift/transport/play";
const TEMPO = "/drift/transport/tempo";
const TAP = "/drift/transport/tap";
const BAR = "/drift/transport/bar";

export function transport({ engine, store }) {
  const play = h("button", { type: "button", class: "tool", id: "transport-play", "aria-pressed": "false",
    on: { click: () => engine.setValue(PLAY, !store.get(PLAY)) } }, icon("play"), h("span", { text: "Start" }));
  const tempo = h("input", { type: "number", step: "any", inputmode: "decimal", "aria-label": "Tempo in beats a minute",
    on: { change: () => {
      const [low, high] = engine.tree.range(TEMPO);
      engine.setValue(TEMPO, { type: "f", value: Math.max(low, Math.min(high, Number(tempo.value) || 120)) });
    } } });
  const tap = h("button", { type: "button", class: "tool", text: "Tap", on: { pointerdown: (event) => { event.preventDefault(); beat(); }, click: (event) => event.detail === 0 && beat() } });
  const lamps = h("span", { class: "lamps", "aria-hidden": true });
  const element = h("div", { class: "transport", role: "group", "aria-label": "Transport" }, play, lamps,
    h("label", { class: "inline" }, tempo, h("span", { text: "bpm" })), tap);

  async function beat() {
    const answer = await engine.ask("pads", TAP);
    if (answer?.args[0]) store.set(TEMPO, answer.args[0]);
  }

  store.watch("tree", () => {
    element.hidden = !engine.has(PLAY);
    tap.hidden = !engine.has(TAP);
  });
  store.watch(TEMPO, (value) => {
    const bpm = typeof value === "object" ? value.value : value;
    if (document.activeElement !== tempo) tempo.value = String(Math.round(bpm * 10) / 10);
  });
  store.watch(PLAY, (value) => {
    const on = Boolean(value);
    attribute(play, "aria-pressed", String(on));
    play.replaceChildren(icon(on ? "stop" : "play"), h("span", { text: on ? "Stop" : "Start" }));
    if (!on) light(-1);
  });
  store.watch(BAR, (value) => {
    lamps.replaceChildren(...Array.from({ length: Math.round(value) }, () => h("span")));
  });
  store.watch("beat", (value) => light(Math.floor(value) % Math.max(1, lamps.children.length)));

  function light(beat) {
    const place = store.get(PLAY) ? beat : -1;
    [...lamps.children].forEach((lamp, i) => lamp.classList.toggle("on", i === place));
  }

  return element;
}
