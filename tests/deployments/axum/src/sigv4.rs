//! The signature of a request, verified (Appendix A, tasks 1 to 4).

use std::collections::HashMap;

use axum::http::request::Parts;
use chrono::{NaiveDateTime, TimeDelta, Utc};
use hmac::{Hmac, Mac};
use sha2::{Digest, Sha256};

use crate::refusal::Refusal;

const ALGORITHM: &str = "AWS4-HMAC-SHA256";
const SERVICE: &str = "kms-xks-proxy";
const TERMINATOR: &str = "aws4_request";
const RECENT: TimeDelta = TimeDelta::minutes(5);

/// Secret access keys by access key id.
pub type Credentials = HashMap<String, String>;

pub fn credentials(text: &str) -> Credentials {
    text.split(',')
        .filter_map(|pair| pair.split_once(':'))
        .map(|(id, secret)| (id.to_owned(), secret.to_owned()))
        .collect()
}

pub fn authenticate(head: &Parts, body: &[u8], credentials: &Credentials) -> Result<(), Refusal> {
    is_authentic(head, body, credentials)
        .filter(|authentic| *authentic)
        .map(|_| ())
        .ok_or(Refusal::AuthenticationFailed)
}

/// None where a part is missing or malformed.
fn is_authentic(head: &Parts, body: &[u8], credentials: &Credentials) -> Option<bool> {
    let authorization = header(head, "authorization")?;
    let parts = authorization.strip_prefix(ALGORITHM)?.strip_prefix(' ')?;
    let [credential, names, signature] = fields(parts, ',')?;
    let credential = credential.trim().strip_prefix("Credential=")?;
    let names = names.trim().strip_prefix("SignedHeaders=")?;
    let signature = signature.trim().strip_prefix("Signature=")?;
    let [id, date, region, service, terminator] = fields(credential, '/')?;

    let timestamp = header(head, "x-amz-date")?;
    let sent = NaiveDateTime::parse_from_str(&timestamp, "%Y%m%dT%H%M%SZ").ok()?;
    let recent = (Utc::now().naive_utc() - sent).abs() <= RECENT;
    let signed: Vec<&str> = names.split(';').collect();
    let complete = signed.contains(&"host") && signed.contains(&"x-amz-date");
    let scoped = service == SERVICE && terminator == TERMINATOR && timestamp.get(..8)? == date;
    if !recent || !complete || !scoped {
        return None;
    }

    let headers: String = signed
        .iter()
        .map(|name| header(head, name).map(|value| format!("{name}:{value}\n")))
        .collect::<Option<_>>()?;
    let path = head.uri.path();
    let query = head.uri.query().unwrap_or_default();
    let canonical = format!(
        "{}\n{path}\n{query}\n{headers}\n{names}\n{}",
        head.method,
        sha256(body)
    );
    let scope = [date, region, service, terminator];
    let text = format!(
        "{ALGORITHM}\n{timestamp}\n{}\n{}",
        scope.join("/"),
        sha256(canonical.as_bytes())
    );
    let key = scope.iter().fold(
        format!("AWS4{}", credentials.get(id)?).into_bytes(),
        |key, part| hmac(&key, part).finalize().into_bytes().to_vec(),
    );
    // In constant time.
    Some(hmac(&key, &text).verify_slice(&decoded(signature)?).is_ok())
}

fn header(head: &Parts, name: &str) -> Option<String> {
    let values: Vec<&str> = head
        .headers
        .get_all(name)
        .iter()
        .map(|value| value.to_str().ok())
        .collect::<Option<_>>()?;
    // Over HTTP/2, the host is in the URI.
    if values.is_empty() && name == "host" {
        return head.uri.authority().map(ToString::to_string);
    }
    let joined = values.join(",");
    (!values.is_empty()).then(|| joined.split_whitespace().collect::<Vec<_>>().join(" "))
}

fn fields<const N: usize>(text: &str, separator: char) -> Option<[&str; N]> {
    text.split(separator).collect::<Vec<_>>().try_into().ok()
}

fn hmac(key: &[u8], text: &str) -> Hmac<Sha256> {
    let mut mac = Hmac::new_from_slice(key).expect("HMAC takes a key of any length");
    mac.update(text.as_bytes());
    mac
}

fn sha256(data: &[u8]) -> String {
    format!("{:x}", Sha256::digest(data))
}

/// 64 lower-case hexadecimal digits, as bytes.
fn decoded(signature: &str) -> Option<Vec<u8>> {
    let lower = |digit: &u8| matches!(digit, b'0'..=b'9' | b'a'..=b'f');
    if signature.len() != 64 || !signature.as_bytes().iter().all(lower) {
        return None;
    }
    (0..64)
        .step_by(2)
        .map(|at| u8::from_str_radix(&signature[at..at + 2], 16).ok())
        .collect()
}
