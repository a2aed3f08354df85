//! Who signed a request: Signature Version 4's parts, from the header or from a presigned query string.
//!
//! The form of a signature is checked in the live service's order and words; where signatures are verified, so are its
//! age and the list of signed headers. Its value is `verify`'s affair. Values from the header appear in messages only
//! as a hash, as the live service has it.

use std::{borrow::Cow, ops::Range, time::Duration};

use graticule_model::Error;
use hyper::{
    HeaderMap,
    header::{AUTHORIZATION, DATE, HeaderName, HeaderValue},
};
use sha2::{Digest, Sha256};

use crate::{Caller, age, refusal::Refusal};

pub(crate) const SERVICE: &str = "dynamodb";
pub(crate) const TERMINATOR: &str = "aws4_request";
pub(crate) const ALGORITHM: &str = "AWS4-HMAC-SHA256";

const AMZ_DATE: HeaderName = HeaderName::from_static("x-amz-date");
/// Headers with a meaning here that must be signed where they are: another one would make another request of it.
const SIGNED_IF_PRESENT: [&str; 2] = ["X-Amz-Date", "X-Amz-Target"];

/// What a request says of its signature. It is right in form; whether it is true is not known yet.
#[derive(Debug)]
pub(crate) struct Claim<'a> {
    /// Five parts.
    credential: Cow<'a, str>,
    access_key_end: usize,
    region: Range<usize>,
    /// Behind which are slashes at most.
    end: usize,
    /// In ISO 8601's basic format, if signatures are verified.
    pub(crate) date: Cow<'a, str>,
    pub(crate) signed_headers: Cow<'a, str>,
    pub(crate) signature: Cow<'a, str>,
    /// Whether all of this is in the query string.
    pub(crate) presigned: bool,
}

impl Claim<'_> {
    /// Access key id, day, Region, service and terminator.
    pub(crate) fn credential(&self) -> &str {
        &self.credential[..self.end]
    }

    /// Whose secret made the signature.
    pub(crate) fn access_key(&self) -> &str {
        &self.credential[..self.access_key_end]
    }

    /// What follows the access key.
    pub(crate) fn scope(&self) -> &str {
        &self.credential[self.access_key_end + 1..self.end]
    }

    /// The day of the scope.
    pub(crate) fn day(&self) -> &str {
        &self.credential[self.access_key_end + 1..self.region.start - 1]
    }

    /// The Region of the scope.
    pub(crate) fn region(&self) -> &str {
        &self.credential[self.region.clone()]
    }

    /// The same, borrowed from nobody.
    fn into_owned<'b>(self) -> Claim<'b> {
        let owned = |text: Cow<'_, str>| Cow::Owned(text.into_owned());
        Claim {
            credential: owned(self.credential),
            date: owned(self.date),
            signed_headers: owned(self.signed_headers),
            signature: owned(self.signature),
            ..self
        }
    }

    /// Who asks, if it is true.
    pub(crate) fn caller(&self) -> Caller {
        Caller { region: self.region().to_owned(), access_key: self.access_key().to_owned() }
    }
}

/// Reads the signature's parts out of a request's headers or query string. `now` is the time since the epoch if
/// signatures are verified.
pub(crate) fn read<'a>(
    headers: &'a HeaderMap,
    query: Option<&'a str>,
    now: Option<Duration>,
) -> Result<Claim<'a>, Refusal> {
    let header = headers.get(AUTHORIZATION).map(text);
    let presigned = query.filter(|query| parameter(query, "X-Amz-Algorithm").is_some());
    match (header, presigned) {
        (Some(_), Some(_)) => Err(Error::InvalidSignature(
            "Found both 'X-Amz-Algorithm' as a query-string param and 'Authorization' as HTTP header.".into(),
        )
        .into()),
        (Some(header), None) if header.trim_start().starts_with("AWS4-") => match header {
            Cow::Borrowed(header) => from_header(header.trim(), headers, now),
            Cow::Owned(header) => from_header(header.trim(), headers, now).map(Claim::into_owned),
        },
        (None, Some(query)) => from_query(query, headers, now),
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

/// The parts of a list with one kind of byte, which is ASCII, between them.
pub(crate) fn parts(list: &str, separator: u8) -> impl Iterator<Item = &str> {
    let mut rest = Some(list);
    std::iter::from_fn(move || {
        let list = rest?;
        let end = memchr::memchr(separator, list.as_bytes());
        rest = end.map(|end| &list[end + 1..]);
        Some(&list[..end.unwrap_or(list.len())])
    })
}

fn from_header<'a>(
    header: &'a str,
    headers: &'a HeaderMap,
    now: Option<Duration>,
) -> Result<Claim<'a>, Refusal> {
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
    match (credential, date, signed_headers, signature) {
        (Some(credential), Some(date), Some(signed_headers), Some(signature)) if complaint.is_empty() => {
            let said = Said {
                credential: Cow::Borrowed(credential),
                date,
                signed_headers: Cow::Borrowed(signed_headers),
                signature: Cow::Borrowed(signature),
                presigned: false,
            };
            let fresh = now.map(|now| Fresh { now, valid_for: age::HEADER_VALID_FOR, headers });
            check(algorithm, said, fresh)
        }
        _ => {
            let hash = hashed(header);
            complaint += &format!("(Hashed with SHA-256 and encoded with Base64) Authorization={hash}");
            Err(incomplete(complaint))
        }
    }
}

