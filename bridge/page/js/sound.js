/**
 * Sound in this browser: clips fetched once, auditioned, played as pads, and measured for the meter.
 *
 * The audio context is made with the first press, as browsers ask for.
 */

const KEPT = 48;
const FADE_S = 0.012;
const LEAST_DB = -60;

export class Sound extends EventTarget {
  #context = null;
  #out = null;
  #analysers = [];
  #kept = new Map();
  #audition = null;
  #pads = new Map();
  #heard = new Float32Array(2048);

  /** The decoded clip, at its own rate. */
  buffer(clip, rate = 44100) {
    if (!this.#kept.has(clip)) {
      this.#kept.set(clip, fetchClip(clip, rate));
      if (this.#kept.size > KEPT) this.#kept.delete(this.#kept.keys().next().value);
      this.#kept.get(clip).catch(() => this.#kept.delete(clip));
    }
    return this.#kept.get(clip);
  }

  /** Seconds into the clip that is auditioned, or -1. */
  get place_s() {
    if (!this.#audition) return -1;
    return this.#context.currentTime - this.#audition.started;
  }

  /** The clip that is auditioned, or "". */
  get playing() {
    return this.#audition?.clip ?? "";
  }

  /** Play a clip from `from_s`; what was auditioned before fades out. */
  async play(clip, rate, from_s = 0) {
    const ticket = (this.ticket = {});
    this.#start();
    const buffer = await this.buffer(clip, rate);
    if (ticket !== this.ticket) return; // another was asked for meanwhile
    this.#fade(this.#audition);
    const from = from_s < buffer.duration ? Math.max(0, from_s) : 0;
    const voice = this.#voice(buffer, { clip, from });
    this.#audition = voice;
    voice.source.onended = () => {
      if (this.#audition === voice) this.#ended();
    };
    this.dispatchEvent(new Event("change"));
  }

  /** Silence the audition. */
  stop() {
    this.ticket = null;
    this.#fade(this.#audition);
    this.#ended();
  }

  /** Silence all. */
  panic() {
    this.stop();
    for (const slot of this.#pads.keys()) this.release(slot);
  }

  /** Play a clip as a pad, as the engine would. */
  async hit(slot, clip, { velocity, gain_db, pan, semitones, choke }) {
    this.#start();
    const buffer = await this.buffer(clip);
    for (const [other, voice] of this.#pads) {
      if (other === slot || (choke && voice.choke === choke)) this.release(other);
    }
    const gain = gain_db <= LEAST_DB ? 0 : velocity * 10 ** (gain_db / 20);
    const rate = 2 ** (semitones / 12);
    this.#pads.set(slot, this.#voice(buffer, { clip, gain, pan, rate, choke }));
  }

  /** Fade a pad out. */
  release(slot) {
    this.#fade(this.#pads.get(slot));
    this.#pads.delete(slot);
  }

  /** Greatest sample of left and right just now; null when nothing was ever played. */
  levels() {
    if (!this.#context) return null;
    return this.#analysers.map((analyser) => {
      analyser.getFloatTimeDomainData(this.#heard);
      return this.#heard.reduce((most, sample) => Math.max(most, Math.abs(sample)), 0);
    });
  }

  #start() {
    if (!this.#context) {
      this.#context = new AudioContext({ latencyHint: "interactive" });
      this.#out = this.#context.createGain();
      this.#out.channelCount = 2;
      this.#out.channelCountMode = "explicit";
      this.#out.connect(this.#context.destination);
      const split = this.#context.createChannelSplitter(2);
      this.#out.connect(split);
      this.#analysers = [0, 1].map((channel) => {
        const analyser = this.#context.createAnalyser();
        analyser.fftSize = this.#heard.length;
        split.connect(analyser, channel);
        return analyser;
      });
    }
    if (this.#context.state === "suspended") this.#context.resume();
  }

  #voice(buffer, { clip, from = 0, gain = 1, pan = 0, rate = 1, choke = 0 }) {
    const context = this.#context;
    const source = new AudioBufferSourceNode(context, { buffer, playbackRate: rate });
    const level = new GainNode(context, { gain });
    const place = new StereoPannerNode(context, { pan });
    source.connect(level).connect(place).connect(this.#out);
    source.start(0, from);
    return { source, level, clip, choke, started: context.currentTime - from };
  }

  #fade(voice) {
    if (!voice) return;
    const now = this.#context.currentTime;
    voice.level.gain.setTargetAtTime(0, now, FADE_S / 3);
    voice.source.stop(now + FADE_S * 2);
  }

  #ended() {
    this.#audition = null;
    this.dispatchEvent(new Event("change"));
  }
}

async function fetchClip(clip, rate) {
  const answer = await fetch(`/clips/${clip}.wav`);
  if (!answer.ok) throw new Error((await answer.text()).trim());
  // Decoding needs no press of a button, and keeps the clip's own rate.
  const decoder = new OfflineAudioContext(1, 1, Math.min(96000, Math.max(8000, rate)));
  return decoder.decodeAudioData(await answer.arrayBuffer());
}
