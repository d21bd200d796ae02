// The four operations, on bodies that are JSON objects.

import { createHash } from "node:crypto";

import { open, permitted, seal } from "./keys.js";
import { Refusal } from "./refusal.js";

const WRONG = process.env.XKS_WRONG;
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
const MAX_ADDITIONAL_DATA = 65535; // its length is framed in two bytes

export function getHealthStatus() {
  return {
    xksProxyFleetSize: 1,
    xksProxyVendor: "Example",
    xksProxyModel: "Express proxy 1.0",
    ekmVendor: "Example",
    ekmFleetDetails: [{ id: "memory", model: "In memory 1.0", healthStatus: "ACTIVE" }],
  };
}

export function getKeyMetadata(body, id) {
  const { usage } = permitted(id);
  return { keySpec: "AES_256", keyUsage: usage, keyStatus: "ENABLED" };
}

export function encrypt(body, id) {
  const key = permitted(id, "ENCRYPT");
  const aad = additionalData(body);
  const plaintext = bytes(body, "plaintext");
  only("AES_GCM", body.encryptionAlgorithm);
  const algorithm = body.ciphertextDataIntegrityValueAlgorithm;
  if (algorithm !== undefined) only("SHA_256", algorithm);

  const sealed = seal(key, plaintext, aad);
  const answer = {
    ciphertext: base64(sealed.ciphertext),
    initializationVector: base64(sealed.iv),
    authenticationTag: base64(sealed.tag),
  };
  if (algorithm === undefined) return answer;
  // The value first, then the test decryption (Appendix C).
  const hash = createHash("sha256");
  for (const part of [aad, sealed.iv, sealed.ciphertext, sealed.tag]) hash.update(part);
  answer.ciphertextDataIntegrityValue = hash.digest("base64");
  if (!open(key, sealed, aad).equals(plaintext)) {
    throw new Refusal("InternalException", "The ciphertext does not decrypt.");
  }
  return answer;
}

export function decrypt(body, id) {
  const key = permitted(id, "DECRYPT");
  only("AES_GCM", body.encryptionAlgorithm);
  // Encrypt returns none, so any that comes was altered.
  if (body.ciphertextMetadata != null) {
    throw new Refusal("InvalidCiphertextException", "There is no ciphertextMetadata.");
  }
  const sealed = {
    ciphertext: bytes(body, "ciphertext"),
    iv: bytes(body, "initializationVector"),
    tag: bytes(body, "authenticationTag"),
  };
  return { plaintext: base64(open(key, sealed, additionalData(body))) };
}

function additionalData(body) {
  const name = "additionalAuthenticatedData";
  if (!(name in body)) return Buffer.alloc(0);
  const data = bytes(body, name);
  if (data.length > MAX_ADDITIONAL_DATA) {
    throw new Refusal("UnsupportedOperationException", "There are too many additional data.");
  }
  return data;
}

// Buffer.from skips what is no Base64, so the text is checked.
function bytes(body, name) {
  const text = body[name];
  const good = typeof text === "string" && (WRONG === "buffer-from" || BASE64.test(text));
  if (!good) throw new Refusal("ValidationException", `${name} is no Base64.`);
  return Buffer.from(text, "base64");
}

function only(expected, given) {
  if (given !== expected) throw new Refusal("ValidationException", `Only ${expected} is supported.`);
}

function base64(data) {
  return data.toString("base64");
}