fn from_query<'a>(
    query: &'a str,
    headers: &'a HeaderMap,
    now: Option<Duration>,
) -> Result<Claim<'a>, Refusal> {
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
    let [algorithm, credential, signature, signed_headers, date] = values;
    let fresh = match now {
        Some(now) => {
            let valid_for = age::presigned_valid_for(parameter(query, "X-Amz-Expires").as_deref())?;
            Some(Fresh { now, valid_for, headers })
        }
        None => None,
    };
    check(&algorithm, Said { credential, date, signed_headers, signature, presigned: true }, fresh)
}

/// The parts of a signature as they were found.
struct Said<'a> {
    credential: Cow<'a, str>,
    date: Cow<'a, str>,
    signed_headers: Cow<'a, str>,
    signature: Cow<'a, str>,
    presigned: bool,
}

/// What the age of a signature and the list of signed headers are measured by.
struct Fresh<'a> {
    now: Duration,
    valid_for: Duration,
    headers: &'a HeaderMap,
}

/// The checks that follow once all parts are there. The precedence is the order of the lines.
fn check<'a>(algorithm: &str, said: Said<'a>, fresh: Option<Fresh<'_>>) -> Result<Claim<'a>, Refusal> {
    let Said { credential, mut date, signed_headers, signature, presigned } = said;
    let mut is_basic = age::is_basic(&date)?;
    if let Some(Fresh { now, valid_for, headers }) = fresh {
        if !is_basic {
            date = Cow::Owned(age::basic_of_http(&date)?);
            is_basic = true;
        }
        age::check(&date, now, valid_for)?;
        check_signed_headers(&signed_headers, headers)?;
    }
    if algorithm != ALGORITHM {
        return Err(incomplete(format!(
            "Unsupported AWS 'algorithm': '{algorithm}' (only {ALGORITHM} for now). "
        )));
    }
    let end = credential.bytes().rposition(|byte| byte != b'/').map_or(0, |last| last + 1);
    let scope = {
        let mut elements = parts(&credential[..end], b'/');
        ([(); 5].map(|()| elements.next()), elements.next())
    };
    let ([Some(access_key), Some(scope_day), Some(region), Some(service), Some(terminator)], None) = scope
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
    // HTTP's own form of dates is taken as it is where nothing is verified.
    if let Some(day) = is_basic.then(|| &date[..8]).filter(|day| *day != scope_day) {
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
    let access_key_end = access_key.len();
    let region_start = access_key_end + scope_day.len() + 2;
    let region = region_start..region_start + region.len();
    Ok(Claim { credential, access_key_end, region, end, date, signed_headers, signature, presigned })
}

/// Whether all headers are signed that must be.
fn check_signed_headers(signed: &str, headers: &HeaderMap) -> Result<(), Refusal> {
    let (mut host, mut others) = (false, [false; SIGNED_IF_PRESENT.len()]);
    for name in parts(signed, b';') {
        host |= name.eq_ignore_ascii_case("host");
        for (wanted, found) in SIGNED_IF_PRESENT.iter().zip(&mut others) {
            *found |= name.eq_ignore_ascii_case(wanted);
        }
    }
    if !host {
        let message = "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.";
        return Err(Error::InvalidSignature(message.to_owned()).into());
    }
    for (name, signed) in SIGNED_IF_PRESENT.iter().zip(others) {
        if !signed && headers.contains_key(*name) {
            let message = format!("'{name}' must be a 'SignedHeader' in the AWS Authorization.");
            return Err(Error::InvalidSignature(message).into());
        }
    }
    Ok(())
}

/// The decoded value of the query parameter `name`.
pub(crate) fn parameter<'a>(query: &'a str, name: &str) -> Option<Cow<'a, str>> {
    query.split('&').find_map(|pair| {
        let (found, value) = pair.split_once('=').unwrap_or((pair, ""));
        (found == name).then(|| percent_decoded(value))
    })
}

pub(crate) fn percent_decoded(value: &str) -> Cow<'_, str> {
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

pub(crate) fn incomplete(message: String) -> Refusal {
    Error::IncompleteSignature(message).into()
}
