//! Who signed a request: Signature Version 4's credential, from the header or from a presigned query string.
//!
//! The form of a signature is checked in the live service's order and words; its value, its age and the list of
//! signed headers are not. Values from the header appear in messages only as a hash, as the live service has it.

use std::borrow::Cow;

use graticule_model::Error;
use hyper::{
    HeaderMap,
    header::{AUTHORIZATION, DATE, HeaderName, HeaderValue},
};
use sha2::{Digest, Sha256};

use crate::{Caller, refusal::Refusal};

const AMZ_DATE: HeaderName = HeaderName::from_static("x-amz-date");
const ALGORITHM: &str = "AWS4-HMAC-SHA256";
const TERMINATOR: &str = "aws4_request";
const SERVICE: &str = "dynamodb";

/// Reads the caller out of a request's headers or query string.
pub(crate) fn identify(headers: &HeaderMap, query: Option<&str>) -> Result<Caller, Refusal> {
    let header = headers.get(AUTHORIZATION).map(text);
    let presigned = query.filter(|query| parameter(query, "X-Amz-Algorithm").is_some());
    match (header, presigned) {
        (Some(_), Some(_)) => Err(Error::InvalidSignature(
            "Found both 'X-Amz-Algorithm' as a query-string param and 'Authorization' as HTTP header.".into(),
        )
        .into()),
        (Some(header), None) if header.trim_start().starts_with("AWS4-") => {
            from_header(header.trim(), headers)
        }
        (None, Some(query)) => from_query(query),
        _ => Err(Error::MissingAuthenticationToken.into()),
    }
}

/// A header as text. Almost every one is, and telling so is much quicker than looking for what is not.
fn text(value: &HeaderValue) -> Cow<'_, str> {
    let bytes = value.as_bytes();
    str::from_utf8(bytes).map_or_else(|_| String::from_utf8_lossy(bytes), Cow::Borrowed)
}

/// The parts of a list with commas or blanks between them.
fn separated(list: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(list);
    std::iter::from_fn(move || {
        let list = rest?;
        let end = memchr::memchr2(b',', b' ', list.as_bytes());
        rest = end.map(|end| &list[end + 1..]);
        Some(&list[..end.unwrap_or(list.len())])
    })
}

fn from_header(header: &str, headers: &HeaderMap) -> Result<Caller, Refusal> {
    let (algorithm, parameters) = header.split_once(' ').unwrap_or((header, ""));
    let (mut credential, mut signature, mut signed_headers) = (None, None, None);
    for parameter in separated(parameters).filter(|parameter| !parameter.is_empty()) {
        let Some((name, value)) = parameter.split_once('=') else {
            return Err(incomplete(format!(
                "Invalid key=value pair (missing equal-sign) in Authorization header \
                 (hashed with SHA-256 and encoded with Base64): '{}'.",
                hashed(header)
            )));
        };
        match name {
            "Credential" => credential = Some(value),
            "Signature" => signature = Some(value),
            "SignedHeaders" => signed_headers = Some(value),
            _ => {}
        }
    }
    let date = headers.get(AMZ_DATE).or_else(|| headers.get(DATE));
    let date = date.map(text);

    let mut complaint = String::new();
    let required = [
        ("Credential", credential.is_some_and(|value| !value.is_empty())),
        ("Signature", signature.is_some_and(|value| !value.is_empty())),
        ("SignedHeaders", signed_headers.is_some()),
    ];
    for (name, _) in required.iter().filter(|(_, present)| !present) {
        complaint += &format!("Authorization header requires '{name}' parameter. ");
    }
    if date.is_none() {
        complaint += "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. ";
    }
    match (credential, date) {
        (Some(credential), Some(date)) if complaint.is_empty() => check(algorithm, credential, &date),
        _ => {
            let hash = hashed(header);
            complaint += &format!("(Hashed with SHA-256 and encoded with Base64) Authorization={hash}");
            Err(incomplete(complaint))
        }
    }
}

