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
  // Platforms differ about bytes after the end, but none takes data that lack their last byte.
  const cut = await attempt(data.subarray(0, -1), preset);
  if (cut !== null || (await isPadded(data, preset, stream))) {
    throw malformed("the frame's compressed data do not end exactly");
  }
  return stream;
}

/**
 * Whether a bit after the end is set: then it can be cleared and those above it set. Clearing a
 * needed bit may by chance name an equal copy of the same text; but then the end's own code lies
 * above it, and does not survive a change.
 */
async function isPadded(data, preset, stream) {
  const last = data.at(-1);
  if (!last) return false;
  const highest = 31 - Math.clz32(last);
  const others = [last ^ (1 << highest)];
  for (let above = highest + 1; above < 8; above++) others.push(last | (1 << above));
  for (const other of others) {
    const changed = data.slice();
    changed[changed.length - 1] = other;
    const found = await attempt(changed, preset);
    if (found === null || !alike(found, stream)) return false;
  }
  return true;
}

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
