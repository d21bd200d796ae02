// A key store and a key with the JavaScript SDK, from end to end.
//
// The environment says where KMS is; the argument is JSON: what CreateCustomKeyStore
// needs to know of the proxy, and the ids of external keys. The answer is JSON too.

"use strict";

const sdk = require("@aws-sdk/client-kms");

const kms = new sdk.KMSClient({ maxAttempts: 1 });
const given = JSON.parse(process.argv[2]);
const context = { project: "nile" };

const send = (operation, input) => kms.send(new sdk[`${operation}Command`](input));

const createStore = (changes) =>
  send("CreateCustomKeyStore", {
    CustomKeyStoreType: "EXTERNAL_KEY_STORE",
    XksProxyConnectivity: "PUBLIC_ENDPOINT",
    ...given.store,
    ...changes,
  });

const createKey = (CustomKeyStoreId, XksKeyId) =>
  send("CreateKey", { Origin: "EXTERNAL_KEY_STORE", CustomKeyStoreId, XksKeyId });

// The name of the exception, if it is an instance of the class of that name.
async function typed(promise) {
  try {
    await promise;
  } catch (error) {
    const kind = sdk[error.name];
    return kind && error instanceof kind ? error.name : `not typed: ${error}`;
  }
  return "no exception";
}

async function main() {
  const { CustomKeyStoreId: store } = await createStore({});
  const early = await typed(createKey(store, given.keys.usable));
  await send("ConnectCustomKeyStore", { CustomKeyStoreId: store });
  const { KeyMetadata: metadata } = await createKey(store, given.keys.usable);

  const encrypted = await send("Encrypt", {
    KeyId: metadata.KeyId,
    Plaintext: Buffer.from("hello"),
    EncryptionContext: context,
  });
  const decrypt = () =>
    send("Decrypt", {
      CiphertextBlob: encrypted.CiphertextBlob,
      EncryptionContext: context,
    });
  const decrypted = await decrypt();

  const exceptions = {
    "a key in a store that is not connected": early,
    "a used external key": await typed(createKey(store, given.keys.usable)),
    "an unknown external key": await typed(createKey(store, "no-such-key")),
    "an external key that only encrypts": await typed(
      createKey(store, given.keys.encrypt_only),
    ),
    "a store that there is not": await typed(
      createKey("cks-0123456789abcdef0", given.keys.usable),
    ),
    "a name in use": await typed(
      createStore({ XksProxyUriEndpoint: "https://other-name.xks.test" }),
    ),
    "an endpoint in use": await typed(createStore({ CustomKeyStoreName: "other" })),
    "a store with keys": await typed(
      send("DeleteCustomKeyStore", { CustomKeyStoreId: store }),
    ),
  };
  await send("DisconnectCustomKeyStore", { CustomKeyStoreId: store });
  exceptions["a key in a disconnected store"] = await typed(decrypt());

  const plaintext = Buffer.from(decrypted.Plaintext).toString();
  console.log(JSON.stringify({ store, metadata, plaintext, exceptions }));
}

main();
