// SM3 (GB/T 32905-2016), which WebCrypto does not have: tokens of the profile `gm` name it.

const START = [
  0x7380166f, 0x4914b2b9, 0x172442d7, 0xda8a0600, 0xa96f30bc, 0x163138aa, 0xe38dee4d, 0xb0fb0e4e,
];

const rotated = (word, by) => (by ? (word << by) | (word >>> (32 - by)) : word);
const p0 = (word) => word ^ rotated(word, 9) ^ rotated(word, 17);
const p1 = (word) => word ^ rotated(word, 15) ^ rotated(word, 23);

/**
 * The digest of a message.
 * @param {Uint8Array} message
 * @returns {Uint8Array} 32 bytes
 */
export function sm3(message) {
  const view = padded(message);
  const state = Int32Array.from(START);
  for (let at = 0; at < view.byteLength; at += 64) compress(state, view, at);
  const digest = new DataView(new ArrayBuffer(32));
  state.forEach((word, index) => digest.setInt32(4 * index, word));
  return new Uint8Array(digest.buffer);
}

/** Section 5.2: one bit, zeros, and the length in bits as 64 bits. */
function padded(message) {
  const blocks = Math.ceil((message.length + 9) / 64);
  const whole = new Uint8Array(64 * blocks);
  whole.set(message);
  whole[message.length] = 0x80;
  const view = new DataView(whole.buffer);
  view.setBigUint64(whole.length - 8, 8n * BigInt(message.length));
  return view;
}

/** Section 5.3: one block of 64 bytes into the state. */
function compress(state, view, at) {
  const words = new Int32Array(68);
  for (let j = 0; j < 16; j += 1) words[j] = view.getInt32(at + 4 * j);
  for (let j = 16; j < 68; j += 1) {
    const mixed = p1(words[j - 16] ^ words[j - 9] ^ rotated(words[j - 3], 15));
    words[j] = mixed ^ rotated(words[j - 13], 7) ^ words[j - 6];
  }
  let [a, b, c, d, e, f, g, h] = state;
  for (let j = 0; j < 64; j += 1) {
    const early = j < 16;
    const constant = rotated(early ? 0x79cc4519 : 0x7a879d8a, j % 32);
    const ss1 = rotated((rotated(a, 12) + e + constant) | 0, 7);
    const ss2 = ss1 ^ rotated(a, 12);
    const ff = early ? a ^ b ^ c : (a & b) | (a & c) | (b & c);
    const gg = early ? e ^ f ^ g : (e & f) | (~e & g);
    const tt1 = (ff + d + ss2 + (words[j] ^ words[j + 4])) | 0;
    const tt2 = (gg + h + ss1 + words[j]) | 0;
    [d, c, b, a] = [c, rotated(b, 9), a, tt1];
    [h, g, f, e] = [g, rotated(f, 19), e, p0(tt2)];
  }
  [a, b, c, d, e, f, g, h].forEach((word, index) => {
    state[index] ^= word;
  });
}
