/** Elements in few words. */

/**
 * An element. `props`: class, text, on {event: work}, data {name: value}; any other is an attribute
 * (true: present, false, null or undefined: absent).
 */
export function h(tag, props = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (name === "on") for (const [event, work] of Object.entries(value)) element.addEventListener(event, work);
    else if (name === "data") Object.assign(element.dataset, value);
    else if (name === "text") element.textContent = value;
    else attribute(element, name, value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

/** Set or take away an attribute. */
export function attribute(element, name, value) {
  if (value === false || value === null || value === undefined) element.removeAttribute(name);
  else element.setAttribute(name, value === true ? "" : String(value));
}

export const find = (selector, within = document) => within.querySelector(selector);

/** Seconds, such as 1.00 s or 83 ms. */
export function seconds(value) {
  return value < 0.1 ? `${Math.round(value * 1000)} ms` : `${value.toFixed(2)} s`;
}

/** A canvas as large as it is on the screen; returns its context, or null while it is hidden. */
export function fitted(canvas) {
  const scale = Math.min(2, window.devicePixelRatio || 1);
  const width = Math.round(canvas.clientWidth * scale);
  const height = Math.round(canvas.clientHeight * scale);
  if (!width || !height) return null;
  if (canvas.width !== width || canvas.height !== height) {
    canvas.width = width;
    canvas.height = height;
  }
  return canvas.getContext("2d");
}

/** The value of a custom property of the style sheet. */
export function styled(name, element = document.documentElement) {
  return getComputedStyle(element).getPropertyValue(name).trim();
}
