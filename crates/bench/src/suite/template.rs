//! Requests as bytes: made once per connection, then filled in place with keys, texts and a signature.
//!
//! All places have fixed lengths, so Content-Length never changes.

use std::time::Instant;

use super::{
    shapes::{Shape, Version, index_name, write_digits},
    signer::{ACCESS_KEY, DATE_CHARS, DAY_CHARS, SIGNATURE_DIGITS, SIGNED_HEADERS, Signer},
};
use crate::{
    http::Endpoint,
    requests::{KEY_DIGITS, PayloadPool},
};

/// Digits of a limit.
const LIMIT_DIGITS: usize = 3;
/// Keys of indexes of one item are this far apart.
const INDEX_STRIDE: u64 = 7_919;

/// An item that a request is about.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct ItemRef {
    pub(crate) version: Version,
    /// What the keys of indexes are made from.
    pub(crate) index: u64,
}

#[derive(Clone, Copy, Debug)]
enum Fill {
    Partition,
    Sort,
    Index(u8),
    Text(u16),
    Limit,
}

#[derive(Clone, Debug)]
struct Place {
    start: usize,
    length: usize,
    item: u16,
    fill: Fill,
}

/// A body that is being put together.
#[derive(Debug, Default)]
pub(crate) struct Body {
    text: String,
    places: Vec<Place>,
}

impl Body {
    /// Adds text as it is.
    pub(crate) fn raw(&mut self, text: &str) -> &mut Self {
        self.text.push_str(text);
        self
    }

    fn place(&mut self, item: u16, length: usize, fill: Fill) -> &mut Self {
        self.places.push(Place { start: self.text.len(), length, item, fill });
        self.text.extend(std::iter::repeat_n('0', length));
        self
    }

    /// Adds the value of the partition key of an item.
    pub(crate) fn partition(&mut self, item: u16) -> &mut Self {
        self.place(item, KEY_DIGITS, Fill::Partition)
    }

    /// Adds the value of its sort key.
    pub(crate) fn sort(&mut self, item: u16) -> &mut Self {
        self.place(item, KEY_DIGITS, Fill::Sort)
    }

    /// Adds a limit.
    pub(crate) fn limit(&mut self) -> &mut Self {
        self.place(0, LIMIT_DIGITS, Fill::Limit)
    }

    /// Adds the text of an attribute.
    pub(crate) fn text(&mut self, shape: &Shape, item: u16, at: usize) -> &mut Self {
        let length = shape.attributes[at].bytes;
        self.place(item, length, Fill::Text(u16::try_from(at).unwrap_or(u16::MAX)))
    }

    /// Adds a key with its braces.
    pub(crate) fn key(&mut self, shape: &Shape, item: u16) -> &mut Self {
        self.raw("{").key_attributes(shape, item).raw("}")
    }

