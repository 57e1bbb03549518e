/** The variations of the last request, which appear one by one, and what is still being made. */

import { attribute, h } from "../parts/dom.js";
import { icon } from "../parts/icons.js";
import { outline } from "../parts/outline.js";

export function variations({ engine, library, store }, { hear }) {
  const cards = h("div", { class: "cards" });
  const bar = h("div", { class: "progress", role: "progressbar", "aria-label": "Progress", "aria-valuemin": 0, "aria-valuemax": 100 }, h("span"));
  const said = h("p", { class: "muted", "aria-live": "polite" });
  const cancel = h("button", { id: "cancel", type: "button", title: "Cancel (Esc)", on: { click: () => current && engine.cancel(current.id) } },
    icon("close"), h("span", { text: "Cancel" }));
  const head = h("div", { class: "job" }, said, bar, cancel);
  const element = h("div", { id: "variations", hidden: true }, head, cards);
  let current = null;
  let shown = "";

  store.watch("jobs", (jobs) => {
    const last = jobs.filter((job) => job.strip).at(-1);
    if (!last) return;
    current = last;
    element.hidden = false;
    const running = last.state !== "over";
    head.classList.toggle("running", running);
    cancel.hidden = !running;
    bar.hidden = !running;
    bar.style.setProperty("--done", last.fraction.toFixed(3));
    attribute(bar, "aria-valuenow", Math.round(last.fraction * 100));
    said.textContent = describe(last);
    const key = `${last.id}:${last.clips.length}:${running}`;
    if (key !== shown) fill(last, running);
    shown = key;
  });
  store.watch("chosen", mark);

  function fill(job, running) {
    const waiting = running ? Math.max(0, job.count - job.clips.length) : 0;
    const before = new Map([...cards.children].map((card) => [card.dataset.clip, card]));
    cards.replaceChildren(
      ...job.clips.map((clip, place) => before.get(clip) ?? card(job, clip, place)),
      ...Array.from({ length: waiting }, () => h("span", { class: "card waiting", "aria-hidden": true })));
    mark(library.chosen);
    if (job.clips.length === 1 && !before.has(job.clips[0])) library.choose(job.clips[0]);
  }

  function card(job, clip, place) {
    const canvas = h("canvas", { "aria-hidden": true });
    outline(canvas, clip, job.label);
    return h("button", { type: "button", class: "card", data: { clip }, "aria-label": `Variation ${place + 1}`,
      title: place < 9 ? `Hear it (${place + 1})` : "Hear it", on: { click: () => hear(clip) } },
      h("span", { class: "number", text: place + 1, "aria-hidden": true }), canvas);
  }

  function mark(clip) {
    for (const card of cards.children) {
      if (card.dataset.clip) attribute(card, "aria-current", card.dataset.clip === clip?.id ? "true" : null);
    }
  }

  return {
    element,
    hear(place) {
      const clip = current?.clips[place];
      if (clip) hear(clip);
    },
  };
}

function describe(job) {
  const many = (count) => `${count} ${count === 1 ? "variation" : "variations"}`;
  if (job.error) return `“${job.label}”: ${job.error.code === "cancelled" ? "cancelled" : "failed"} after ${many(job.clips.length)}`;
  if (job.state === "over") return `${many(job.clips.length)} of “${job.label}” in ${Math.round(job.answer?.[1] ?? 0)} ms`;
  if (job.position > 0 && job.fraction === 0) return `Waiting for ${job.position} ${job.position === 1 ? "job" : "jobs"}`;
  const left = job.eta_s > 0.5 ? `, ${job.eta_s.toFixed(0)} s left` : "";
  return `Making “${job.label}”: ${job.clips.length} of ${job.count}${left}`;
}
