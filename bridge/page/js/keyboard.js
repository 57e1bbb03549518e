/** The keys of the page; none acts while words are typed. */

const TYPED = new Set(["text", "search", "number"]);

export function keyboard({ library, engine }, { make, clip, history, panic }) {
  document.addEventListener("keydown", (event) => {
    const target = event.target;
    if (event.key === "Escape") {
      if (isTyping(target)) target.blur();
      if (event.shiftKey) panic();
      else if (engine.running.length) engine.cancel();
      return;
    }
    if (isTyping(target) || isWalkedTo(target) || event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    const work = action(event);
    if (!work) return;
    event.preventDefault();
    work();
  });

  function action(event) {
    const chosen = library.chosen;
    switch (event.key) {
      case " ":
        return pressesButton(event.target) ? null : clip.toggle;
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

/** A choice that the keys have walked to takes them; one that the mouse pressed last does not. */
function isWalkedTo(element) {
  return element.matches?.("select:focus-visible, input:focus-visible");
}

/** Space presses what the keys have walked to, and not what the mouse pressed last. */
function pressesButton(element) {
  return element.matches?.("button:focus-visible, summary:focus-visible, a:focus-visible");
}
