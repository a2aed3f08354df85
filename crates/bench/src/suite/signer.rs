//! Signature Version 4 for one host, Region and key: each request signed for itself, the signing key made once a day.
//!
//! The signed headers are those that the SDKs sign. Knows nothing of servers; whether they verify is their affair.

use std::time::{Duration, Instant, SystemTime};

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

/// The access key of all requests.
pub(crate) const ACCESS_KEY: &str = "graticulebench";
/// Its secret.
pub(crate) const SECRET_KEY: &str = "a-secret-of-the-benchmark-alone";
/// The headers that are signed, in the order in which they are.
pub(crate) const SIGNED_HEADERS: &str = "content-type;host;x-amz-date;x-amz-target";
/// Hexadecimal digits of a signature.
pub(crate) const SIGNATURE_DIGITS: usize = 64;
/// Length of a date such as 20260101T000000Z.
pub(crate) const DATE_CHARS: usize = 16;
/// Length of its day.
pub(crate) const DAY_CHARS: usize = 8;
/// Servers take requests that are a few minutes old.
const DATE_AGE_MAX: Duration = Duration::from_secs(30);

/// Signs requests.
#[derive(Clone)]
pub(crate) struct Signer {
    region: String,
    date: String,
    dated_at: Instant,
    key: Hmac<Sha256>,
    canonical: Vec<u8>,
}

impl Signer {
    /// For requests of `region`, from now on.
    pub(crate) fn new(region: &str) -> Self {
        let date = now();
        let key = signing_key(SECRET_KEY, &date[..DAY_CHARS], region);
        let canonical = Vec::with_capacity(512);
        Self { region: region.to_owned(), date, dated_at: Instant::now(), key, canonical }
    }

    /// The date that the next request is to carry, at `at`.
    pub(crate) fn date(&mut self, at: Instant) -> &str {
        if at.saturating_duration_since(self.dated_at) > DATE_AGE_MAX {
            self.dated_at = at;
            let date = now();
            if date[..DAY_CHARS] != self.date[..DAY_CHARS] {
                self.key = signing_key(SECRET_KEY, &date[..DAY_CHARS], &self.region);
            }
            self.date = date;
        }
        &self.date
    }

    /// The signature of a request with the date that was asked for last.
    pub(crate) fn sign(&mut self, authority: &str, target: &str, body: &[u8]) -> [u8; SIGNATURE_DIGITS] {
        let canonical = &mut self.canonical;
        canonical.clear();
        let parts = [
            "POST\n/\n\ncontent-type:application/x-amz-json-1.0\nhost:",
            authority,
            "\nx-amz-date:",
            &self.date,
            "\nx-amz-target:",
            target,
            "\n\n",
            SIGNED_HEADERS,
            "\n",
        ];
        for part in parts {
            canonical.extend_from_slice(part.as_bytes());
        }
        canonical.extend_from_slice(&hex(&Sha256::digest(body)));
        let request_hash = hex(&Sha256::digest(&canonical[..]));
        let mut signature = self.key.clone();
        for part in ["AWS4-HMAC-SHA256\n", &self.date, "\n", &self.date[..DAY_CHARS], "/", &self.region] {
            signature.update(part.as_bytes());
        }
        signature.update(b"/dynamodb/aws4_request\n");
        signature.update(&request_hash);
        hex(&signature.finalize().into_bytes())
    }
}

fn signing_key(secret: &str, day: &str, region: &str) -> Hmac<Sha256> {
    let mut key = keyed(format!("AWS4{secret}").as_bytes());
    for part in [day, region, "dynamodb", "aws4_request"] {
        key.update(part.as_bytes());
        key = keyed(&key.finalize().into_bytes());
    }
    key
}

fn keyed(key: &[u8]) -> Hmac<Sha256> {
    Hmac::new_from_slice(key).expect("HMAC takes keys of any length")
}

fn hex(bytes: &[u8]) -> [u8; SIGNATURE_DIGITS] {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = [0; SIGNATURE_DIGITS];
    for (pair, byte) in text.chunks_exact_mut(2).zip(bytes) {
        pair[0] = DIGITS[usize::from(byte >> 4)];
        pair[1] = DIGITS[usize::from(byte & 15)];
    }
    text
}

/// The time as signatures have it.
fn now() -> String {
    let text = humantime::format_rfc3339_seconds(SystemTime::now()).to_string();
    text.chars().filter(|char| !matches!(char, '-' | ':')).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A vector made with botocore.
    #[test]
    fn signatures_are_those_of_the_sdks() {
        let mut signer = Signer::new("us-east-1");
        signer.date = "20260102T030405Z".to_owned();
        signer.key = signing_key(SECRET_KEY, "20260102", "us-east-1");
        let signature = signer.sign("127.0.0.1:8000", "DynamoDB_20120810.ListTables", b"{}");
        assert_eq!(
            std::str::from_utf8(&signature),
            Ok("51ea6b787aeea88d307ed6acbf4559b49bf3e38eda74b666b5e5c8b7d683f4b0")
        );
    }
}
