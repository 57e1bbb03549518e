/** The keys of the page; none acts while words are typed. */

const TYPED = new Set(["text", "search", "number"]);

export function keyboard({ library, engine }, { make, clip, history, panic }) {
  let walked = false; // to what has the focus: by Tab, and not by a press
  document.addEventListener("pointerdown", () => (walked = false), true);
  document.addEventListener("keydown", (event) => {
    if (event.key === "Tab") walked = true;
    const target = event.target;
    if (event.key === "Escape") {
      if (isTyping(target)) target.blur();
      if (event.shiftKey) panic();
      else if (engine.running.length) engine.cancel();
      return;
    }
    if (isTyping(target) || (walked && isChoice(target)) || event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    const work = action(event);
    if (!work) return;
    event.preventDefault();
    work();
  });

  function action(event) {
    const chosen = library.chosen;
    switch (event.key) {
      case " ":
        return walked && isPressed(event.target) ? null : clip.toggle;
      case "ArrowDown":
        return () => history.step(1);
      case "ArrowUp":
        return () => history.step(-1);
      case "Delete":
      case "Backspace":
        return chosen && (() => library.remove(chosen));
    }
    if (/^[1-9]$/.test(event.key)) return () => clip.variation(Number(event.key) - 1);
    if (event.repeat) return null;
    switch (event.key.toLowerCase()) {
      case "g":
        return make.generate;
      case "v":
        return clip.vary;
      case "f":
        return chosen && (() => library.favourite(chosen));
      case "x":
        return () => clip.turn();
      case "z":
        return event.shiftKey ? () => library.redo() : () => library.undo();
      case "p":
        return () => make.prompt.focus();
      default:
        return null;
    }
  }
}

function isTyping(element) {
  return element.tagName === "TEXTAREA" || (element.tagName === "INPUT" && TYPED.has(element.type));
}

/** What Space presses, where Tab has walked to it. */
function isPressed(element) {
  return element.matches?.("button, summary, a");
}

/** What takes arrows and letters, where Tab has walked to it. */
function isChoice(element) {
  return element.matches?.("select, input");
}
