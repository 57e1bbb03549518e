/** Colours of sounds by the family their words name, the same wherever a sound is shown. */

const FAMILIES = [
  [/kick|bass|sub|808|body/, "#f0907a"],
  [/snare|rim|clap|snap/, "#f0c274"],
  [/hat|shaker|triangle|hihat/, "#7fc4f5"],
  [/crash|ride|cymbal|gong/, "#a9b4f7"],
  [/tom|conga|bongo|wood|perc|cowbell|block/, "#d69ae0"],
];
const OTHER = "#3fd9c6";

/** The colour of a sound with these words, as #rrggbb. */
export function tint(words) {
  const found = [...String(words ?? "").toLowerCase().matchAll(/[a-z0-9]+/g)].map(([word]) => word).reverse();
  for (const word of found) {
    const family = FAMILIES.find(([pattern]) => pattern.test(word));
    if (family) return family[1];
  }
  return OTHER;
}

/** `#rrggbb` as `[r, g, b]`. */
export function channels(colour) {
  return [1, 3, 5].map((place) => Number.parseInt(colour.slice(place, place + 2), 16));
}
