/** Small outlines of clips, fetched once when they come into sight. */

import { fitted } from "./dom.js";
import { tint } from "./tints.js";

const PARTS = 96;
const KEPT = 400;
const kept = new Map();
const drawn = new WeakMap();

const sight = new IntersectionObserver((entries) => {
  for (const { target, isIntersecting } of entries) if (isIntersecting) draw(target);
});
const size = new ResizeObserver((entries) => {
  for (const { target } of entries) draw(target);
});

/** Show the outline of a clip on a canvas; "" clears it. */
export function outline(canvas, clip, words) {
  const before = drawn.get(canvas);
  if (before?.clip === clip && before.words === words) return;
  drawn.set(canvas, { clip, words });
  if (!before) {
    sight.observe(canvas);
    size.observe(canvas);
  } else {
    draw(canvas);
  }
}

async function peaks(clip) {
  if (!kept.has(clip)) {
    const fetched = fetch(`/clips/${clip}/peaks?count=${PARTS}`).then((answer) => (answer.ok ? answer.json() : null));
    kept.set(clip, fetched);
    fetched.then((found) => found ?? kept.delete(clip), () => kept.delete(clip));
    if (kept.size > KEPT) kept.delete(kept.keys().next().value);
  }
  return kept.get(clip);
}

async function draw(canvas) {
  const { clip, words } = drawn.get(canvas);
  const context = fitted(canvas);
  if (!context) return;
  const found = clip ? await peaks(clip).catch(() => null) : null;
  if (drawn.get(canvas).clip !== clip) return;
  context.clearRect(0, 0, canvas.width, canvas.height);
  if (!found?.count) return;
  const most = Math.max(0.05, ...found.high.flat(), ...found.low.flat().map((value) => -value));
  const middle = canvas.height / 2;
  const width = canvas.width / found.count;
  context.fillStyle = tint(words);
  for (let i = 0; i < found.count; i += 1) {
    const high = Math.max(...found.high.map((channel) => channel[i])) / most;
    const low = Math.min(...found.low.map((channel) => channel[i])) / most;
    const top = middle - high * (middle - 1);
    context.fillRect(i * width, top, Math.max(1, width - 0.5), Math.max(1.5, middle - low * (middle - 1) - top));
  }
}
