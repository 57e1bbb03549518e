/**
 * What faders and knobs have in common: a value in a range that fingers, the mouse and keys move.
 *
 * A drag moves the value from where it is, so that nothing jumps; Shift moves it finely; two
 * presses in short order bring back its first value. Every finger has its own fader.
 */

const DOUBLE_MS = 300;
const DRAG_PX = 180; // for the whole range of what has no track
const STILL_PX = 6;

/**
 * @typedef {object} Slide
 * @property {string} label
 * @property {number} low
 * @property {number} high
 * @property {number|null} first the value after a double press; null: no value, "auto"
 * @property {boolean} [whole]
 * @property {() => number} [travel_px] of a drag over the whole range
 * @property {(value: number|null) => string} [say] the value for people
 * @property {(value: number|null) => void} change
 */

/** Make `element` a slider. Returns {show(value), value}. */
export function slide(element, how, draw) {
  const say = how.say ?? ((value) => (value === null ? "auto" : value.toFixed(2)));
  const fingers = new Map();
  let value = how.first;
  let pressed_ms = -Infinity;

  function show(next) {
    value = next;
    const place = value === null ? 0.5 : (value - how.low) / (how.high - how.low);
    element.setAttribute("aria-valuenow", String(value ?? (how.low + how.high) / 2));
    element.setAttribute("aria-valuetext", say(value));
    element.classList.toggle("auto", value === null);
    draw(place, say(value));
  }

  function set(next) {
    const kept = next === null ? null : Math.max(how.low, Math.min(how.high, next));
    const rounded = kept !== null && how.whole ? Math.round(kept) : kept;
    if (rounded === value) return;
    show(rounded);
    how.change(rounded);
  }

  element.setAttribute("role", "slider");
  element.setAttribute("tabindex", "0");
  element.setAttribute("aria-label", how.label);
  element.setAttribute("aria-orientation", "vertical");
  element.setAttribute("aria-valuemin", String(how.low));
  element.setAttribute("aria-valuemax", String(how.high));
  element.addEventListener("pointerdown", (event) => {
    if (event.button) return;
    element.setPointerCapture(event.pointerId);
    fingers.set(event.pointerId, { y: event.clientY, exact: value ?? (how.low + how.high) / 2, moved: 0 });
    element.classList.add("held");
  });
  element.addEventListener("pointermove", (event) => {
    const finger = fingers.get(event.pointerId);
    if (!finger) return;
    const by_px = finger.y - event.clientY;
    finger.y = event.clientY;
    finger.moved += Math.abs(by_px);
    const fine = event.shiftKey ? 0.1 : 1;
    finger.exact += (by_px / (how.travel_px?.() || DRAG_PX)) * (how.high - how.low) * fine;
    finger.exact = Math.max(how.low, Math.min(how.high, finger.exact));
    if (finger.moved > STILL_PX || value !== null) set(finger.exact);
  });
  const lift = (event) => {
    const finger = fingers.get(event.pointerId);
    if (!fingers.delete(event.pointerId)) return;
    if (fingers.size === 0) element.classList.remove("held");
    const now_ms = performance.now();
    if (finger.moved <= STILL_PX && now_ms - pressed_ms < DOUBLE_MS) set(how.first);
    pressed_ms = finger.moved <= STILL_PX ? now_ms : -Infinity;
  };
  element.addEventListener("pointerup", lift);
  element.addEventListener("pointercancel", lift);
  element.addEventListener("keydown", (event) => {
    const step = (how.high - how.low) * (event.shiftKey ? 0.002 : 0.02);
    const least = how.whole ? Math.max(1, step) : step;
    const here = value ?? (how.low + how.high) / 2;
    const next = {
      ArrowUp: here + least, ArrowRight: here + least, ArrowDown: here - least,
      ArrowLeft: here - least, PageUp: here + 5 * least, PageDown: here - 5 * least,
      Home: how.low, End: how.high, Delete: how.first, Backspace: how.first,
    }[event.key];
    if (next === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    set(next);
  });
  show(value);
  return { show: (next) => fingers.size === 0 && show(next), get value() { return value; }, set };
}
