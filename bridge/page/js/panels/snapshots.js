/** Snapshots of every control: saved by name, recalled at once or over some seconds. */

import { h } from "../parts/dom.js";
import { icon } from "../parts/icons.js";
import { remembered } from "../store.js";

export function snapshots({ engine, stage, notices, store }) {
  const names = h("div", { class: "chips" });
  const name = h("input", { type: "text", maxlength: 64, placeholder: "name", "aria-label": "Name of the snapshot" });
  const over = h("input", { type: "number", min: 0, max: 600, step: "any", inputmode: "decimal", "aria-label": "Seconds that a recall takes",
    on: { change: () => remembered.set("recall", Number(over.value)) } });
  over.value = remembered.get("recall", 0);
  const save = h("form", { class: "row", on: { submit: (event) => { event.preventDefault(); keep(); } } }, name,
    h("button", { type: "submit", class: "tool", text: "Save" }), h("label", { class: "inline" }, over, h("span", { text: "s to recall" })));
  const element = h("div", { id: "snapshots", role: "group", "aria-label": "Snapshots" }, h("h3", { text: "Snapshots" }), names, save);

  store.watch("tree", () => (element.hidden = !engine.has("/drift/snapshot/save")));
  store.watch("snapshots", (all) => names.replaceChildren(...all.map((one) =>
    h("span", { class: "chip" },
      h("button", { type: "button", text: one, "aria-label": `Recall ${one}`, on: { click: () => recall(one) } }),
      h("button", { type: "button", class: "round quiet", "aria-label": `Delete snapshot ${one}`, on: { click: () => remove(one) } }, icon("close"))))));

  async function keep() {
    const wanted = name.value.trim() || `Snapshot ${store.get("snapshots").length + 1}`;
    const answer = await engine.ask("slot", "/drift/snapshot/save", [wanted]);
    if (!answer) return;
    name.value = "";
    notices.info("slot", `Saved ${answer.args[0]} controls as “${wanted}”`);
    await stage.readSnapshots();
  }

  function recall(one) {
    return engine.ask("slot", "/drift/snapshot/recall", [one, { type: "f", value: Number(over.value) || 0 }]);
  }

  async function remove(one) {
    if (await engine.ask("slot", "/drift/snapshot/delete", [one])) await stage.readSnapshots();
  }

  return element;
}
