/** A spectrogram of samples as pixels: Hann windows, FFT, logarithmic frequency, decibels. */

const SIZE = 1024;
const LOWEST_HZ = 40;
const FLOOR_DB = -84;

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
  const power = new Float32Array(SIZE / 2 + 1);
  for (let x = 0; x < width; x += 1) {
    windowPower(samples, Math.round(((x + 0.5) / width) * samples.length) - SIZE / 2, power);
    for (let y = 0; y < height; y += 1) {
      const [low, high] = rows[y];
      let most = 0;
      for (let bin = low; bin <= high; bin += 1) most = Math.max(most, power[bin]);
      const db = 10 * Math.log10(most + 1e-12);
      const shade = Math.max(0, Math.min(255, Math.round((1 - db / FLOOR_DB) * 255)));
      image.data.set(colours[shade], (y * width + x) * 4);
    }
  }
  context.putImageData(image, 0, 0);
}

/** 256 shades from `ground` by `tint` to `light`, each `[r, g, b]`. */
export function shades(ground, tint, light) {
  const mix = (a, b, part) => a.map((value, i) => Math.round(value + (b[i] - value) * part));
  return Array.from({ length: 256 }, (_, i) => {
    const part = (i / 255) ** 1.4;
    const rgb = part < 0.6 ? mix(ground, tint, part / 0.6) : mix(tint, light, (part - 0.6) / 0.4);
    return [...rgb, 255];
  });
}

/** The bins that each row shows; the top row is the highest. */
function rowBins(height, rate) {
  const octaves = Math.log2(rate / 2 / LOWEST_HZ);
  const bin = (y) => (LOWEST_HZ * 2 ** (octaves * (1 - y / height)) * SIZE) / rate;
  return Array.from({ length: height }, (_, y) => {
    const low = Math.max(1, Math.floor(bin(y + 1)));
    return [low, Math.min(SIZE / 2, Math.max(low, Math.ceil(bin(y)) - 1))];
  });
}

const HANN = Float32Array.from({ length: SIZE }, (_, i) => 0.5 - 0.5 * Math.cos((2 * Math.PI * i) / SIZE));
const REAL = new Float32Array(SIZE);
const IMAGINARY = new Float32Array(SIZE);

/** Power of the window that begins at `start`, full scale sine = 1. */
function windowPower(samples, start, power) {
  for (let i = 0; i < SIZE; i += 1) REAL[i] = (samples[start + i] ?? 0) * HANN[i];
  IMAGINARY.fill(0);
  fft(REAL, IMAGINARY);
  const scale = (4 / SIZE) ** 2;
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
