//! Whether a signature is true: the canonical request, the text that is signed, and the comparison.
//!
//! Everything is measured as it came over the wire, the body before it is decompressed. Work is linear in the size of
//! the request: names of signed headers ascend, so that each is looked up once. API calls have the path `/` alone.

use std::borrow::Cow;

use graticule_model::Error;
use hmac::Mac;
use hyper::{HeaderMap, header::HeaderValue, http::request::Parts};
use sha2::{Digest, Sha256};

use crate::{
    keys::SigningKey,
    refusal::Refusal,
    signature::{self, ALGORITHM, Claim},
};

const MISMATCH: &str = "The request signature we calculated does not match the signature you provided. \
                        Check your AWS Secret Access Key and signing method. \
                        Consult the service documentation for details.";
const CONTENT_SHA256: &str = "x-amz-content-sha256";
const SECURITY_TOKEN: &str = "x-amz-security-token";
/// What a canonical request takes as a rule.
const CANONICAL_BYTES: usize = 1024;
const HASH_BYTES: usize = 32;

/// A hash in lower-case hexadecimal digits.
type Digits = [u8; 2 * HASH_BYTES];

/// Measures the signature of a request whose body is `body`.
pub(crate) fn verify(claim: &Claim<'_>, key: &SigningKey, parts: &Parts, body: &[u8]) -> Result<(), Refusal> {
    let payload = hex(&Sha256::digest(body).into());
    let query = parts.uri.query().map(|query| canonical_query(query, claim.presigned)).unwrap_or_default();
    let canonical =
        canonical_request(parts.method.as_str(), &query, &parts.headers, &claim.signed_headers, &payload);
    let canonical = canonical.ok_or_else(mismatch)?;
    let mut mac = key.mac();
    for part in [ALGORITHM, "\n", &claim.date, "\n", claim.scope(), "\n"] {
        mac.update(part.as_bytes());
    }
    mac.update(&hex(&Sha256::digest(&canonical).into()));
    if !same(&hex(&mac.finalize().into_bytes().into()), claim.signature.as_bytes()) {
        return Err(mismatch());
    }

    // Nobody has been given one here. The live service, too, looks at it last.
    let in_query = || {
        let query = parts.uri.query().filter(|_| claim.presigned)?;
        signature::parameter(query, "X-Amz-Security-Token")
    };
    if parts.headers.contains_key(SECURITY_TOKEN) || in_query().is_some() {
        return Err(Error::UnrecognizedClient.into());
    }
    Ok(())
}

/// The text whose hash is signed; `None` if it cannot be what the client has signed.
fn canonical_request(
    method: &str,
    query: &str,
    headers: &HeaderMap,
    signed_headers: &str,
    payload: &Digits,
) -> Option<Vec<u8>> {
    // Looks at all of them on purpose: that becomes vector instructions.
    let uppercase = signed_headers.bytes().fold(false, |found, byte| found | byte.is_ascii_uppercase());
    let names = if uppercase {
        Cow::Owned(signed_headers.to_ascii_lowercase())
    } else {
        Cow::Borrowed(signed_headers)
    };
    let mut canonical = Vec::with_capacity(CANONICAL_BYTES + query.len());
    for part in [method, "\n/\n", query, "\n"] {
        canonical.extend_from_slice(part.as_bytes());
    }
    let mut before = "";
    for name in signature::parts(&names, b';') {
        if name <= before {
            return None;
        }
        before = name;
        let values = headers.get_all(name);
        let mut values = values.iter().map(HeaderValue::as_bytes);
        let first = values.next()?;
        if name == CONTENT_SHA256 && first != payload {
            return None;
        }
        canonical.extend_from_slice(name.as_bytes());
        canonical.push(b':');
        extend_folded(&mut canonical, first);
        for value in values {
            canonical.push(b',');
            extend_folded(&mut canonical, value);
        }
        canonical.push(b'\n');
    }
    for part in [b"\n", names.as_bytes(), b"\n", payload] {
        canonical.extend_from_slice(part);
    }
    Some(canonical)
}

/// Adds a header's value without blanks around it, and with one blank where there are several.
fn extend_folded(out: &mut Vec<u8>, value: &[u8]) {
    let value = value.trim_ascii();
    if memchr::memchr2(b' ', b'\t', value).is_none() {
        return out.extend_from_slice(value);
    }
    let words = value.split(|byte| matches!(byte, b' ' | b'\t')).filter(|word| !word.is_empty());
    for (at, word) in words.enumerate() {
        if at > 0 {
            out.push(b' ');
        }
        out.extend_from_slice(word);
    }
}

/// A query string as it is signed: each name and value encoded in one way, sorted, the signature itself left out.
fn canonical_query(query: &str, presigned: bool) -> String {
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    let pairs = pairs.map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    let pairs = pairs.filter(|(name, _)| !presigned || *name != "X-Amz-Signature");
    let mut pairs: Vec<(String, String)> =
        pairs.map(|(name, value)| (uri_encoded(name), uri_encoded(value))).collect();
    pairs.sort_unstable();
    let mut canonical = String::with_capacity(query.len());
    for (at, (name, value)) in pairs.iter().enumerate() {
        if at > 0 {
            canonical.push('&');
        }
        canonical.push_str(name);
        canonical.push('=');
        canonical.push_str(value);
    }
    canonical
}

/// A part of a query string with everything escaped that is neither letter, digit nor one of `-_.~`.
fn uri_encoded(text: &str) -> String {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    let mut encoded = String::with_capacity(text.len());
    for byte in signature::percent_decoded(text).bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~') {
            encoded.push(char::from(byte));
        } else {
            encoded.push('%');
            encoded.push(char::from(DIGITS[usize::from(byte >> 4)]));
            encoded.push(char::from(DIGITS[usize::from(byte & 15)]));
        }
    }
    encoded
}

