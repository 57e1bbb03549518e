// What the access tests measure in the page. Each function returns a list of plain objects.

function shown(element) {
  return element.checkVisibility({ visibilityProperty: true, opacityProperty: true }) && !element.closest(".hidden");
}

function called(element) {
  return `${element.tagName.toLowerCase()}#${element.id}.${element.className} “${element.textContent.trim().slice(0, 30)}”`;
}

/** Any colour of CSS as [r, g, b, a], 0..255 and 0..1. */
function parsed(text) {
  const numbers = text.match(/-?[\d.]+(?:e-?\d+)?/g)?.map(Number) ?? [0, 0, 0, 0];
  const scale = text.startsWith("color(") ? 255 : 1;
  return [...numbers.slice(0, 3).map((value) => value * scale), numbers[3] ?? 1];
}

function over([r, g, b, a], below) {
  return [r, g, b].map((value, i) => value * a + below[i] * (1 - a)).concat(1);
}

/** Every colour that may lie behind an element: those of a gradient are all tried. */
function grounds(element) {
  if (!element) return [[0, 0, 0, 1]];
  const style = getComputedStyle(element);
  const plain = parsed(style.backgroundColor);
  const below = plain[3] === 1 ? [[0, 0, 0, 1]] : grounds(element.parentElement);
  const on_plain = below.map((colour) => over(plain, colour));
  const stops = style.backgroundImage.match(/(?:rgba?|color)\([^()]*\)/g) ?? [];
  return stops.length ? stops.flatMap((stop) => on_plain.map((colour) => over(parsed(stop), colour))) : on_plain;
}

function luminance(colour) {
  const [r, g, b] = colour.slice(0, 3).map((value) => {
    const part = value / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

/** Contrast as WCAG 2.2 defines it, of every piece of text and of every placeholder. */
function contrasts() {
  const found = [];
  const measure = (element, style, text) => {
    for (const ground of grounds(element)) {
      const lights = [luminance(over(parsed(style.color), ground)), luminance(ground)].sort((a, b) => b - a);
      found.push({ element: called(element), text, colour: style.color, contrast: (lights[0] + 0.05) / (lights[1] + 0.05) });
    }
  };
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    const text = walker.currentNode.data.trim();
    if (!text || !shown(element) || element.closest(":disabled, option, script, noscript")) continue;
    measure(element, getComputedStyle(element), text);
  }
  for (const input of document.querySelectorAll("input[placeholder]")) {
    if (shown(input)) measure(input, getComputedStyle(input, input.value ? null : "::placeholder"), input.placeholder);
  }
  return found;
}

/** Size of everything to press; a box within its label is as large as the label. */
function targets() {
  return [...document.querySelectorAll("a, button, input, select, summary, [role=slider]")].filter(shown).map((element) => {
    const small = element.matches("[type=checkbox], [type=radio]");
    const box = (small ? element.closest("label") : element).getBoundingClientRect();
    return { element: called(element), width: box.width, height: box.height };
  });
}

/** What reaches beyond the sides of the page or of its own panel. */
function overflow() {
  const wide = document.documentElement.scrollWidth > innerWidth ? [{ page: document.documentElement.scrollWidth }] : [];
  const cut = [...document.querySelectorAll(".panel *")].filter(shown).flatMap((element) => {
    const [box, panel] = [element, element.closest(".panel")].map((one) => one.getBoundingClientRect());
    return box.right > panel.right + 1 || box.left < panel.left - 1 ? [{ element: called(element), right: box.right, panel: panel.right }] : [];
  });
  return [...wide, ...cut];
}
