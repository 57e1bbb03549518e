/** The chosen clip as waveform above spectrogram, with the place that is heard and a region. */

import { fitted, h, seconds, styled } from "../parts/dom.js";
import { channels, tint } from "../parts/tints.js";
import { paintSpectrogram, shades } from "../spectrum.js";

const WAVE_SHARE = 0.42;
const LEAST_REGION = 0.01;

/** Returns {element, show(clip), region()}; `seek(seconds)` is called by a press. */
export function picture(sound, { seek, chosen }) {
  const canvas = h("canvas", { role: "img", "aria-label": "No clip" });
  const cursor = h("span", { class: "cursor", hidden: true });
  const region = h("span", { class: "region", hidden: true });
  const element = h("div", { class: "picture" }, canvas, region, cursor);
  let clip = null;
  let drag = null;
  let span = null; // [from, to] in 0..1

  async function show(next) {
    if (next?.id !== clip?.id) setSpan(null);
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
    const wave = Math.round(canvas.height * WAVE_SHARE);
    const rest = document.createElement("canvas");
    rest.width = canvas.width;
    rest.height = canvas.height - wave;
    const colour = tint(wanted.prompt);
    paintSpectrogram(rest, mixed(buffer), buffer.sampleRate, shades(channels(styled("--sunk")), channels(colour), [255, 255, 255]));
    context.clearRect(0, 0, canvas.width, canvas.height);
    context.drawImage(rest, 0, wave);
    paintWave(context, buffer, wave, colour);
  }

  function setSpan(next) {
    span = next;
    region.hidden = !span;
    if (!span) return;
    region.style.left = `${span[0] * 100}%`;
    region.style.width = `${(span[1] - span[0]) * 100}%`;
    chosen?.(span.map((part) => part * clip.seconds));
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
      seek(drag * clip.seconds);
    }
    drag = null;
  });
  element.addEventListener("pointercancel", () => (drag = null));
  new ResizeObserver(() => draw().catch(() => {})).observe(canvas);

  function follow() {
    const heard = clip && sound.playing === clip.id;
    cursor.hidden = !heard;
    if (heard) cursor.style.left = `${Math.min(1, Math.max(0, sound.place_s / clip.seconds)) * 100}%`;
    requestAnimationFrame(follow);
  }
  requestAnimationFrame(follow);
  return { element, show, region: () => span?.map((place) => place * clip.seconds) ?? null };
}

/** One channel, the mean of all. */
function mixed(buffer) {
  const first = buffer.getChannelData(0);
  if (buffer.numberOfChannels === 1) return first;
  const second = buffer.getChannelData(1);
  return first.map((sample, i) => (sample + second[i]) / 2);
}

function paintWave(context, buffer, height, colour) {
  const { width } = context.canvas;
  const samples = mixed(buffer);
  const middle = height / 2;
  context.fillStyle = styled("--line");
  context.fillRect(0, Math.round(middle), width, 1);
  context.fillStyle = colour;
  for (let x = 0; x < width; x += 1) {
    const from = Math.floor((x / width) * samples.length);
    const to = Math.max(from + 1, Math.floor(((x + 1) / width) * samples.length));
    let [low, high] = [1, -1];
    for (let i = from; i < to; i += 1) {
      low = Math.min(low, samples[i]);
      high = Math.max(high, samples[i]);
    }
    const top = middle - high * (middle - 2);
    context.fillRect(x, top, 1, Math.max(1.5, (high - low) * (middle - 2)));
  }
}
