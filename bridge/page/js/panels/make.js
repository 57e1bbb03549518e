/** The prompt, what was understood of it, the knobs and the button that makes sounds. */

import { h, find } from "../parts/dom.js";
import { knob } from "../parts/knob.js";
import { surface } from "../parts/surface.js";
import { remembered } from "../store.js";
import { typed } from "../tree.js";

const GENERATE = "/drift/generate";
const EXAMPLES = ["short dark snare", "deep punchy kick", "bright open hat", "long crash cymbal"];
const COUNTS = [1, 2, 4, 8];
const OWN_FIELDS = ["prompt", "count", "strength", "source", "voice"];
const EXTRA = [
  ["negative", "Away from", "words", "text"],
  ["duration", "Length", "seconds", "number"],
  ["note", "Pitch", "MIDI note", "number"],
  ["seed", "Seed", "new each time", "number"],
  ["steps", "Steps", "as the voice", "number"],
  ["bars", "Bars", "length in bars", "number"],
  ["bpm", "Tempo", "of the bars", "number"],
];

export function makePanel({ engine, store, notices }) {
  const panel = find("#make");
  notices.place("make", find("#make-notices"));
  const settings = remembered.get("make", { prompt: "", count: 4, values: {}, extra: {}, axes: [], live: false });
  const keep = () => remembered.set("make", settings);

  const prompt = h("input", { id: "prompt", type: "text", maxlength: 500, autocomplete: "off", autocapitalize: "off",
    enterkeyhint: "go", placeholder: EXAMPLES[0], "aria-describedby": "words" });
  prompt.value = settings.prompt;
  const words = h("p", { id: "words", class: "words", "aria-live": "polite" });
  const counts = h("div", { class: "choices", role: "radiogroup", "aria-label": "Variations" },
    ...COUNTS.map((count) => h("label", {},
      h("input", { type: "radio", name: "count", value: count, checked: count === settings.count,
        on: { change: () => { settings.count = count; keep(); } } }),
      h("span", { text: count, title: `${count} at once` }))));
  const go = h("button", { id: "generate", class: "main", type: "submit" }, h("span", { text: "Generate" }), h("kbd", { text: "G", "aria-hidden": true }));
  const voice = h("select", { "aria-label": "Voice", on: { change: () => { settings.voice = voice.value; keep(); } } });
  const form = h("form", { class: "prompt", on: { submit: (event) => { event.preventDefault(); prompt.blur(); generate(); } } },
    h("label", { class: "hidden", for: "prompt", text: "Prompt" }), prompt, words,
    h("div", { class: "row" }, go, counts, voice));
  const knobs = h("div", { class: "knobs", role: "group", "aria-label": "Qualities" });
  const extra = h("details", { class: "extra", "aria-label": "More settings" }, h("summary", { text: "More" }));
  panel.append(form);
  const point = xy();
  find("#shape").append(knobs, point.element, extra);

  let shown = {};
  store.watch("tree", (tree) => {
    const keys = tree.keys(GENERATE);
    const names = Object.keys(keys).filter((name) => isQuality(keys[name], name));
    buildKnobs(names, keys);
    point.build(names);
    buildExtra(keys);
  });
  store.watch("voices", (voices) => {
    voice.replaceChildren(...voices.map((one) => h("option", { value: one.name, text: one.name })));
    voice.hidden = voices.length < 2;
    if (voices.some((one) => one.name === settings.voice)) voice.value = settings.voice;
  });
  store.watch("connection", ({ state }) => (go.disabled = state !== "open"));
  prompt.addEventListener("input", () => {
    settings.prompt = prompt.value;
    keep();
    words.replaceChildren();
  });

  function buildKnobs(names, keys) {
    shown = {};
    knobs.replaceChildren(...names.map((name) => {
      const made = knob({
        label: `${name}: ${keys[name].DESCRIPTION}`, short: name, low: 0, high: 1, first: null,
        say: (value) => (value === null ? "auto" : `${Math.round(value * 100)}`),
        change: (value) => set(name, value),
      });
      made.show(settings.values[name] ?? null);
      shown[name] = made;
      return made.element;
    }));
  }

  function set(name, value) {
    if (value === null) delete settings.values[name];
    else settings.values[name] = value;
    keep();
    point.refresh();
  }

  function xy() {
    const sheet = surface({
      label: () => `Surface of ${settings.axes.join(" and ")}`,
      say: (x, y) => settings.axes.map((name, i) => `${name} ${percent([x, y][i])}`).join(", "),
      change: (x, y) => [x, y].forEach((value, i) => {
        settings.values[settings.axes[i]] = value;
        shown[settings.axes[i]]?.show(value);
        keep();
      }),
      release: () => settings.live && !engine.running.length && generate(),
    });
    const choices = ["Across", "Up"].map((label, i) => h("select", { "aria-label": label,
      on: { change: (event) => { settings.axes[i] = event.target.value; keep(); refresh(); } } }));
    const live = h("input", { type: "checkbox", on: { change: () => { settings.live = live.checked; keep(); } } });
    live.checked = settings.live;
    const refresh = () => sheet.show(...settings.axes.map((name) => settings.values[name] ?? null));
    const element = h("div", { class: "xy" }, sheet.element,
      h("div", { class: "row" },
        h("label", { class: "inline" }, h("span", { text: "→", "aria-hidden": true }), choices[0]),
        h("label", { class: "inline" }, h("span", { text: "↑", "aria-hidden": true }), choices[1]),
        h("label", { class: "inline check" }, live, h("span", { text: "generate when let go" }))));
    return {
      element, refresh,
      build(names) {
        element.hidden = names.length < 2;
        const usual = [names[0], names[2] ?? names[1]];
        settings.axes = usual.map((name, i) => (names.includes(settings.axes[i]) ? settings.axes[i] : name));
        choices.forEach((choice, i) => {
          choice.replaceChildren(...names.map((name) => h("option", { value: name, text: name })));
          choice.value = settings.axes[i];
        });
        refresh();
      },
    };
  }

  function buildExtra(keys) {
    const fields = EXTRA.filter(([name]) => keys[name]).map(([name, label, hint, type]) => {
      const input = h("input", { type, placeholder: hint, inputmode: type === "number" ? "decimal" : null,
        step: keys[name].TYPE === "f" ? "any" : 1, min: keys[name].RANGE?.MIN, max: type === "number" ? keys[name].RANGE?.MAX : null,
        on: { input: () => { settings.extra[name] = input.value; keep(); } } });
      input.value = settings.extra[name] ?? "";
      return h("label", {}, h("span", { text: label }), input);
    });
    const loop = keys.loop && checkbox("loop", "Seamless loop");
    extra.replaceChildren(h("summary", { text: "More" }), h("div", { class: "fields" }, ...fields, loop || null));
    extra.open = Object.values(settings.extra).some(Boolean);
  }

  function checkbox(name, label) {
    const input = h("input", { type: "checkbox", on: { change: () => { settings.extra[name] = input.checked; keep(); } } });
    input.checked = Boolean(settings.extra[name]);
    return h("label", { class: "check" }, input, h("span", { text: label }));
  }

  /** Make sounds of what is set. */
  async function generate() {
    const keys = engine.tree.keys(GENERATE);
    const text = prompt.value.trim() || prompt.placeholder;
    if (!prompt.value.trim()) prompt.value = text;
    const args = ["prompt", text, "count", settings.count];
    if (!voice.hidden && voice.value) args.push("voice", voice.value);
    for (const [name, value] of Object.entries(settings.values)) if (keys[name]) args.push(name, { type: "f", value });
    for (const [name, value] of Object.entries(settings.extra)) {
      if (!keys[name] || value === "" || value === false) continue;
      args.push(name, typed(keys[name].TYPE, value));
    }
    notices.clear("make");
    words.replaceChildren(h("span", { class: "muted", text: "Making…" }));
    const about = { label: text, place: "make", count: settings.count, strip: true };
    const answer = await engine.run(GENERATE, args, about);
    words.replaceChildren(...(answer ? understood(text, answer.args) : []));
  }

  return { generate, prompt, setPrompt: (text) => { prompt.value = text; settings.prompt = text; keep(); } };
}

