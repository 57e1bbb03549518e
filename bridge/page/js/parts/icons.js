/** The icons, each a path on a grid of 24. */

const PATHS = {
  play: "M8 5v14l11-7z",
  stop: "M6 6h12v12H6z",
  star: "M12 3.5l2.6 5.4 5.9.8-4.3 4.1 1.1 5.9-5.3-2.9-5.3 2.9 1.1-5.9L3.5 9.7l5.9-.8z",
  trash: "M9 4h6l1 2h4v2H4V6h4zM6 10h12l-1 10H7z",
  undo: "M9 5L4 10l5 5v-3h5a4 4 0 010 8h-3v2h3a6 6 0 000-12H9z",
  redo: "M15 5l5 5-5 5v-3h-5a4 4 0 000 8h3v2h-3a6 6 0 010-12h5z",
  panic: "M8 3h8l5 5v8l-5 5H8l-5-5V8zm3 4v7h2V7zm0 9v2h2v-2z",
  down: "M11 4h2v8l3-3 1.4 1.4L12 15.8l-5.4-5.4L8 9l3 3zM5 18h14v2H5z",
  close: "M6.4 5L12 10.6 17.6 5 19 6.4 13.4 12l5.6 5.6-1.4 1.4-5.6-5.6L6.4 19 5 17.6l5.6-5.6L5 6.4z",
  pen: "M4 16.5V20h3.5L18 9.5 14.5 6zM15.6 4.9l3.5 3.5 1.3-1.3-3.5-3.5z",
  words: "M4 5h16v11H9l-5 4z",
  help: "M11 17h2v2h-2zm1-13a5 5 0 00-5 5h2a3 3 0 113 3h-1v3h2v-1.1A5 5 0 0012 4z",
  lock: "M7 10V8a5 5 0 0110 0v2h1v10H6V10zm2 0h6V8a3 3 0 00-6 0z",
  make: "M3 13h3l2-7 4 14 3-10 2 3h4v-2h-3l-3-4-3 9L8 2l-3.500 9H3z",
  pads: "M4 4h7v7H4zm9 0h7v7h-7zM4 13h7v7H4zm9 0h7v7h-7z",
  history: "M4 6h16v2H4zm0 5h16v2H4zm0 5h10v2H4z",
  before: "M15 5l-7 7 7 7 1.500-1.500L11 12l5.500-5.500z",
  after: "M9 5l7 7-7 7-1.500-1.500L13 12 7.500 6.500z",
};
const SVG = "http://www.w3.org/2000/svg";

/** An icon that a screen reader passes over. */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  svg.classList.add("icon");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", PATHS[name]);
  path.setAttribute("fill-rule", "evenodd");
  svg.append(path);
  return svg;
}

/** Put an icon before what a button of the page says. */
export function dress(root = document) {
  for (const element of root.querySelectorAll("[data-icon]")) element.prepend(icon(element.dataset.icon));
}