    fn key_attributes(&mut self, shape: &Shape, item: u16) -> &mut Self {
        self.raw(r#""pk":{"S":""#).partition(item).raw(r#""}"#);
        if shape.per_partition.is_some() {
            self.raw(r#","sk":{"S":""#).sort(item).raw(r#""}"#);
        }
        self
    }

    /// Adds a whole item.
    pub(crate) fn item(&mut self, shape: &Shape, item: u16) -> &mut Self {
        self.raw("{").key_attributes(shape, item);
        for index in 0..shape.indexes {
            self.raw(&format!(r#","{}":{{"S":""#, index_name(index)));
            self.place(item, KEY_DIGITS, Fill::Index(index)).raw(r#""}"#);
        }
        for (at, attribute) in shape.attributes.iter().enumerate() {
            self.raw(&format!(r#","{}":{{"S":""#, attribute.name)).text(shape, item, at).raw(r#""}"#);
        }
        self.raw("}")
    }
}

/// A request that can be filled again and again.
#[derive(Clone, Debug)]
pub(crate) struct Template {
    bytes: Vec<u8>,
    body_start: usize,
    places: Vec<Place>,
    authority: String,
    target: String,
    date_start: usize,
    day_start: usize,
    signature_start: usize,
}

impl Template {
    /// `POST /` for an operation in a Region.
    pub(crate) fn new(endpoint: &Endpoint, region: &str, operation: &str, body: Body) -> Self {
        let (date, day, signature) =
            ("0".repeat(DATE_CHARS), "0".repeat(DAY_CHARS), "0".repeat(SIGNATURE_DIGITS));
        let target = format!("DynamoDB_20120810.{operation}");
        let mut head = format!(
            "POST / HTTP/1.1\r\nHost: {}\r\nContent-Type: application/x-amz-json-1.0\r\n\
             X-Amz-Target: {target}\r\nX-Amz-Date: ",
            endpoint.authority()
        );
        let date_start = head.len();
        head += &format!("{date}\r\nAuthorization: AWS4-HMAC-SHA256 Credential={ACCESS_KEY}/");
        let day_start = head.len();
        head += &format!("{day}/{region}/dynamodb/aws4_request, SignedHeaders={SIGNED_HEADERS}, Signature=");
        let signature_start = head.len();
        head += &format!("{signature}\r\nContent-Length: {}\r\n\r\n", body.text.len());
        let body_start = head.len();
        let mut bytes = head.into_bytes();
        bytes.extend_from_slice(body.text.as_bytes());
        let authority = endpoint.authority().to_owned();
        let places = body.places;
        Self { bytes, body_start, places, authority, target, date_start, day_start, signature_start }
    }

    /// The complete request.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Puts keys and texts into their places.
    pub(crate) fn fill(&mut self, shape: &Shape, items: &[ItemRef], limit: u64, pool: &PayloadPool) {
        for Place { start, length, item, fill } in &self.places {
            let ItemRef { version, index } = items[usize::from(*item)];
            let start = self.body_start + start;
            let out = &mut self.bytes[start..start + length];
            match fill {
                Fill::Partition => write_digits(shape.place(version.key).0, out),
                Fill::Sort => write_digits(shape.place(version.key).1, out),
                Fill::Index(at) => write_digits(index + u64::from(*at) * INDEX_STRIDE, out),
                Fill::Text(at) => shape.write_text(usize::from(*at), version, pool, out),
                Fill::Limit => {
                    // JSON allows spaces before a number, but no zeros.
                    write_digits(limit, out);
                    let zeros = out.iter().take_while(|digit| **digit == b'0').count();
                    out[..zeros.min(length - 1)].fill(b' ');
                }
            }
        }
    }

    /// Dates the request and signs it; without `sign`, the signature is none.
    pub(crate) fn finish(&mut self, signer: &mut Signer, sign: bool, now: Instant) {
        let date = signer.date(now).as_bytes();
        self.bytes[self.date_start..self.date_start + DATE_CHARS].copy_from_slice(date);
        self.bytes[self.day_start..self.day_start + DAY_CHARS].copy_from_slice(&date[..DAY_CHARS]);
        if sign {
            let signature = signer.sign(&self.authority, &self.target, &self.bytes[self.body_start..]);
            self.bytes[self.signature_start..self.signature_start + SIGNATURE_DIGITS]
                .copy_from_slice(&signature);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::REGION;

    #[test]
    fn templates_are_filled_in_place() {
        let endpoint = Endpoint::parse("http://127.0.0.1:8000").unwrap();
        let shape = Shape::sorted(100, 10).indexed(1);
        let mut body = Body::default();
        body.raw(r#"{"Item":"#).item(&shape, 0).raw(r#","Limit":"#).limit().raw("}");
        let mut template = Template::new(&endpoint, REGION, "PutItem", body);
        let length = template.bytes().len();
        let item = ItemRef { version: Version::written(123, 5), index: 9 };
        template.fill(&shape, &[item], 7, &PayloadPool::new(100));
        template.finish(&mut Signer::new(REGION), true, Instant::now());

        assert_eq!(template.bytes().len(), length);
        let text = std::str::from_utf8(template.bytes()).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(head.ends_with(&format!("Content-Length: {}", body.len())), "{head}");
        assert!(!head.contains(&"0".repeat(DATE_CHARS)), "{head}");
        let body: serde_json::Value = serde_json::from_str(body).unwrap();
        assert_eq!(body["Limit"], 7);
        assert_eq!(body["Item"]["pk"]["S"], "0000000012");
        assert_eq!(body["Item"]["sk"]["S"], "0000000003");
        assert_eq!(body["Item"]["g0"]["S"], "0000000009");
        assert_eq!(shape.check(&body["Item"], 123, &PayloadPool::new(100)), Ok(true));
    }
}
