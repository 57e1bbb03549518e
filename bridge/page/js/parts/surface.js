/** A surface whose point has two values, 0..1 each, x to the right and y upwards. */

import { h } from "./dom.js";

const STEP = 0.02;

/**
 * @param {object} how {label(), say(x, y), change(x, y), release()}
 * Returns {element, show(x, y)}; null for both: no point.
 */
export function surface(how) {
  const point = h("span", { class: "surface-point" });
  const element = h("div", { class: "surface", role: "slider", tabindex: 0, "aria-valuemin": 0, "aria-valuemax": 1 }, point);
  let finger = null;
  let [x, y] = [null, null];

  function show(to_x, to_y) {
    [x, y] = [to_x, to_y];
    element.classList.toggle("auto", x === null && y === null);
    element.style.setProperty("--x", (x ?? 0.5).toFixed(4));
    element.style.setProperty("--y", (y ?? 0.5).toFixed(4));
    element.setAttribute("aria-label", how.label());
    element.setAttribute("aria-valuenow", String(x ?? 0.5));
    element.setAttribute("aria-valuetext", how.say(x, y));
  }

  function set(to_x, to_y) {
    const clamp = (value) => Math.max(0, Math.min(1, value));
    show(clamp(to_x), clamp(to_y));
    how.change(x, y);
  }

  function follow(event) {
    const box = element.getBoundingClientRect();
    set((event.clientX - box.left) / box.width, 1 - (event.clientY - box.top) / box.height);
  }

  element.addEventListener("pointerdown", (event) => {
    if (event.button || finger !== null) return;
    finger = event.pointerId;
    element.setPointerCapture(finger);
    element.classList.add("held");
    follow(event);
  });
  element.addEventListener("pointermove", (event) => event.pointerId === finger && follow(event));
  for (const end of ["pointerup", "pointercancel"]) {
    element.addEventListener(end, (event) => {
      if (event.pointerId !== finger) return;
      finger = null;
      element.classList.remove("held");
      if (end === "pointerup") how.release();
    });
  }
  element.addEventListener("keydown", (event) => {
    const [right, up] = {
      ArrowRight: [STEP, 0], ArrowLeft: [-STEP, 0], ArrowUp: [0, STEP], ArrowDown: [0, -STEP],
    }[event.key] ?? [];
    if (right === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    set((x ?? 0.5) + right, (y ?? 0.5) + up);
  });
  show(null, null);
  return { element, show: (to_x, to_y) => finger === null && show(to_x, to_y) };
}
