/** Puts the page together. */

import { Engine } from "./engine.js";
import { keyboard } from "./keyboard.js";
import { Library } from "./library.js";
import { clipPanel } from "./panels/clip.js";
import { headerPanel } from "./panels/header.js";
import { historyPanel } from "./panels/history.js";
import { makePanel } from "./panels/make.js";
import { padsPanel } from "./panels/pads.js";
import { slotPanel } from "./panels/slot.js";
import { attribute, find } from "./parts/dom.js";
import { dress } from "./parts/icons.js";
import { Notices } from "./parts/notices.js";
import { Sound } from "./sound.js";
import { Stage } from "./stage.js";
import { remembered, Store } from "./store.js";

const store = new Store();
const notices = new Notices();
const sound = new Sound();
const engine = new Engine(store, notices);
const library = new Library(engine, notices);
const stage = new Stage(engine, notices, sound);
const app = { store, notices, sound, engine, library, stage, panic };

dress();
headerPanel(app);
const make = makePanel(app);
const clip = clipPanel(app);
const history = historyPanel(app, { hear: clip.hear });
padsPanel(app, { detail: () => find("#slot").scrollIntoView({ block: "nearest", behavior: "auto" }) });
slotPanel(app);
keyboard(app, { make, clip, history, panic });
views();
stayAwake();
engine.start();

/** Silence here and there, and no job goes on. */
function panic() {
  sound.panic();
  if (engine.link.send("/drift/panic", true)) notices.info("make", "Panic: everything is silent and every job is cancelled");
}

/** Which part a small screen shows. */
function views() {
  const buttons = [...document.querySelectorAll("#views button")];
  const show = (view) => {
    document.body.dataset.view = view;
    remembered.set("view", view);
    for (const button of buttons) attribute(button, "aria-current", button.dataset.view === view ? "page" : null);
  };
  for (const button of buttons) button.addEventListener("click", () => show(button.dataset.view));
  show(remembered.get("view", "make"));
  store.watch("tree", () => {
    if (document.body.dataset.view === "pads" && !stage.hasSlots) show("make");
  });
}

/** Keep the screen on, where the browser lets us (over HTTPS or on this machine). */
function stayAwake() {
  const ask = () => navigator.wakeLock?.request("screen").catch(() => {});
  document.addEventListener("pointerdown", ask, { once: true });
  document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && ask());
}
