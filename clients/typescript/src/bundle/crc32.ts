import type { Bytes } from "../bytes.js";

const TABLE = Uint32Array.from({ length: 256 }, (_, start) => {
  let value = start;
  for (let bit = 0; bit < 8; bit += 1) value = value & 1 ? 0xedb88320 ^ (value >>> 1) : value >>> 1;
  return value;
});

/** The checksum of ZIP files. */
export function crc32(content: Bytes): number {
  let value = 0xffffffff;
  for (const one of content) value = (TABLE[(value ^ one) & 0xff] as number) ^ (value >>> 8);
  return (value ^ 0xffffffff) >>> 0;
}
