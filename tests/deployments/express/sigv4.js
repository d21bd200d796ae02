// The signature of a request, verified (Appendix A, tasks 1 to 4).

import { createHash, createHmac, timingSafeEqual } from "node:crypto";

import { Refusal } from "./refusal.js";

const AUTHORIZATION = new RegExp(
  "^AWS4-HMAC-SHA256 Credential=([A-Z2-7]{20,30})/" +
    "(([0-9]{8})/([a-z0-9-]+)/kms-xks-proxy/aws4_request), *" +
    "SignedHeaders=([a-z0-9;-]+), *Signature=([0-9a-f]{64})$",
);
const RECENT_MILLISECONDS = 5 * 60 * 1000;

const sha256 = (data) => createHash("sha256").update(data).digest("hex");
const hmac = (key, text) => createHmac("sha256", key).update(text).digest();

export function authenticate(request, credentials) {
  const parts = AUTHORIZATION.exec(request.get("Authorization") ?? "");
  const timestamp = request.get("X-Amz-Date") ?? "";
  if (!parts || !isRecent(timestamp)) throw refused();
  const [, id, scope, date, region, signedHeaders, signature] = parts;
  const names = signedHeaders.split(";");
  const secret = credentials.get(id);
  if (!names.includes("host") || !names.includes("x-amz-date")) throw refused();
  if (date !== timestamp.slice(0, 8) || secret === undefined) throw refused();

  // Not request.path, from which a router has taken its prefix away.
  const [path, query = ""] = request.originalUrl.split("?", 2);
  const canonical = [
    request.method,
    path,
    query,
    ...names.map((name) => `${name}:${valueOf(request, name)}`),
    "",
    signedHeaders,
    sha256(request.bytes ?? ""),
  ].join("\n");
  const text = ["AWS4-HMAC-SHA256", timestamp, scope, sha256(canonical)].join("\n");
  const expected = [date, region, "kms-xks-proxy", "aws4_request", text].reduce(hmac, `AWS4${secret}`);
  if (!timingSafeEqual(expected, Buffer.from(signature, "hex"))) throw refused();
}

function valueOf(request, name) {
  const values = request.headersDistinct?.[name] ?? [];
  return values.join(",").trim().replace(/ +/g, " ");
}

function isRecent(timestamp) {
  const parts = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(timestamp);
  if (!parts) return false;
  const [, year, month, day, hour, minute, second] = parts.map(Number);
  const sent = Date.UTC(year, month - 1, day, hour, minute, second);
  return Math.abs(Date.now() - sent) <= RECENT_MILLISECONDS;
}

function refused() {
  return new Refusal("AuthenticationFailedException", "The signature is invalid.");
}
