/** A vertical fader. */

import { h } from "./dom.js";
import { slide } from "./slide.js";

/** Returns {element, show(value)}; `how` as in slide.js, and `short`, the label below. */
export function fader(how) {
  const fill = h("span", { class: "fader-fill" });
  const cap = h("span", { class: "fader-cap" });
  const track = h("span", { class: "fader-track" }, fill, cap);
  const said = h("span", { class: "said", "aria-hidden": true });
  const name = h("span", { class: "name", "aria-hidden": true, text: how.short ?? how.label });
  const element = h("div", { class: "fader" }, said, track, name);
  const travel_px = () => track.clientHeight - cap.clientHeight;
  const slider = slide(element, { ...how, travel_px }, (place, text) => {
    element.style.setProperty("--place", place.toFixed(4));
    said.textContent = text;
  });
  return { element, show: slider.show, set: slider.set };
}
