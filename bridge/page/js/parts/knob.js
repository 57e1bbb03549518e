/** A knob with an arc; without a value it says "auto". */

import { h } from "./dom.js";
import { slide } from "./slide.js";

const SVG = "http://www.w3.org/2000/svg";
const RADIUS = 20;
const TURN = 0.75 * 2 * Math.PI * RADIUS; // the arc is three quarters of a circle

/** Returns {element, show(value), set(value)}; `how` as in slide.js, and `short`. */
export function knob(how) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 52 52");
  svg.setAttribute("aria-hidden", "true");
  const [back, front] = ["knob-back", "knob-front"].map((style) => {
    const arc = document.createElementNS(SVG, "circle");
    arc.setAttribute("cx", "26");
    arc.setAttribute("cy", "26");
    arc.setAttribute("r", String(RADIUS));
    arc.setAttribute("class", style);
    arc.setAttribute("stroke-dasharray", `${TURN} 999`);
    arc.setAttribute("transform", "rotate(135 26 26)");
    return arc;
  });
  const hand = document.createElementNS(SVG, "line");
  hand.setAttribute("class", "knob-hand");
  hand.setAttribute("x1", "26");
  hand.setAttribute("y1", "3.5");
  hand.setAttribute("x2", "26");
  hand.setAttribute("y2", "9");
  svg.append(back, front, hand);
  const said = h("span", { class: "said", "aria-hidden": true });
  const name = h("span", { class: "name", "aria-hidden": true, text: how.short ?? how.label });
  const element = h("div", { class: "knob" }, svg, name, said);
  const slider = slide(element, how, (place, text) => {
    front.setAttribute("stroke-dasharray", `${TURN * place} 999`);
    hand.setAttribute("transform", `rotate(${-135 + 270 * place} 26 26)`);
    said.textContent = text;
  });
  return { element, show: slider.show, set: slider.set };
}
