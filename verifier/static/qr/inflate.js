// Raw DEFLATE with a preset dictionary, by the platform's own DecompressionStream.

import { joined } from "./bytes.js";
import { malformed } from "./errors.js";

/** What a frame may hold: far above any symbol's content. */
export const MAX_STREAM = 64 * 1024;

/**
 * Inflate within bounds; the data must end exactly where they end.
 * @param {Uint8Array} data raw DEFLATE
 * @param {Uint8Array} preset what the data may refer back to, at most 32 KiB
 * @returns {Promise<Uint8Array>} at most `MAX_STREAM` bytes
 * @throws {Refused} malformed
 */
export async function inflate(data, preset) {
  const stream = await attempt(data, preset);
  if (stream === null) throw malformed("the frame's compressed data are broken or too much");
  // Platforms differ about bytes after the end, but none takes data that lack their last byte. The
  // bits after the end are zero: the highest that is set was one of them if nothing changes
  // without it.
  const cut = await attempt(data.subarray(0, -1), preset);
  const cleared = data.slice();
  cleared[cleared.length - 1] ^= highestBit(cleared.at(-1));
  const other = cleared.at(-1) === data.at(-1) ? null : await attempt(cleared, preset);
  if (cut !== null || (other !== null && alike(other, stream))) {
    throw malformed("the frame's compressed data do not end exactly");
  }
  return stream;
}

const highestBit = (byte) => (byte ? 1 << (31 - Math.clz32(byte)) : 0);

const alike = (one, other) =>
  one.length === other.length && one.every((byte, index) => byte === other[index]);

/** The bytes, or null where the data are broken, cut short, or more than a frame may hold. */
async function attempt(data, preset) {
  const whole = joined(stored(preset), data);
  const inflater = new DecompressionStream("deflate-raw");
  const writer = inflater.writable.getWriter();
  // A failure shows where it is read; here it would only be reported as nobody's.
  writer.write(whole).catch(() => {});
  writer.close().catch(() => {});
  const reader = inflater.readable.getReader();
  const chunks = [];
  let size = 0;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      chunks.push(value);
      size += value.length;
      if (size > preset.length + MAX_STREAM) break;
    }
  } catch {
    return null;
  }
  if (size > preset.length + MAX_STREAM) {
    await reader.cancel().catch(() => {});
    return null;
  }
  return joined(...chunks).subarray(preset.length);
}

/** A stored block (RFC 1951 section 3.2.4), not the last one: it puts the dictionary in reach. */
function stored(preset) {
  const size = preset.length;
  const head = [0, size & 255, size >> 8, ~size & 255, (~size >> 8) & 255];
  return joined(new Uint8Array(head), preset);
}
