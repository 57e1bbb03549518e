/**
 * OSC 1.0 packets as bytes, both ways. No network and no page here.
 *
 * A message is `{address, args}`. Arguments from JavaScript become
 *   string s · boolean T F · null N · bigint h · whole number i (h beyond 32 bits) · other number f
 *   Uint8Array b · `{type, value}` whatever type says.
 * Source: opensoundcontrol.org/spec-1_0.
 */

const TEXT_IN = new TextDecoder("utf-8");
const TEXT_OUT = new TextEncoder();
const BUNDLE = "#bundle";
const DEEPEST_BUNDLE = 8;
const MAX_WHOLE = BigInt(Number.MAX_SAFE_INTEGER);

/** What is wrong with a packet or an argument. */
export class OscError extends Error {}

/** The bytes of one message. */
export function encode(address, ...args) {
  if (!/^\/[\x21-\x7e]*$/.test(address)) throw new OscError(`address ${address}: expected /a/b`);
  const tagged = args.map(tag);
  const parts = [
    text(address),
    text("," + tagged.map(([type]) => type).join("")),
    ...tagged.map(([type, value]) => argumentBytes(type, value)),
  ];
  return joined(parts);
}

/** Every message of a packet in order, those inside bundles too. */
export function decode(bytes) {
  return packet(new Reader(bytes), 0);
}

function tag(value) {
  if (value === null || value === undefined) return ["N", null];
  switch (typeof value) {
    case "string":
      return ["s", value];
    case "boolean":
      return [value ? "T" : "F", null];
    case "bigint":
      return ["h", value];
    case "number":
      if (!Number.isFinite(value)) throw new OscError(`${value}: expected a finite number`);
      if (!Number.isInteger(value)) return ["f", value];
      return Math.abs(value) < 2 ** 31 ? ["i", value] : ["h", BigInt(value)];
    default:
      if (value instanceof Uint8Array) return ["b", value];
      if ("type" in value) return [value.type, value.value];
      throw new OscError(`${value}: expected text, a number, true, false or bytes`);
  }
}

function argumentBytes(type, value) {
  switch (type) {
    case "s":
    case "S":
      return text(value);
    case "b":
      return blob(value);
    case "i":
      return fixed(4, (view) => view.setInt32(0, value));
    case "h":
      return fixed(8, (view) => view.setBigInt64(0, BigInt(value)));
    case "f":
      return fixed(4, (view) => view.setFloat32(0, value));
    case "d":
      return fixed(8, (view) => view.setFloat64(0, value));
    case "T":
    case "F":
    case "N":
    case "I":
      return new Uint8Array(0);
    default:
      throw new OscError(`type ${type}: expected one of s S b i h f d T F N I`);
  }
}

function fixed(size, write) {
  const bytes = new Uint8Array(size);
  write(new DataView(bytes.buffer));
  return bytes;
}

/** Text, at least one zero, and zeros up to a whole number of four bytes. */
function text(value) {
  const plain = TEXT_OUT.encode(value);
  if (plain.includes(0)) throw new OscError("text with a zero character cannot be sent");
  const bytes = new Uint8Array((plain.length & ~3) + 4);
  bytes.set(plain);
  return bytes;
}

function blob(value) {
  const bytes = new Uint8Array(4 + ((value.length + 3) & ~3));
  new DataView(bytes.buffer).setInt32(0, value.length);
  bytes.set(value, 4);
  return bytes;
}

function joined(parts) {
  const bytes = new Uint8Array(parts.reduce((size, part) => size + part.length, 0));
  let place = 0;
  for (const part of parts) {
    bytes.set(part, place);
    place += part.length;
  }
  return bytes;
}

function packet(reader, depth) {
  const address = reader.text();
  if (address === BUNDLE) return bundle(reader, depth);
  if (!address.startsWith("/")) throw new OscError(`address ${address}: expected /a/b`);
  return [{ address, args: reader.atEnd ? [] : message(reader) }];
}

function bundle(reader, depth) {
  if (depth >= DEEPEST_BUNDLE) throw new OscError("bundles are nested too deep");
  reader.take(8); // the timetag: what the engine sends is for now
  const messages = [];
  while (!reader.atEnd) {
    const size = reader.view(4).getInt32(0);
    messages.push(...packet(new Reader(reader.take(size)), depth + 1));
  }
  return messages;
}

function message(reader) {
  const tags = reader.text();
  if (!tags.startsWith(",")) throw new OscError(`type tags ${tags}: expected a comma first`);
  const open = [[]];
  for (const type of tags.slice(1)) {
    if (type === "[") {
      open.push([]);
    } else if (type === "]") {
      if (open.length < 2) throw new OscError("an array ends that never began");
      const done = open.pop();
      open.at(-1).push(done);
    } else {
      open.at(-1).push(argument(type, reader));
    }
  }
  if (open.length > 1) throw new OscError("an array does not end");
  return open[0];
}

function argument(type, reader) {
  switch (type) {
    case "s":
    case "S":
      return reader.text();
    case "i":
      return reader.view(4).getInt32(0);
    case "f":
      return reader.view(4).getFloat32(0);
    case "d":
      return reader.view(8).getFloat64(0);
    case "h":
      return whole(reader.view(8).getBigInt64(0));
    case "t":
      return reader.view(8).getBigUint64(0);
    case "b": {
      const size = reader.view(4).getInt32(0);
      return reader.take(size, (size + 3) & ~3);
    }
    case "c":
      return String.fromCodePoint(reader.view(4).getUint32(0) & 0x7f);
    case "r":
    case "m":
      return reader.take(4);
    case "T":
      return true;
    case "F":
      return false;
    case "N":
      return null;
    case "I":
      return Infinity;
    default:
      throw new OscError(`type ${type}: expected an OSC type`);
  }
}

/** A plain number where one holds it exactly. */
function whole(value) {
  return value >= -MAX_WHOLE && value <= MAX_WHOLE ? Number(value) : value;
}

class Reader {
  constructor(bytes) {
    this.bytes = bytes;
    this.place = 0;
  }

  get atEnd() {
    return this.place >= this.bytes.length;
  }

  /** The next `size` bytes; `padded` of them are passed over. */
  take(size, padded = size) {
    if (size < 0 || this.place + padded > this.bytes.length) {
      throw new OscError(`the packet ends after ${this.bytes.length} bytes, within a value`);
    }
    const part = this.bytes.subarray(this.place, this.place + size);
    this.place += padded;
    return part;
  }

  view(size) {
    const part = this.take(size);
    return new DataView(part.buffer, part.byteOffset, size);
  }

  text() {
    const end = this.bytes.indexOf(0, this.place);
    if (end < 0) throw new OscError("text does not end");
    const size = end - this.place;
    return TEXT_IN.decode(this.take(size, (size & ~3) + 4));
  }
}
