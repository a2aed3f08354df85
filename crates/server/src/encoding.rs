//! Compressed bodies: gzip and deflate in requests, gzip in answers, for clients that ask for it.
//!
//! A request may grow to the same bound as one that is sent plainly. Small answers are not worth the work.

use std::{
    borrow::Cow,
    io::{self, Read, Write},
};

use bytes::Bytes;
use flate2::{
    Compression,
    read::{MultiGzDecoder, ZlibDecoder},
    write::GzEncoder,
};
use graticule_model::Error;
use hyper::{
    HeaderMap,
    header::{ACCEPT_ENCODING, CONTENT_ENCODING, HeaderName},
};

use crate::refusal::Refusal;

/// Smaller answers fit one packet as they are.
const ANSWER_BYTES_MIN: usize = 1400;

/// How a request's body is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Coding {
    Gzip,
    Deflate,
}

/// The coding that the headers name, if any.
pub(crate) fn of_request(headers: &HeaderMap) -> Result<Option<Coding>, Refusal> {
    if !headers.contains_key(CONTENT_ENCODING) {
        return Ok(None);
    }
    match text(headers, &CONTENT_ENCODING).trim().to_ascii_lowercase().as_str() {
        "" | "identity" => Ok(None),
        "gzip" | "x-gzip" => Ok(Some(Coding::Gzip)),
        "deflate" => Ok(Some(Coding::Deflate)),
        _ => Err(Refusal::EncodingUnknown),
    }
}

/// The body as it was before it was compressed.
pub(crate) fn decoded(coding: Coding, body: &[u8], bytes_max: usize) -> Result<Bytes, Refusal> {
    match coding {
        Coding::Gzip => bounded(MultiGzDecoder::new(body), bytes_max),
        Coding::Deflate => bounded(ZlibDecoder::new(body), bytes_max),
    }
}

fn bounded(decoder: impl Read, bytes_max: usize) -> Result<Bytes, Refusal> {
    let mut plain = Vec::new();
    let read = decoder.take(bytes_max as u64 + 1).read_to_end(&mut plain);
    match read {
        Ok(bytes) if bytes > bytes_max => Err(Error::RequestTooLarge { limit_bytes: bytes_max }.into()),
        Ok(_) => Ok(plain.into()),
        Err(_) => Err(Refusal::EncodingBroken),
    }
}

/// Whether an answer of this size is to be compressed for a client with these headers.
pub(crate) fn wanted(headers: &HeaderMap, answer_bytes: usize) -> bool {
    answer_bytes >= ANSWER_BYTES_MIN
        && text(headers, &ACCEPT_ENCODING).split(',').any(|choice| {
            let mut parts = choice.split(';').map(str::trim);
            parts.next().is_some_and(|coding| coding.eq_ignore_ascii_case("gzip"))
                && !parts.any(|part| matches!(part, "q=0" | "q=0.0" | "q=0.00" | "q=0.000"))
        })
}

/// The body, compressed.
pub(crate) fn gzip(body: &[u8]) -> io::Result<Bytes> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(body.len() / 4), Compression::fast());
    encoder.write_all(body)?;
    Ok(encoder.finish()?.into())
}

fn text<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Cow<'h, str> {
    headers.get(name).map_or(Cow::Borrowed(""), |value| String::from_utf8_lossy(value.as_bytes()))
}
