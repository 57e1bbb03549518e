/** A spectrogram of samples as pixels: Hann windows, FFT, logarithmic frequency, decibels. */

const SIZE = 2048;
const LONGEST_WINDOW = 1024;
const SHORTEST_WINDOW = 256;
const WINDOWS = 24; // side by side in a short sound
const LOWEST_HZ = 40;
const FLOOR_DB = -72; // below the loudest place

/**
 * Paint `samples` on a canvas, one column a pixel.
 *
 * @param {Float32Array} samples one channel, -1..1
 * @param {number} rate in hertz
 */
export function paintSpectrogram(canvas, samples, rate, colours) {
  const { width, height } = canvas;
  const context = canvas.getContext("2d");
  const image = context.createImageData(width, height);
  const rows = rowBins(height, rate);
  const hann = windowFor(samples.length);
  const power = new Float32Array(SIZE / 2 + 1);
  const decibels = new Float32Array(width * height);
  let loudest_db = -120;
  for (let x = 0; x < width; x += 1) {
    windowPower(samples, Math.round(((x + 0.5) / width) * samples.length) - hann.length / 2, hann, power);
    for (let y = 0; y < height; y += 1) {
      const db = 10 * Math.log10(most(power, ...rows[y]) + 1e-12);
      loudest_db = Math.max(loudest_db, db);
      decibels[y * width + x] = db;
    }
  }
  decibels.forEach((db, i) => {
    const shade = Math.round((1 - (db - loudest_db) / FLOOR_DB) * 255);
    image.data.set(colours[Math.max(0, Math.min(255, shade))], i * 4);
  });
  context.putImageData(image, 0, 0);
}

/** 256 shades from `ground` by `tint` to `light`, each `[r, g, b]`. */
export function shades(ground, tint, light) {
  const mix = (a, b, part) => a.map((value, i) => Math.round(value + (b[i] - value) * part));
  return Array.from({ length: 256 }, (_, i) => {
    const part = (i / 255) ** 1.7;
    const rgb = part < 0.6 ? mix(ground, tint, part / 0.6) : mix(tint, light, (part - 0.6) / 0.4);
    return [...rgb, 255];
  });
}

/** The greatest power from bin `low` to `high`; between two bins, what lies between. */
function most(power, low, high) {
  if (high - low < 1) {
    const bin = Math.floor(low);
    return power[bin] + (power[Math.min(bin + 1, power.length - 1)] - power[bin]) * (low - bin);
  }
  let greatest = 0;
  for (let bin = Math.ceil(low); bin <= high; bin += 1) greatest = Math.max(greatest, power[bin]);
  return greatest;
}

/** `[low, high]` in bins of each row; the top row is the highest. */
function rowBins(height, rate) {
  const octaves = Math.log2(rate / 2 / LOWEST_HZ);
  const bin = (y) => (LOWEST_HZ * 2 ** (octaves * (1 - y / height)) * SIZE) / rate;
  return Array.from({ length: height }, (_, y) => [Math.max(1, bin(y + 1)), Math.min(SIZE / 2, bin(y))]);
}

/** A Hann window, shorter for short sounds, so that their course is seen. */
function windowFor(samples) {
  const wanted = 2 ** Math.round(Math.log2(Math.max(1, samples / WINDOWS)));
  const length = Math.max(SHORTEST_WINDOW, Math.min(LONGEST_WINDOW, wanted));
  return Float32Array.from({ length }, (_, i) => 0.5 - 0.5 * Math.cos((2 * Math.PI * i) / length));
}

const REAL = new Float32Array(SIZE);
const IMAGINARY = new Float32Array(SIZE);

/** Power of the window that begins at `start`, full scale sine = 1. */
function windowPower(samples, start, hann, power) {
  REAL.fill(0);
  for (let i = 0; i < hann.length; i += 1) REAL[i] = (samples[start + i] ?? 0) * hann[i];
  IMAGINARY.fill(0);
  fft(REAL, IMAGINARY);
  const scale = (4 / hann.length) ** 2;
  for (let bin = 0; bin < power.length; bin += 1) {
    power[bin] = (REAL[bin] ** 2 + IMAGINARY[bin] ** 2) * scale;
  }
}

const TURNS = Array.from({ length: SIZE / 2 }, (_, i) => {
  const angle = (-2 * Math.PI * i) / SIZE;
  return [Math.cos(angle), Math.sin(angle)];
});

/** Cooley and Tukey in place, radix 2. */
export function fft(real, imaginary) {
  for (let i = 1, j = 0; i < SIZE; i += 1) {
    let bit = SIZE >> 1;
    for (; j & bit; bit >>= 1) j ^= bit;
    j ^= bit;
    if (i < j) {
      [real[i], real[j]] = [real[j], real[i]];
      [imaginary[i], imaginary[j]] = [imaginary[j], imaginary[i]];
    }
  }
  for (let half = 1; half < SIZE; half *= 2) {
    const stride = SIZE / (2 * half);
    for (let first = 0; first < SIZE; first += 2 * half) {
      for (let k = 0; k < half; k += 1) {
        const [cos, sin] = TURNS[k * stride];
        const a = first + k;
        const b = a + half;
        const re = real[b] * cos - imaginary[b] * sin;
        const im = real[b] * sin + imaginary[b] * cos;
        real[b] = real[a] - re;
        imaginary[b] = imaginary[a] - im;
        real[a] += re;
        imaginary[a] += im;
      }
    }
  }
}