/** The words of a prompt, each marked as understood, unknown, or neither. */
export function understood(text, [, , known, unknown]) {
  const split = (joined) => new Set(String(joined ?? "").toLowerCase().split(/\s+/).filter(Boolean));
  const [yes, no] = [split(known), split(unknown)];
  const plain = (word) => word.toLowerCase().replace(/^[^\p{L}\p{N}]+|[^\p{L}\p{N}#]+$/gu, "");
  const marked = text.split(/\s+/).map((word) => {
    if (no.has(plain(word))) return h("span", { class: "word unknown" }, word, h("span", { class: "hidden", text: " (not understood)" }));
    if (yes.has(plain(word))) return h("span", { class: "word known" }, word, h("span", { class: "hidden", text: " (understood)" }));
    return h("span", { class: "word", text: word });
  });
  const verdict = no.size
    ? `${[...no].join(", ")}: not understood`
    : yes.size ? "all understood" : "no word decided anything";
  return [...marked, h("span", { class: "verdict", text: verdict })];
}

function isQuality(key, name) {
  return key.TYPE === "f" && key.RANGE?.MIN === 0 && key.RANGE?.MAX === 1 && !OWN_FIELDS.includes(name) && name !== "mix";
}

function percent(value) {
  return value === null ? "auto" : `${Math.round(value * 100)} %`;
}
