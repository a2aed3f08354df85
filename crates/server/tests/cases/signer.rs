//! Signature Version 4 as a client makes it, written down straight from its rules.

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

/// A request that is to be signed with header or query string.
pub(super) struct Signing<'a> {
    pub(super) access_key: &'a str,
    pub(super) secret: &'a str,
    pub(super) date: &'a str,
    pub(super) region: &'a str,
    /// Lower-case names in their order, with values.
    pub(super) headers: &'a [(&'a str, &'a str)],
    /// Canonical already.
    pub(super) query: &'a str,
    pub(super) body: &'a [u8],
}

impl Signing<'_> {
    fn scope(&self) -> String {
        format!("{}/{}/dynamodb/aws4_request", &self.date[..8], self.region)
    }

    fn names(&self) -> String {
        self.headers.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(";")
    }

    /// The signature, in hexadecimal digits.
    pub(super) fn signature(&self) -> String {
        let headers: String = self.headers.iter().map(|(name, value)| format!("{name}:{value}\n")).collect();
        let payload = hex(&Sha256::digest(self.body));
        let canonical = format!("POST\n/\n{}\n{headers}\n{}\n{payload}", self.query, self.names());
        let request = hex(&Sha256::digest(canonical));
        let text = format!("AWS4-HMAC-SHA256\n{}\n{}\n{request}", self.date, self.scope());
        let mut key = format!("AWS4{}", self.secret).into_bytes();
        for part in [&self.date[..8], self.region, "dynamodb", "aws4_request"] {
            key = hmac(&key, part);
        }
        hex(&hmac(&key, &text))
    }

    /// The value of the `Authorization` header.
    pub(super) fn authorization(&self) -> String {
        format!(
            "AWS4-HMAC-SHA256 Credential={}/{}, SignedHeaders={}, Signature={}",
            self.access_key,
            self.scope(),
            self.names(),
            self.signature()
        )
    }
}

fn hmac(key: &[u8], text: &str) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
