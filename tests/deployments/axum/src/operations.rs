//! The operations on a key, from the bytes of a body to what serde writes.

use base64::{engine::general_purpose::STANDARD, Engine};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{json, Value};
use sha2::{Digest, Sha256};

use crate::{
    keys::{ExternalKey, Sealed, Usage},
    refusal::Refusal,
};

/// Bytes that are Base64 in JSON.
#[derive(Clone, Default)]
pub struct Base64(pub Vec<u8>);

impl<'de> Deserialize<'de> for Base64 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let data = STANDARD
            .decode(text)
            .map_err(|_| serde::de::Error::custom("no Base64"))?;
        Ok(Self(data))
    }
}

impl Serialize for Base64 {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        STANDARD.encode(&self.0).serialize(serializer)
    }
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct RequestMetadata {
    aws_principal_arn: Option<String>,
    kms_key_arn: Option<String>,
    #[serde(deserialize_with = "kms_operation")]
    kms_operation: String,
    kms_request_id: String,
}

/// Any text: KMS may come with operations that are not there yet.
fn kms_operation<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let known = [
        "CreateKey",
        "Encrypt",
        "GenerateDataKey",
        "Decrypt",
        "ReEncrypt",
    ];
    let name = String::deserialize(deserializer)?;
    if crate::wrong("closed-enum") && !known.contains(&name.as_str()) {
        return Err(serde::de::Error::unknown_variant(&name, &[]));
    }
    Ok(name)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Request {
    request_metadata: RequestMetadata,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct EncryptRequest {
    #[serde(rename = "requestMetadata")]
    _request_metadata: RequestMetadata,
    plaintext: Base64,
    encryption_algorithm: String,
    additional_authenticated_data: Option<Base64>,
    ciphertext_data_integrity_value_algorithm: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct EncryptResponse {
    ciphertext: Base64,
    ciphertext_metadata: Base64,
    initialization_vector: Base64,
    authentication_tag: Base64,
    #[serde(skip_serializing_if = "Option::is_none")]
    ciphertext_data_integrity_value: Option<Base64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct DecryptRequest {
    #[serde(rename = "requestMetadata")]
    _request_metadata: RequestMetadata,
    ciphertext: Base64,
    ciphertext_metadata: Option<Base64>,
    encryption_algorithm: String,
    additional_authenticated_data: Option<Base64>,
    initialization_vector: Base64,
    authentication_tag: Base64,
}

/// The requestMetadata, for the log; nothing where there are none.
pub fn logged(body: &[u8]) -> Value {
    serde_json::from_slice::<Request>(body)
        .ok()
        .and_then(|request| serde_json::to_value(request.request_metadata).ok())
        .unwrap_or(Value::Null)
}

pub fn get_key_metadata(key: &ExternalKey, body: &[u8]) -> Result<Value, Refusal> {
    parsed::<Request>(body)?;
    Ok(json!({ "keySpec": "AES_256", "keyUsage": key.usage, "keyStatus": "ENABLED" }))
}

pub fn encrypt(key: &ExternalKey, body: &[u8]) -> Result<EncryptResponse, Refusal> {
    let request: EncryptRequest = parsed(body)?;
    only("AES_GCM", &request.encryption_algorithm)?;
    let with_cdiv = request.ciphertext_data_integrity_value_algorithm;
    if let Some(algorithm) = &with_cdiv {
        only("SHA_256", algorithm)?;
    }
    key.permits(Usage::Encrypt)?;
    let aad = additional_data(request.additional_authenticated_data)?;
    let sealed = key.seal(&request.plaintext.0, &aad)?;
    // The value first, then the test decryption (Appendix C).
    let cdiv = with_cdiv.map(|_| integrity_value(&sealed, &aad));
    if cdiv.is_some() && key.open(&sealed, &aad)? != request.plaintext.0 {
        return Err(Refusal::Internal);
    }
    Ok(EncryptResponse {
        ciphertext: Base64(sealed.ciphertext),
        ciphertext_metadata: Base64(sealed.metadata),
        initialization_vector: Base64(sealed.iv),
        authentication_tag: Base64(sealed.tag),
        ciphertext_data_integrity_value: cdiv,
    })
}

pub fn decrypt(key: &ExternalKey, body: &[u8]) -> Result<Value, Refusal> {
    let request: DecryptRequest = parsed(body)?;
    only("AES_GCM", &request.encryption_algorithm)?;
    key.permits(Usage::Decrypt)?;
    let aad = additional_data(request.additional_authenticated_data)?;
    let sealed = Sealed {
        ciphertext: request.ciphertext.0,
        metadata: request.ciphertext_metadata.unwrap_or_default().0,
        iv: request.initialization_vector.0,
        tag: request.authentication_tag.0,
    };
    Ok(json!({ "plaintext": Base64(key.open(&sealed, &aad)?) }))
}

fn parsed<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, Refusal> {
    serde_json::from_slice(body).map_err(|_| Refusal::Validation("The body is malformed."))
}

fn only(expected: &str, given: &str) -> Result<(), Refusal> {
    if given != expected {
        return Err(Refusal::Validation("The algorithm is not supported."));
    }
    Ok(())
}

fn additional_data(data: Option<Base64>) -> Result<Vec<u8>, Refusal> {
    let data = data.unwrap_or_default().0;
    // Its length is framed in two bytes.
    if data.len() > u16::MAX as usize {
        return Err(Refusal::Unsupported("There are too many additional data."));
    }
    Ok(data)
}

fn integrity_value(sealed: &Sealed, aad: &[u8]) -> Base64 {
    let mut hash = Sha256::new();
    if !crate::wrong("cdiv-order") {
        hash.update(aad);
    }
    for part in [
        &sealed.metadata,
        &sealed.iv,
        &sealed.ciphertext,
        &sealed.tag,
    ] {
        hash.update(part);
    }
    if crate::wrong("cdiv-order") {
        hash.update(aad);
    }
    Base64(hash.finalize().to_vec())
}
