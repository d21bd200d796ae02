// One key in memory, which stands for a key manager.

import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";

import { Refusal } from "./refusal.js";

const WRONG = process.env.XKS_WRONG;
const ALGORITHM = "aes-256-gcm";
const IV_SIZE = 12;
const TAG_SIZE = 16;

const keys = new Map([
  ["Key-1_of.Express", { secret: randomBytes(32), usage: ["DECRYPT", "ENCRYPT"] }],
]);

export function permitted(id, usage) {
  const key = keys.get(id);
  if (!key) throw new Refusal("KeyNotFoundException", "There is no such key.");
  if (usage && !key.usage.includes(usage)) {
    throw new Refusal("InvalidKeyUsageException", "The key does not support this.");
  }
  return key;
}

export function seal(key, plaintext, aad) {
  const iv = randomBytes(IV_SIZE);
  const cipher = createCipheriv(ALGORITHM, key.secret, iv).setAAD(framed(aad));
  const ciphertext = Buffer.concat([cipher.update(plaintext), cipher.final()]);
  return { ciphertext, iv, tag: cipher.getAuthTag() };
}

export function open(key, { ciphertext, iv, tag }, aad) {
  // Node takes a tag of 4 bytes and any vector, unless told otherwise.
  const short = WRONG === "short-tag" ? tag.length < 4 : tag.length !== TAG_SIZE;
  if (iv.length !== IV_SIZE || short) throw corrupted();
  const options = { authTagLength: tag.length };
  const decipher = createDecipheriv(ALGORITHM, key.secret, iv, options);
  decipher.setAAD(framed(aad)).setAuthTag(tag);
  const plaintext = decipher.update(ciphertext);
  try {
    decipher.final();
  } catch {
    throw corrupted();
  }
  return plaintext;
}

// With lengths, although there is no ciphertextMetadata yet ("Encrypt").
function framed(aad) {
  const length = Buffer.alloc(2);
  length.writeUInt16BE(aad.length);
  return Buffer.concat([length, aad, Buffer.alloc(1)]);
}

function corrupted() {
  return new Refusal("InvalidCiphertextException", "The ciphertext is corrupted.");
}
