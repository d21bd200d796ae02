//! Keys in memory, which stand for a key manager.

use std::collections::HashMap;

use aes_gcm::{
    aead::{AeadInPlace, OsRng},
    AeadCore, Aes256Gcm, KeyInit, Nonce, Tag,
};
use serde::Serialize;

use crate::refusal::Refusal;

const IV_SIZE: usize = 12;
const TAG_SIZE: usize = 16;

pub type KeyManager = HashMap<&'static str, ExternalKey>;

#[derive(Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Usage {
    Encrypt,
    Decrypt,
    Wrap,
}

pub struct ExternalKey {
    pub usage: Vec<Usage>,
    cipher: Aes256Gcm,
}

/// A ciphertext with what belongs to it.
pub struct Sealed {
    pub ciphertext: Vec<u8>,
    pub metadata: Vec<u8>,
    pub iv: Vec<u8>,
    pub tag: Vec<u8>,
}

pub fn key_manager() -> KeyManager {
    use Usage::{Decrypt, Encrypt, Wrap};
    HashMap::from([
        (
            "5f2c7c9e-usable",
            ExternalKey::new([Encrypt, Decrypt, Wrap]),
        ),
        ("5f2c7c9e-second", ExternalKey::new([Encrypt, Decrypt])),
        ("5f2c7c9e-wraps", ExternalKey::new([Wrap])),
    ])
}

impl ExternalKey {
    fn new<const N: usize>(usage: [Usage; N]) -> Self {
        let cipher = Aes256Gcm::new(&Aes256Gcm::generate_key(OsRng));
        Self {
            usage: usage.to_vec(),
            cipher,
        }
    }

    pub fn permits(&self, usage: Usage) -> Result<(), Refusal> {
        if self.usage.contains(&usage) {
            return Ok(());
        }
        Err(Refusal::InvalidKeyUsage)
    }

    pub fn seal(&self, plaintext: &[u8], aad: &[u8]) -> Result<Sealed, Refusal> {
        let iv = Aes256Gcm::generate_nonce(OsRng);
        let metadata = vec![1]; // the version of the framing
        let mut ciphertext = plaintext.to_vec();
        let tag = self
            .cipher
            .encrypt_in_place_detached(&iv, &framed(aad, &metadata), &mut ciphertext)
            .map_err(|_| Refusal::Internal)?;
        Ok(Sealed {
            ciphertext,
            metadata,
            iv: iv.to_vec(),
            tag: tag.to_vec(),
        })
    }

    pub fn open(&self, sealed: &Sealed, aad: &[u8]) -> Result<Vec<u8>, Refusal> {
        // from_slice panics at another length.
        if sealed.iv.len() != IV_SIZE || sealed.tag.len() != TAG_SIZE {
            return Err(Refusal::InvalidCiphertext("A part has a wrong length."));
        }
        if sealed.metadata.len() > 20 {
            return Err(Refusal::InvalidCiphertext(
                "ciphertextMetadata are too long.",
            ));
        }
        let mut plaintext = sealed.ciphertext.clone();
        self.cipher
            .decrypt_in_place_detached(
                Nonce::from_slice(&sealed.iv),
                &framed(aad, &sealed.metadata),
                &mut plaintext,
                Tag::from_slice(&sealed.tag),
            )
            .map_err(|_| Refusal::InvalidCiphertext("The ciphertext is corrupted."))?;
        Ok(plaintext)
    }
}

/// The AAD for the key manager, with lengths ("Encrypt", ciphertextMetadata).
fn framed(aad: &[u8], metadata: &[u8]) -> Vec<u8> {
    if crate::wrong("metadata-unbound") {
        return aad.to_vec();
    }
    let aad_length = (aad.len() as u16).to_be_bytes();
    [&aad_length, aad, &[metadata.len() as u8], metadata].concat()
}
