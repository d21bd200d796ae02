//! The errors of the specification ("Error codes") that this proxy returns.

use axum::{
    http::StatusCode,
    response::{IntoResponse, Response},
    Json,
};
use serde_json::json;

#[derive(Debug)]
pub enum Refusal {
    Validation(&'static str),
    InvalidCiphertext(&'static str),
    InvalidKeyUsage,
    AuthenticationFailed,
    KeyNotFound,
    InvalidUriPath,
    Internal,
    Unsupported(&'static str),
}

impl Refusal {
    fn describe(&self) -> (u16, &'static str, &'static str) {
        match self {
            Self::Validation(why) => (400, "ValidationException", why),
            Self::InvalidCiphertext(why) => (400, "InvalidCiphertextException", why),
            Self::InvalidKeyUsage => (400, "InvalidKeyUsageException", "The key does not do this."),
            Self::AuthenticationFailed => (
                401,
                "AuthenticationFailedException",
                "The signature is invalid.",
            ),
            Self::KeyNotFound => (404, "KeyNotFoundException", "There is no such key."),
            Self::InvalidUriPath => (404, "InvalidUriPathException", "There is no such path."),
            Self::Internal => (500, "InternalException", ""),
            Self::Unsupported(why) => (501, "UnsupportedOperationException", why),
        }
    }

    pub fn name(&self) -> &'static str {
        self.describe().1
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let (status, name, message) = self.describe();
        // What axum's extractors answer to a body of the wrong shape.
        let status = if crate::wrong("422") && name == "ValidationException" {
            422
        } else {
            status
        };
        let status = StatusCode::from_u16(status).expect("they are HTTP's");
        (
            status,
            Json(json!({ "errorName": name, "errorMessage": message })),
        )
            .into_response()
    }
}