/// Eight digits at once, each in a byte of a word.
fn hex(bytes: &[u8; HASH_BYTES]) -> Digits {
    let mut text = [0; 2 * HASH_BYTES];
    for (bytes, digits) in bytes.as_chunks::<4>().0.iter().zip(text.as_chunks_mut::<8>().0) {
        let mut word = u64::from(u32::from_be_bytes(*bytes));
        word = (word | word << 16) & 0x0000_FFFF_0000_FFFF;
        word = (word | word << 8) & 0x00FF_00FF_00FF_00FF;
        word = (word | word << 4) & 0x0F0F_0F0F_0F0F_0F0F;
        let letters = ((word + 0x0606_0606_0606_0606) >> 4) & 0x0101_0101_0101_0101;
        word += 0x3030_3030_3030_3030 + letters * u64::from(b'a' - 10 - b'0');
        *digits = word.to_be_bytes();
    }
    text
}

/// Compares all of it to the end, so that the time it takes tells nothing of what was right.
fn same(right: &Digits, offered: &[u8]) -> bool {
    let Ok(offered) = <&Digits>::try_from(offered) else { return false };
    let mut difference = 0;
    for at in 0..right.len() {
        difference |= right[at] ^ offered[at];
    }
    difference == 0
}

fn mismatch() -> Refusal {
    Error::InvalidSignature(MISMATCH.to_owned()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(of: &[(&'static str, &'static str)]) -> HeaderMap {
        of.iter().map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_static(value))).fold(
            HeaderMap::new(),
            |mut headers, (name, value): (hyper::header::HeaderName, _)| {
                headers.append(name, value);
                headers
            },
        )
    }

    fn canonical(headers: &HeaderMap, query: &str, signed: &str, body: &str) -> Option<String> {
        let payload = hex(&Sha256::digest(body).into());
        canonical_request("POST", query, headers, signed, &payload)
            .map(|text| String::from_utf8(text).unwrap())
    }

    const EMPTY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    #[test]
    fn canonical_requests() {
        let headers = headers(&[
            ("host", "localhost:8000"),
            ("x-many", "one"),
            ("x-blanks", "\t a   b \t c  "),
            ("x-empty", ""),
            ("x-many", " two "),
            ("x-not-signed", "x"),
        ]);
        assert_eq!(
            canonical(&headers, "", "host;x-blanks;x-empty;x-many", "").unwrap(),
            format!(
                "POST\n/\n\nhost:localhost:8000\nx-blanks:a b c\nx-empty:\nx-many:one,two\n\n\
                 host;x-blanks;x-empty;x-many\n{EMPTY}"
            )
        );
        assert_eq!(
            canonical(&headers, "a=b", "Host", "").unwrap(),
            format!("POST\n/\na=b\nhost:localhost:8000\n\nhost\n{EMPTY}")
        );
        for signed in ["", "host;", "x-many;host", "host;host", "host;x-missing", "host;x-bla nks"] {
            assert_eq!(canonical(&headers, "", signed, ""), None, "{signed}");
        }
    }

    /// The vanilla case of the published test suite.
    #[test]
    fn the_hash_of_a_canonical_request() {
        let headers = headers(&[("host", "example.amazonaws.com"), ("x-amz-date", "20150830T123600Z")]);
        let payload = hex(&Sha256::digest("").into());
        let canonical = canonical_request("GET", "", &headers, "host;x-amz-date", &payload).unwrap();
        assert_eq!(
            hex(&Sha256::digest(canonical).into()),
            *b"bb579772317eb040ac9ed261061d46c1f17a8133879d6129b6e1c25292927e63"
        );
    }

    #[test]
    fn a_signed_hash_of_the_body_must_be_the_bodys() {
        let right = headers(&[("host", "h"), (CONTENT_SHA256, EMPTY)]);
        assert!(canonical(&right, "", "host;x-amz-content-sha256", "").is_some());
        assert!(canonical(&right, "", "host;x-amz-content-sha256", "{}").is_none());
        assert!(canonical(&right, "", "host", "{}").is_some());
        let unsigned = headers(&[("host", "h"), (CONTENT_SHA256, "UNSIGNED-PAYLOAD")]);
        assert!(canonical(&unsigned, "", "host;x-amz-content-sha256", "").is_none());
    }

    #[test]
    fn canonical_queries() {
        for (query, presigned, expected) in [
            ("", false, ""),
            ("b=2&a=1", false, "a=1&b=2"),
            ("a=2&a=1&a", false, "a=&a=1&a=2"),
            ("a-b=1&a=2", false, "a=2&a-b=1"),
            ("&&a=1=2&", false, "a=1%3D2"),
            ("k=%7e%2F%2f/+*%zz", false, "k=~%2F%2F%2F%2B%2A%25zz"),
            ("X-Amz-Signature=1&A=1", false, "A=1&X-Amz-Signature=1"),
            ("X-Amz-Signature=1&A=1", true, "A=1"),
        ] {
            assert_eq!(canonical_query(query, presigned), expected, "{query}");
        }
    }

    #[test]
    fn digits_are_compared_as_they_are_written() {
        let digits = hex(&Sha256::digest("x").into());
        assert_eq!(&digits, b"2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881");
        assert!(same(&digits, &digits));
        let mut last = digits;
        last[63] ^= 1;
        let unlike: [&[u8]; 4] = [&last, &digits[1..], &digits.to_ascii_uppercase(), b""];
        for other in unlike {
            assert!(!same(&digits, other));
        }
    }
}