fn from_query(query: &str) -> Result<Caller, Refusal> {
    let names =
        ["X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Signature", "X-Amz-SignedHeaders", "X-Amz-Date"];
    let values = names.map(|name| parameter(query, name).unwrap_or_default());
    let mut complaint = String::new();
    for (name, _) in names.iter().zip(&values).filter(|(_, value)| value.is_empty()) {
        complaint += &format!("AWS query-string parameters must include '{name}'. ");
    }
    if !complaint.is_empty() {
        return Err(incomplete(complaint + "Re-examine the query-string parameters."));
    }
    let [algorithm, credential, _, _, date] = &values;
    check(algorithm, credential, date)
}

/// The checks that follow once all parts are there. The precedence is the order of the lines.
fn check(algorithm: &str, credential: &str, date: &str) -> Result<Caller, Refusal> {
    let day = day_of(date)?;
    if algorithm != ALGORITHM {
        return Err(incomplete(format!(
            "Unsupported AWS 'algorithm': '{algorithm}' (only {ALGORITHM} for now). "
        )));
    }
    let mut elements = credential.trim_end_matches('/').split('/');
    let scope = [(); 5].map(|()| elements.next());
    let ([Some(access_key), Some(scope_day), Some(region), Some(service), Some(terminator)], None) =
        (scope, elements.next())
    else {
        return Err(incomplete(format!(
            "Credential must have exactly 5 slash-delimited elements, \
             e.g. keyid/date/region/service/term, got '{credential}'"
        )));
    };

    let mut complaint = String::new();
    if region.is_empty() {
        complaint += &format!("Credential should be scoped to a valid region, not '{region}'. ");
    }
    if service != SERVICE {
        complaint += &format!("Credential should be scoped to correct service: '{SERVICE}'. ");
    }
    if terminator != TERMINATOR {
        complaint += &format!(
            "Credential should be scoped with a valid terminator: '{TERMINATOR}', not '{terminator}'. "
        );
    }
    if let Some(day) = day.filter(|day| *day != scope_day) {
        complaint += &format!(
            "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: \
             '{scope_day}' != '{day}', from '{date}'."
        );
    }
    if !complaint.is_empty() {
        return Err(Error::InvalidSignature(complaint).into());
    }
    if access_key.is_empty() {
        return Err(Error::UnrecognizedClient.into());
    }
    Ok(Caller { region: region.to_owned(), access_key: access_key.to_owned() })
}

/// The `YYYYMMDD` of a request's time; `None` for HTTP's own form of dates, which a `Date` header may have.
fn day_of(date: &str) -> Result<Option<&str>, Refusal> {
    let basic = |date: &str| {
        let bytes = date.as_bytes();
        bytes.len() == 16
            && bytes.iter().enumerate().all(|(at, byte)| match at {
                8 => *byte == b'T',
                15 => *byte == b'Z',
                _ => byte.is_ascii_digit(),
            })
    };
    if basic(date) {
        Ok(Some(&date[..8]))
    } else if date.contains(", ") && date.ends_with(" GMT") {
        Ok(None)
    } else {
        Err(incomplete(format!(
            "Date must be in ISO-8601 'basic format'. Got '{date}'. See http://en.wikipedia.org/wiki/ISO_8601"
        )))
    }
}

/// The decoded value of the query parameter `name`.
fn parameter<'a>(query: &'a str, name: &str) -> Option<Cow<'a, str>> {
    query.split('&').find_map(|pair| {
        let (found, value) = pair.split_once('=').unwrap_or((pair, ""));
        (found == name).then(|| percent_decoded(value))
    })
}

fn percent_decoded(value: &str) -> Cow<'_, str> {
    if !value.contains('%') {
        return Cow::Borrowed(value);
    }
    let mut decoded = Vec::with_capacity(value.len());
    let mut rest = value.as_bytes();
    while let [byte, tail @ ..] = rest {
        let escape = tail.get(..2).filter(|_| *byte == b'%');
        let escape = escape.and_then(|digits| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok());
        decoded.push(escape.unwrap_or(*byte));
        rest = if escape.is_some() { &tail[2..] } else { tail };
    }
    Cow::Owned(String::from_utf8_lossy(&decoded).into_owned())
}

fn hashed(header: &str) -> String {
    base64_simd::STANDARD.encode_to_string(Sha256::digest(header.as_bytes()))
}

fn incomplete(message: String) -> Refusal {
    Error::IncompleteSignature(message).into()
}
