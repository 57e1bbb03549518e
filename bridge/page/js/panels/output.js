/** Where the pads are heard: the engine's sound device, or this browser. */

import { h } from "../parts/dom.js";

/** Returns the element; it shows only while the engine has a sound device. */
export function output({ stage, store }) {
  const choice = h("select", { on: { change: () => stage.setOutput(choice.value) } });
  const element = h("label", { id: "output", class: "inline", hidden: true }, h("span", { text: "Heard from" }), choice);
  let device = "";

  store.watch("status", (status) => {
    element.hidden = !status.audio;
    if (!status.audio || device === status.audio) return;
    device = status.audio;
    choice.replaceChildren(
      h("option", { value: "engine", text: `the engine: ${device}` }),
      h("option", { value: "browser", text: "this browser" }),
    );
    choice.value = stage.throughEngine ? "engine" : "browser";
  });

  return element;
}
