/** The chosen clip: what it is, what it looks like, and what can be done with it. */

import { attribute, find, h, seconds } from "../parts/dom.js";
import { icon } from "../parts/icons.js";
import { title } from "../library.js";
import { operations } from "./operations.js";
import { picture } from "./picture.js";
import { variations } from "./variations.js";

export function clipPanel(app) {
  const { engine, library, stage, sound, notices, store } = app;
  const panel = find("#clip");
  notices.place("clip", find("#clip-notices"));

  const name = h("p", { class: "clip-name" });
  const facts = h("p", { class: "clip-facts muted" });
  const sides = h("div", { class: "choices", role: "group", "aria-label": "Compare two clips" },
    ...["A", "B"].map((side) => h("button", { type: "button", text: side, data: { side }, "aria-pressed": side === "A",
      title: "Turn between A and B (X)", on: { click: () => turn(side) } })));
  const view = picture(sound, { seek: (at) => play(at), chosen: (span) => operate.region(span) });
  const tool = (label, image, work, props = {}) =>
    h("button", { type: "button", class: "tool", on: { click: work }, ...props }, icon(image), h("span", { text: label }));
  const listen = tool("Play", "play", () => toggle(), { id: "audition", title: "Play or stop (Space)" });
  const star = tool("Favourite", "star", () => act((clip) => library.favourite(clip)), { id: "favourite", class: "tool star", title: "Favourite (F)", "aria-pressed": "false" });
  const to_pad = tool("To pad 1", "pads", () => act((clip) => stage.put(store.get("slot"), clip.id)), { id: "to-pad", hidden: true });
  const load = h("a", { class: "tool", download: "", title: "Save as a WAV file" }, icon("down"), h("span", { text: "WAV" }));
  const rename = tool("Name", "pen", () => name_it());
  const remove = tool("Delete", "trash", () => act((clip) => library.remove(clip)), { id: "delete", title: "Delete; undo brings it back (Delete)" });
  const tools = h("div", { class: "tools" }, listen, star, to_pad, load, rename, remove);
  const operate = operations(app, { region: () => view.region() });
  const strip = variations(app, { hear: (id) => hear(id) });
  panel.append(
    h("div", { class: "clip-head" }, h("div", { class: "clip-title" }, name, facts), sides),
    view.element, tools, strip.element, operate.element);

  store.watch("chosen", (clip) => {
    name.textContent = clip ? title(clip) : "Nothing chosen yet";
    facts.textContent = clip ? describe(clip) : "Generate a sound, or choose one from the history.";
    for (const element of [listen, star, to_pad, rename, remove]) element.disabled = !clip;
    attribute(star, "aria-pressed", String(Boolean(clip?.favourite)));
    attribute(load, "href", clip ? `/clips/${clip.id}.wav` : null);
    attribute(load, "download", clip ? `${title(clip).replace(/[^\p{L}\p{N}]+/gu, "-")}_s${clip.seed}_${clip.index + 1}.wav` : null);
    view.show(clip).catch((error) => notices.error("clip", error));
  });
  store.watch("sides", ({ side }) => {
    for (const button of sides.children) attribute(button, "aria-pressed", String(button.dataset.side === side));
  });
  store.watch("slot", (slot) => (find("span", to_pad).textContent = `To pad ${slot}`));
  store.watch("tree", () => (to_pad.hidden = !stage.hasSlots));
  sound.addEventListener("change", () => {
    const on = sound.playing !== "" && sound.playing === library.chosen?.id;
    listen.replaceChildren(icon(on ? "stop" : "play"), h("span", { text: on ? "Stop" : "Play" }));
    listen.classList.toggle("on", on);
  });

  function act(work) {
    if (library.chosen) work(library.chosen);
  }

  async function play(from_s = 0) {
    const clip = library.chosen;
    if (!clip) return;
    try {
      await sound.play(clip.id, clip.sample_rate, from_s);
    } catch (error) {
      notices.error("clip", error);
    }
  }

  function toggle() {
    if (sound.playing) sound.stop();
    else play();
  }

  /** Choose a clip and play it. */
  async function hear(id) {
    if (await library.choose(id)) await play();
  }

  /** A and B: the other goes on from where this one is. */
  async function turn(side) {
    const place_s = sound.place_s;
    const on = sound.playing !== "";
    await library.turn(side);
    if (on) await play(place_s);
  }

  function name_it() {
    const clip = library.chosen;
    if (!clip || find("input", name)) return;
    const input = h("input", { type: "text", maxlength: 200, "aria-label": "Name of the clip" });
    input.value = clip.name;
    input.placeholder = clip.prompt;
    let over = false;
    const end = (keep) => {
      if (over) return;
      over = true;
      name.textContent = title(clip);
      if (keep && input.value.trim() !== clip.name) library.rename(clip, input.value.trim());
    };
    input.addEventListener("keydown", (event) => {
      if (event.key === "Enter" || event.key === "Escape") end(event.key === "Enter");
    });
    input.addEventListener("blur", () => end(true));
    name.replaceChildren(input);
    input.focus();
  }

  return { play, toggle, hear, turn, vary: () => operate.vary(), variation: (place) => strip.hear(place) };
}

/** Length, rate, voice and seed in one line. */
function describe(clip) {
  const rate = `${(clip.sample_rate / 1000).toFixed(1)} kHz`;
  const made = clip.steps ? `seed ${clip.seed}, ${clip.steps} steps` : "";
  return [seconds(clip.seconds), rate, clip.channels === 2 ? "stereo" : "mono", clip.voice, made, clip.tags]
    .filter(Boolean).join(" · ");
}
