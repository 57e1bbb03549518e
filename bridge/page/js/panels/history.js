/** The history: every clip, newest first, found by words, auditioned as it is chosen. */

import { attribute, find, h, seconds } from "../parts/dom.js";
import { icon } from "../parts/icons.js";
import { outline } from "../parts/outline.js";
import { title } from "../library.js";
import { remembered } from "../store.js";

const TYPING_MS = 150;

export function historyPanel({ library, notices, store }, { hear }) {
  const panel = find("#history");
  notices.place("history", find("#history-notices"));
  let typing = 0;
  const search = h("input", { type: "search", placeholder: "Find words", "aria-label": "Find clips by words",
    on: { input: () => { clearTimeout(typing); typing = setTimeout(() => library.filter({ text: search.value.trim() }), TYPING_MS); } } });
  const favourites = h("button", { type: "button", class: "round star", "aria-label": "Favourites only", title: "Favourites only", "aria-pressed": "false",
    on: { click: () => library.filter({ favourite: !store.get("filter").favourite }) } }, icon("star"));
  const list = h("ul", { class: "clips", "aria-label": "Clips" });
  const more = h("button", { type: "button", class: "quiet wide", text: "Show more", hidden: true, on: { click: () => library.more() } });
  const empty = h("p", { class: "muted", hidden: true });
  const audition = h("input", { type: "checkbox", on: { change: () => remembered.set("audition", audition.checked) } });
  audition.checked = remembered.get("audition", true);
  panel.append(
    h("div", { class: "row find" }, search, favourites,
      h("label", { class: "inline check" }, audition, h("span", { text: "play what is chosen" }))),
    list, empty, more);

  const rows = new Map();
  store.watch("clips", ({ items, total }) => {
    const { text, favourite } = store.get("filter");
    for (const id of rows.keys()) if (!items.some((clip) => clip.id === id)) rows.delete(id);
    list.replaceChildren(...items.map((clip) => update(rows.get(clip.id) ?? row(clip), clip)));
    empty.hidden = items.length > 0;
    empty.textContent = text || favourite ? "No clip is like that." : "No clips yet. What you generate stays here.";
    more.hidden = !library.mayShowMore;
    more.textContent = `Show more (${items.length} of ${total})`;
    mark(library.chosen);
  });
  store.watch("filter", ({ favourite }) => attribute(favourites, "aria-pressed", String(favourite)));
  store.watch("chosen", mark);

  function row(clip) {
    const canvas = h("canvas", { "aria-hidden": true });
    const name = h("span", { class: "clip-name" });
    const facts = h("span", { class: "muted" });
    const choose = h("button", { type: "button", class: "choose", on: { click: () => pick(clip.id) } }, canvas,
      h("span", { class: "texts" }, name, facts));
    const star = h("button", { type: "button", class: "round quiet star", on: { click: () => library.favourite(rows.get(clip.id).clip) } }, icon("star"));
    const element = h("li", { data: { clip: clip.id } }, choose, star);
    const made = { element, canvas, name, facts, choose, star, clip };
    rows.set(clip.id, made);
    return made;
  }

  function update(made, clip) {
    made.clip = clip;
    made.name.textContent = title(clip);
    made.facts.textContent = `${seconds(clip.seconds)} · ${moment(clip.created)}`;
    attribute(made.star, "aria-pressed", String(clip.favourite));
    attribute(made.star, "aria-label", `Favourite: ${title(clip)}`);
    outline(made.canvas, clip.id, clip.prompt);
    return made.element;
  }

  function pick(id) {
    if (audition.checked) hear(id);
    else library.choose(id);
  }

  function mark(clip) {
    for (const [id, made] of rows) {
      const on = id === clip?.id;
      attribute(made.choose, "aria-current", on ? "true" : null);
      if (on) made.element.scrollIntoView({ block: "nearest" });
    }
  }

  /** Go up (-1) or down (1) the list. */
  async function step(by) {
    const clip = await library.step(by);
    if (clip && audition.checked) hear(clip.id);
  }

  return { step };
}

/** The time of a clip of today, else its day. */
function moment(created_s) {
  const date = new Date(created_s * 1000);
  return date.toDateString() === new Date().toDateString()
    ? date.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" })
    : date.toLocaleDateString([], { day: "numeric", month: "short", year: "numeric" });
}
