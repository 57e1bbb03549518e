/**
 * What can be made from the chosen clip: every job of the address space that takes a clip, with a
 * form made from its arguments, so that a new operation of the engine needs no line here.
 */

import { h } from "../parts/dom.js";
import { typed } from "../tree.js";

const LABELS = { vary: "Vary", inpaint: "Redo region", continue: "Continue", interpolate: "Between A and B",
  sketch: "Sketch", resynthesise: "Resynthesise", again: "Again", denoise: "Denoise", loop: "Loop" };
const FIRST = ["vary", "inpaint", "continue", "interpolate"];
const CLIPS = new Set(["clip", "clip_a", "clip_b"]);
const NOT_ASKED = new Set(["job", "voice", "steps", "rate", "loudness_curve"]);
const HINTS = { prompt: "the same", seed: "new", count: "1" };

export function operations({ engine, library, notices, store }, { region }) {
  const names = h("div", { class: "choices many", role: "radiogroup", "aria-label": "Make from this clip" });
  const form = h("form", { class: "operation", on: { submit: (event) => { event.preventDefault(); run(); } } });
  const element = h("div", { id: "operations" }, names, form);
  let fields = new Map();
  let chosen = "vary";

  store.watch("tree", (tree) => {
    const found = ["/drift/vary", ...FIRST.map((name) => `/drift/${name}`), ...others(tree)]
      .filter((address, place, all) => tree.has(address) && all.indexOf(address) === place);
    element.hidden = !found.length;
    names.replaceChildren(...found.map((address) => {
      const name = address.slice("/drift/".length);
      const input = h("input", { type: "radio", name: "operation", value: name, checked: name === chosen,
        on: { change: () => build(name) } });
      return h("label", { title: tree.node(address).DESCRIPTION }, input, h("span", { text: LABELS[name] ?? name }));
    }));
    names.hidden = found.length < 2;
    if (found.length) build(tree.has(`/drift/${chosen}`) ? chosen : found[0].slice("/drift/".length));
  });
  store.watch("chosen", (clip) => form.querySelector("button")?.toggleAttribute("disabled", !clip));

  function build(name) {
    chosen = name;
    fields = new Map();
    const node = engine.tree.node(`/drift/${name}`);
    const asked = arguments_of(node).filter(({ name: one }) => !CLIPS.has(one) && !NOT_ASKED.has(one));
    form.replaceChildren(
      ...asked.map((argument) => field(argument)),
      h("button", { type: "submit", id: "operate", disabled: !library.chosen, text: LABELS[name] ?? name }));
    fillRegion(region());
  }

  function field({ name, type, range, unit, description, needed }) {
    const number = "ifhd".includes(type);
    let input;
    if (type === "f" && range?.MIN === 0 && range?.MAX === 1) {
      input = h("input", { type: "range", min: 0, max: 1, step: 0.01, value: 0.5, "aria-label": name });
    } else if (type === "T") {
      input = h("input", { type: "checkbox" });
    } else {
      input = h("input", { type: number ? "number" : "text", min: range?.MIN, max: number ? range?.MAX : null,
        step: type === "f" ? "any" : 1, placeholder: HINTS[name] ?? "", required: needed,
        inputmode: number ? "decimal" : null });
      if (name === "count") input.value = 4;
      if (name === "seconds") input.value = 1;
    }
    fields.set(name, { input, type, needed });
    const said = unit && unit !== "time.second" ? `${name} (${unit})` : name;
    return h("label", { title: description }, h("span", { text: said }), input);
  }

  function fillRegion(span) {
    if (!span) return;
    for (const [name, at] of [["start", span[0]], ["end", span[1]]]) {
      const found = fields.get(name);
      if (found) found.input.value = at.toFixed(3);
    }
  }

  async function run() {
    const clip = library.chosen;
    if (!clip) return;
    const address = `/drift/${chosen}`;
    const node = engine.tree.node(address);
    const sides = store.get("sides");
    if (chosen === "interpolate" && (!sides.A || !sides.B || sides.A === sides.B)) {
      notices.error("clip", new Error("Choose another clip as B first: press B, then a clip of the history"));
      return;
    }
    const ids = { clip: clip.id, clip_a: sides.A, clip_b: sides.B };
    const args = [];
    for (const argument of arguments_of(node)) {
      if (argument.name === "job") continue;
      const value = ids[argument.name] ?? value_of(fields.get(argument.name));
      if (argument.key) {
        if (value !== null) args.push(argument.name, value);
      } else if (value !== null) {
        args.push(value);
      } else {
        args.push(argument.range?.MIN ?? "");
      }
    }
    notices.clear("clip");
    const count = Number(fields.get("count")?.input.value || 1);
    await engine.run(address, args, { label: `${LABELS[chosen] ?? chosen}: ${clip.name || clip.prompt}`, place: "clip", count, strip: true });
  }

  return {
    element,
    region: fillRegion,
    vary() {
      if (!engine.has("/drift/vary")) return;
      const input = names.querySelector('[value="vary"]');
      if (input) input.checked = true;
      if (chosen !== "vary") build("vary");
      run();
    },
  };
}

/** Jobs that take a clip first, as the tree has them. */
function others(tree) {
  return Object.values(tree.node("/drift")?.CONTENTS ?? {})
    .filter((node) => node.TAGS?.includes("job") && CLIPS.has(node.ARGUMENTS?.[1]))
    .map((node) => node.FULL_PATH);
}

function arguments_of(node) {
  const shortest = Math.min(node.ARGUMENTS.length, ...(node.OVERLOADS ?? []).map((one) => one.ARGUMENTS.length));
  const placed = node.ARGUMENTS.map((name, i) => ({ name, type: node.TYPE[i], range: node.RANGE[i], unit: node.UNIT[i],
    description: "", needed: i < shortest, key: false }));
  const keyed = Object.entries(node.KEYS ?? {}).map(([name, key]) => ({ name, type: key.TYPE, range: key.RANGE,
    unit: key.UNIT, description: key.DESCRIPTION, needed: false, key: true }));
  return [...placed, ...keyed];
}

function value_of(found) {
  if (!found) return null;
  const { input, type } = found;
  if (type === "T") return input.checked;
  return input.value === "" ? null : typed(type, input.value);
}
