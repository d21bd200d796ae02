// An XKS proxy on Express. README.md beside this folder says what the environment holds.

import { readFileSync } from "node:fs";
import { createServer } from "node:https";

import express from "express";

import { encrypt, decrypt, getHealthStatus, getKeyMetadata } from "./operations.js";
import { Refusal } from "./refusal.js";
import { authenticate } from "./sigv4.js";

const { XKS_PORT, XKS_CERTIFICATE, XKS_PRIVATE_KEY, XKS_URI_PATH, XKS_CREDENTIALS, XKS_WRONG } =
  process.env;
const credentials = new Map(XKS_CREDENTIALS.split(",").map((pair) => pair.split(":")));

const app = express();
// Express's paths ignore case and a trailing slash unless told otherwise: the prefix is
// the application's, the rest the router's below.
const caseSensitive = XKS_WRONG !== "any-case";
app.set("case sensitive routing", caseSensitive);
// For load balancers ("Load balancer health checks").
app.get("/ping", (request, response) => response.sendStatus(200));

// The signature is over the bytes, so they are kept beside what express.json makes of
// them. `type` has it read every body, whatever its Content-Type.
app.use(
  express.json({
    type: () => true,
    limit: XKS_WRONG === "body-limit" ? "8kb" : "100kb",
    verify: (request, response, bytes) => {
      request.bytes = bytes;
    },
  }),
);

function post(operation) {
  return (request, response) => {
    authenticate(request, credentials);
    const body = request.body;
    // express.json takes arrays too, and makes an object of a body without any bytes.
    const empty = !request.bytes?.length && XKS_WRONG !== "empty-body";
    if (empty || typeof body !== "object" || Array.isArray(body)) {
      throw new Refusal("ValidationException", "The body is not a JSON object.");
    }
    response.locals.metadata = body.requestMetadata;
    const answer = operation(body, request.params.key);
    response.json(answer);
    log(request, response, "success");
  };
}

const routes = {
  "/health": getHealthStatus,
  "/keys/:key/metadata": getKeyMetadata,
  "/keys/:key/encrypt": encrypt,
  "/keys/:key/decrypt": decrypt,
};
const router = express.Router({ caseSensitive, strict: true });
for (const [path, operation] of Object.entries(routes)) {
  router.post(path, post(operation));
  // "API operations": a GET is a 405, where Express would say 404.
  router.all(path, (request, response) => response.set("Allow", "POST").sendStatus(405));
}
app.use(XKS_URI_PATH, router);

// Express's own 404 is a page of HTML.
app.use((request) => {
  authenticate(request, credentials);
  throw new Refusal("InvalidUriPathException", "There is no such path.");
});

// Express's own handler of errors answers in HTML, with the stack outside production.
app.use((error, request, response, next) => {
  const refusal = refusalOf(error, request);
  response.status(refusal.status);
  response.json({ errorName: refusal.name, errorMessage: refusal.message });
  log(request, response, refusal.name);
});

function refusalOf(error, request) {
  if (error instanceof Refusal) return error;
  if (error.type === "entity.too.large") {
    return new Refusal("UnsupportedOperationException", "The body is too large.");
  }
  // What express.json refuses has not been authenticated yet.
  try {
    authenticate(request, credentials);
  } catch (refusal) {
    return refusal;
  }
  if (error.status === 400) {
    return new Refusal("ValidationException", "The body is malformed.");
  }
  console.error(error);
  return new Refusal("InternalException", "");
}

function log(request, response, outcome) {
  const { metadata } = response.locals;
  const path = request.originalUrl;
  console.log(JSON.stringify({ time: new Date(), path, outcome, metadata }));
}

const server = createServer(
  { cert: readFileSync(XKS_CERTIFICATE), key: readFileSync(XKS_PRIVATE_KEY) },
  app,
);
server.listen(Number(XKS_PORT), "127.0.0.1");
