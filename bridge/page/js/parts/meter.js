/** Two level bars, of the engine's output or of this browser's, with the highest peak held. */

import { h } from "./dom.js";

const LEAST_DB = -60;
const FALL_DB = 1.2; // a frame
const SAY_MS = 250;

export function meters(sound, stage, store) {
  const bars = ["left", "right"].map((side) => {
    const fill = h("span", { class: "level" });
    const peak = h("span", { class: "peak" });
    const element = h("div", { class: "meter", role: "meter", "aria-label": `Level ${side}`,
      "aria-valuemin": LEAST_DB, "aria-valuemax": 0, "aria-valuenow": LEAST_DB, "aria-valuetext": "silence" }, fill, peak);
    return { element, fill, peak, db: LEAST_DB, held_db: LEAST_DB };
  });
  let said_ms = 0;
  let from_engine = [0, 0];
  let heard_ms = 0;
  store.watch("level", (level) => {
    from_engine = level.peaks;
    heard_ms = performance.now();
  });

  function draw(now_ms) {
    const fresh = now_ms - heard_ms < 500;
    const peaks = stage.throughEngine && fresh ? from_engine : (sound.levels() ?? [0, 0]);
    const own = sound.levels() ?? [0, 0];
    bars.forEach((bar, i) => {
      const linear = Math.max(peaks[i], own[i]);
      const db = Math.max(LEAST_DB, Math.min(0, 20 * Math.log10(linear + 1e-6)));
      bar.db = Math.max(db, bar.db - FALL_DB, LEAST_DB);
      bar.held_db = Math.max(db, bar.held_db - FALL_DB / 6, LEAST_DB);
      bar.fill.style.setProperty("--level", place(bar.db));
      bar.peak.style.setProperty("--level", place(bar.held_db));
      bar.peak.classList.toggle("full", bar.held_db > -0.5);
    });
    if (now_ms - said_ms > SAY_MS) {
      said_ms = now_ms;
      for (const bar of bars) {
        bar.element.setAttribute("aria-valuenow", bar.db.toFixed(0));
        bar.element.setAttribute("aria-valuetext", bar.db <= LEAST_DB ? "silence" : `${bar.db.toFixed(0)} dB`);
      }
    }
    requestAnimationFrame(draw);
  }

  requestAnimationFrame(draw);
  return h("div", { class: "meters" }, ...bars.map((bar) => bar.element));
}

function place(db) {
  return ((db - LEAST_DB) / -LEAST_DB).toFixed(3);
}
