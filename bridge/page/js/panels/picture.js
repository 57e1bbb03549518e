/** The chosen clip as waveform above spectrogram, with the place that is heard and a region. */

import { fitted, h, seconds, styled } from "../parts/dom.js";
import { channels, tint } from "../parts/tints.js";
import { paintSpectrogram, shades } from "../spectrum.js";

const WAVE_SHARE = 0.42;
const LEAST_REGION = 0.01;

const SILENT = 0.001; // -60 dB
const SHORTEST_S = 0.05;

/**
 * Silence at the end of a clip is not drawn, so that a short sound fills the picture.
 *
 * Returns {element, show(clip), region()}; `seek(seconds)` is called by a press.
 */
export function picture(sound, { seek, chosen }) {
  const canvas = h("canvas", { role: "img", "aria-label": "No clip" });
  const cursor = h("span", { class: "cursor", hidden: true });
  const region = h("span", { class: "region", hidden: true });
  const scale = h("span", { class: "scale", hidden: true });
  const element = h("div", { class: "picture" }, canvas, region, cursor, scale);
  let clip = null;
  let shown_s = 1; // the picture's width
  let drag = null;
  let span = null; // [from, to] in 0..1

  async function show(next) {
    if (next?.id !== clip?.id) {
      setSpan(null);
      shown_s = next?.seconds ?? 1;
      scale.hidden = true;
    }
    clip = next;
    canvas.setAttribute("aria-label", clip ? `Waveform and spectrogram of ${clip.prompt || "the clip"}, ${seconds(clip.seconds)}` : "No clip");
    element.classList.toggle("empty", !clip);
    await draw();
  }

  async function draw() {
    const context = fitted(canvas);
    if (!context) return;
    const wanted = clip;
    if (!wanted) {
      context.clearRect(0, 0, canvas.width, canvas.height);
      return;
    }
    const buffer = await sound.buffer(wanted.id, wanted.sample_rate);
    if (wanted !== clip) return;
    const whole = mixed(buffer);
    const samples = whole.subarray(0, heardLength(whole, buffer.sampleRate));
    shown_s = samples.length / buffer.sampleRate;
    scale.hidden = samples.length === whole.length;
    scale.textContent = `${seconds(shown_s)} of ${seconds(clip.seconds)}`;
    const wave = Math.round(canvas.height * WAVE_SHARE);
    const rest = document.createElement("canvas");
    rest.width = canvas.width;
    rest.height = canvas.height - wave;
    const colour = tint(wanted.prompt);
    paintSpectrogram(rest, samples, buffer.sampleRate, shades(channels(styled("--sunk")), channels(colour), [255, 255, 255]));
    context.clearRect(0, 0, canvas.width, canvas.height);
    context.drawImage(rest, 0, wave);
    paintWave(context, samples, wave, colour);
  }

  function setSpan(next) {
    span = next;
    region.hidden = !span;
    if (!span) return;
    region.style.left = `${span[0] * 100}%`;
    region.style.width = `${(span[1] - span[0]) * 100}%`;
    chosen?.(span.map((part) => part * shown_s));
  }

  const part = (event) => {
    const box = element.getBoundingClientRect();
    return Math.max(0, Math.min(1, (event.clientX - box.left) / box.width));
  };
  element.addEventListener("pointerdown", (event) => {
    if (!clip || event.button) return;
    drag = part(event);
    element.setPointerCapture(event.pointerId);
  });
  element.addEventListener("pointermove", (event) => {
    if (drag === null) return;
    const here = part(event);
    if (Math.abs(here - drag) > LEAST_REGION) setSpan([Math.min(drag, here), Math.max(drag, here)]);
  });
  element.addEventListener("pointerup", (event) => {
    if (drag === null) return;
    if (Math.abs(part(event) - drag) <= LEAST_REGION) {
      setSpan(null);
      seek(drag * shown_s);
    }
    drag = null;
  });
  element.addEventListener("pointercancel", () => (drag = null));
  new ResizeObserver(() => draw().catch(() => {})).observe(canvas);

  function follow() {
    const heard = clip && sound.playing === clip.id;
    cursor.hidden = !heard;
    if (heard) cursor.style.left = `${Math.min(1, Math.max(0, sound.place_s / shown_s)) * 100}%`;
    requestAnimationFrame(follow);
  }
  requestAnimationFrame(follow);
  return { element, show, region: () => span?.map((place) => place * shown_s) ?? null };
}

/** One channel, the mean of all. */
function mixed(buffer) {
  const first = buffer.getChannelData(0);
  if (buffer.numberOfChannels === 1) return first;
  const second = buffer.getChannelData(1);
  return first.map((sample, i) => (sample + second[i]) / 2);
}

/** Samples up to the last that is not silent, and a little more. */
function heardLength(samples, rate) {
  let end = samples.length;
  while (end > 0 && Math.abs(samples[end - 1]) < SILENT) end -= 1;
  return Math.min(samples.length, Math.max(Math.round(end * 1.05), Math.round(SHORTEST_S * rate)));
}

function paintWave(context, samples, height, colour) {
  const { width } = context.canvas;
  const middle = height / 2;
  context.fillStyle = styled("--line");
  context.fillRect(0, Math.round(middle), width, 1);
  context.fillStyle = colour;
  for (let x = 0; x < width; x += 1) {
    const from = Math.floor((x / width) * samples.length);
    // With the first sample of the next column, so that the line has no gaps.
    const to = Math.min(samples.length, Math.floor(((x + 1) / width) * samples.length) + 1);
    let [low, high] = [1, -1];
    for (let i = from; i < to; i += 1) {
      low = Math.min(low, samples[i]);
      high = Math.max(high, samples[i]);
    }
    const top = middle - high * (middle - 2);
    context.fillRect(x, top, 1, Math.max(1.5, (high - low) * (middle - 2)));
  }
}
