//! DynamoDB's JSON form of attribute values, read and written in one pass.
//!
//! This is both the wire form and the stored form, so an item that is only read back is copied, not converted. The
//! written form is canonical: attributes by name, sets ascending, numbers normal, no blanks; equal items have equal
//! bytes. Reading is bounded in depth and never panics, whatever the input. Knows no words for JSON of a wrong form:
//! requests have been looked at before.

use std::borrow::Cow;

use serde_json::Value;

use crate::{
    error::Error,
    limits::{ATTRIBUTE_NAME_BYTES_MAX, NESTING_DEPTH_MAX},
    number::Number,
    value::{AttributeValue, Item},
};

/// Reads a JSON object of attributes.
///
/// # Errors
/// [`Error::Serialization`] for wrong JSON, other variants for values that DynamoDB does not take.
pub fn item_from_json(text: &str) -> Result<Item, Error> {
    let mut reader = Reader::new(text);
    let item = reader.map(0)?;
    reader.end()?;
    Ok(item)
}

/// Reads an item that was stored: as [`item_from_json`], but deeper than a request may be, for what has once been
/// accepted stays readable.
///
/// # Errors
/// As [`item_from_json`].
pub fn stored_item_from_json(text: &str) -> Result<Item, Error> {
    let mut reader = Reader { text, at: 0, levels_max: 2 * NESTING_DEPTH_MAX };
    let item = reader.map(0)?;
    reader.end()?;
    Ok(item)
}

/// Reads of an item that was stored those attributes whose names are wanted.
///
/// # Errors
/// As [`item_from_json`].
pub fn stored_part_from_json(text: &str, wanted: impl Fn(&str) -> bool) -> Result<Item, Error> {
    let mut reader = Reader { text, at: 0, levels_max: 2 * NESTING_DEPTH_MAX };
    let item = reader.map_of(0, wanted)?;
    reader.end()?;
    Ok(item)
}

/// Reads one attribute value.
///
/// # Errors
/// As [`item_from_json`].
pub fn value_from_json(text: &str) -> Result<AttributeValue, Error> {
    let mut reader = Reader::new(text);
    let value = reader.value(0)?;
    reader.end()?;
    Ok(value)
}

/// Writes an item.
pub fn write_item(item: &Item, out: &mut Vec<u8>) {
    out.push(b'{');
    for (index, (name, value)) in item.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        write_string(name, out);
        out.push(b':');
        write_value(value, out);
    }
    out.push(b'}');
}

/// An item in its canonical written form.
pub fn item_to_json(item: &Item) -> Vec<u8> {
    let mut out = Vec::with_capacity(256);
    write_item(item, &mut out);
    out
}

/// An item as a tree of `serde_json`, for answers that are not on a hot path.
pub fn item_to_value(item: &Item) -> Value {
    serde_json::from_slice(&item_to_json(item)).expect("the codec writes JSON")
}

/// An item from a tree of `serde_json`.
///
/// # Errors
/// As [`item_from_json`].
pub fn item_from_value(value: &Value) -> Result<Item, Error> {
    item_from_json(&value.to_string())
}

/// Writes one attribute value.
pub fn write_value(value: &AttributeValue, out: &mut Vec<u8>) {
    out.extend_from_slice(b"{\"");
    out.extend_from_slice(value.type_name().as_bytes());
    out.extend_from_slice(b"\":");
    match value {
        AttributeValue::S(text) => write_string(text, out),
        AttributeValue::N(number) => write_number(number, out),
        AttributeValue::B(bytes) => write_binary(bytes, out),
        AttributeValue::Bool(flag) => out.extend_from_slice(if *flag { b"true" } else { b"false" }),
        AttributeValue::Null => out.extend_from_slice(b"true"),
        AttributeValue::Ss(set) => write_list(set, out, |text, out| write_string(text, out)),
        AttributeValue::Ns(set) => write_list(set, out, write_number),
        AttributeValue::Bs(set) => write_list(set, out, |bytes, out| write_binary(bytes, out)),
        AttributeValue::L(list) => write_list(list, out, write_value),
        AttributeValue::M(map) => write_item(map, out),
    }
    out.push(b'}');
}

fn write_list<T>(elements: &[T], out: &mut Vec<u8>, write: impl Fn(&T, &mut Vec<u8>)) {
    out.push(b'[');
    for (index, element) in elements.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        write(element, out);
    }
    out.push(b']');
}

fn write_number(number: &Number, out: &mut Vec<u8>) {
    use std::io::Write;
    write!(out, "\"{number}\"").expect("writing to memory does not fail");
}

fn write_binary(bytes: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    base64_simd::STANDARD.encode_append(bytes, out);
    out.push(b'"');
}

/// Writes a JSON string.
pub fn write_string(text: &str, out: &mut Vec<u8>) {
    out.reserve(text.len() + 2);
    out.push(b'"');
    let mut rest = text.as_bytes();
    while !rest.is_empty() {
        let window = &rest[..rest.len().min(WINDOW_BYTES)];
        let plain = plain_bytes(window);
        out.extend_from_slice(&window[..plain]);
        rest = &rest[plain..];
        if plain < window.len() {
            write_escaped(rest[0], out);
            rest = &rest[1..];
        }
    }
    out.push(b'"');
}

/// How far a string is looked at in one go: further on, what was found would be looked at again after each escape.
const WINDOW_BYTES: usize = 256;

fn write_escaped(byte: u8, out: &mut Vec<u8>) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    match byte {
        b'"' => out.extend_from_slice(b"\\\""),
        b'\\' => out.extend_from_slice(b"\\\\"),
        b'\n' => out.extend_from_slice(b"\\n"),
        b'\r' => out.extend_from_slice(b"\\r"),
        b'\t' => out.extend_from_slice(b"\\t"),
        _ => {
            out.extend_from_slice(b"\\u00");
            out.push(HEX[usize::from(byte >> 4)]);
            out.push(HEX[usize::from(byte & 15)]);
        }
    }
}

/// How many bytes at the start of `bytes` stand in a JSON string as they are.
fn plain_bytes(bytes: &[u8]) -> usize {
    let end = memchr::memchr2(b'"', b'\\', bytes).unwrap_or(bytes.len());
    let is_control = |byte: &u8| *byte < 0x20;
    // There are hardly ever any, and this looks at many bytes at once.
    if bytes[..end].iter().fold(false, |any, byte| any | is_control(byte)) {
        bytes.iter().position(is_control).unwrap_or(end)
    } else {
        end
    }
}

/// How deep unknown members may nest before the reader gives up on them.
const SKIP_DEPTH_MAX: usize = 128;

/// Reads JSON from the front.
#[derive(Debug)]
pub(crate) struct Reader<'a> {
    text: &'a str,
    at: usize,
    levels_max: usize,
}

fn malformed() -> Error {
    Error::Serialization(String::new())
}

impl<'a> Reader<'a> {
    pub(crate) fn new(text: &'a str) -> Reader<'a> {
        Reader { text, at: 0, levels_max: NESTING_DEPTH_MAX }
    }

    fn bytes(&self) -> &'a [u8] {
        self.text.as_bytes()
    }

    /// The next byte that is no blank, not consumed.
    fn peek(&mut self) -> Result<u8, Error> {
        while let Some(&byte) = self.bytes().get(self.at) {
            if !matches!(byte, b' ' | b'\n' | b'\r' | b'\t') {
                return Ok(byte);
            }
            self.at += 1;
        }
        Err(malformed())
    }

    pub(crate) fn expect(&mut self, wanted: u8) -> Result<(), Error> {
        if self.peek()? != wanted {
            return Err(malformed());
        }
        self.at += 1;
        Ok(())
    }

    /// Consumes `wanted` if it is next.
    pub(crate) fn accept(&mut self, wanted: u8) -> Result<bool, Error> {
        let found = self.peek()? == wanted;
        self.at += usize::from(found);
        Ok(found)
    }

    fn accept_word(&mut self, word: &str) -> Result<bool, Error> {
        self.peek()?;
        let found = self.bytes()[self.at..].starts_with(word.as_bytes());
        self.at += if found { word.len() } else { 0 };
        Ok(found)
    }

    pub(crate) fn end(&mut self) -> Result<(), Error> {
        if self.peek().is_ok() { Err(malformed()) } else { Ok(()) }
    }

    pub(crate) fn map(&mut self, depth: usize) -> Result<Item, Error> {
        self.map_of(depth, |_| true)
    }

    /// A map, of which only those members are kept whose names are wanted.
    fn map_of(&mut self, depth: usize, wanted: impl Fn(&str) -> bool) -> Result<Item, Error> {
        self.expect(b'{')?;
        let mut map = Item::new();
        if self.accept(b'}')? {
            return Ok(map);
        }
        loop {
            let name = self.string()?;
            if name.len() > ATTRIBUTE_NAME_BYTES_MAX {
                return Err(Error::AttributeNameTooLong);
            }
            self.expect(b':')?;
            if wanted(&name) {
                map.insert(name.into_owned(), self.value(depth)?);
            } else {
                self.skip(0)?;
            }
            if !self.accept(b',')? {
                self.expect(b'}')?;
                return Ok(map);
            }
        }
    }

    /// One attribute value; `depth` counts the lists and maps around it.
    fn value(&mut self, depth: usize) -> Result<AttributeValue, Error> {
        if depth >= self.levels_max {
            return Err(Error::NestingTooDeep);
        }
        // A value that is null counts as one without a type.
        if self.accept_word("null")? {
            return Err(Error::ValueEmpty);
        }
        self.expect(b'{')?;
        if self.accept(b'}')? {
            return Err(Error::ValueEmpty);
        }
        let mut value = None;
        let mut kind_read: Option<Cow<'a, str>> = None;
        loop {
            let kind = self.string()?;
            self.expect(b':')?;
            // A member that is null counts as absent; of one that comes twice the last counts.
            if !self.accept_word("null")?
                && let Some(found) = self.typed(&kind, depth)?
            {
                if kind_read.as_ref().is_some_and(|other| *other != kind) {
                    return Err(Error::ValueAmbiguous);
                }
                value = Some(found);
                kind_read = Some(kind);
            }
            if !self.accept(b',')? {
                self.expect(b'}')?;
                return value.ok_or(Error::ValueEmpty);
            }
        }
    }

    fn typed(&mut self, kind: &str, depth: usize) -> Result<Option<AttributeValue>, Error> {
        Ok(Some(match kind {
            "S" => AttributeValue::S(self.string()?.into_owned()),
            "N" => AttributeValue::N(self.string()?.parse()?),
            "B" => AttributeValue::B(self.binary()?),
            "BOOL" => AttributeValue::Bool(self.boolean()?),
            "NULL" => {
                if !self.boolean()? {
                    return Err(Error::NullNotTrue);
                }
                AttributeValue::Null
            }
            "SS" => AttributeValue::string_set(self.list(|r| Ok(r.string()?.into_owned()))?)?,
            "NS" => AttributeValue::number_set(self.list(|r| r.string()?.parse())?)?,
            "BS" => AttributeValue::binary_set(self.list(Reader::binary)?)?,
            "L" => AttributeValue::L(self.list(|r| r.value(depth + 1))?),
            "M" => AttributeValue::M(self.map(depth + 1)?),
            _ => {
                // No deeper than requests are read, which have this around it.
                self.skip(2 * depth + 4)?;
                return Ok(None);
            }
        }))
    }

    fn list<T>(&mut self, mut element: impl FnMut(&mut Self) -> Result<T, Error>) -> Result<Vec<T>, Error> {
        self.expect(b'[')?;
        let mut elements = Vec::new();
        if self.accept(b']')? {
            return Ok(elements);
        }
        loop {
            elements.push(element(self)?);
            if !self.accept(b',')? {
                self.expect(b']')?;
                return Ok(elements);
            }
        }
    }

    pub(crate) fn boolean(&mut self) -> Result<bool, Error> {
        let flag = self.accept_word("true")?;
        if flag || self.accept_word("false")? { Ok(flag) } else { Err(malformed()) }
    }

    fn binary(&mut self) -> Result<Vec<u8>, Error> {
        let text = self.string()?;
        base64_simd::STANDARD.decode_to_vec(text.as_bytes()).map_err(|_| malformed())
    }

    pub(crate) fn string(&mut self) -> Result<Cow<'a, str>, Error> {
        self.expect(b'"')?;
        let start = self.at;
        self.at += plain_bytes(&self.bytes()[start..]);
        match self.bytes().get(self.at) {
            Some(b'"') => {
                let text = &self.text[start..self.at];
                self.at += 1;
                Ok(Cow::Borrowed(text))
            }
            Some(b'\\') => self.escaped_string(start).map(Cow::Owned),
            _ => Err(malformed()),
        }
    }

    /// The rest of a string that has escapes, the first of them at the current position.
    fn escaped_string(&mut self, start: usize) -> Result<String, Error> {
        let mut text = String::from(&self.text[start..self.at]);
        let bytes = self.bytes();
        loop {
            let plain = self.at;
            self.at += plain_bytes(&bytes[plain..]);
            text.push_str(&self.text[plain..self.at]);
            match bytes.get(self.at) {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(text);
                }
                Some(b'\\') => {
                    self.at += 1;
                    text.push(self.escape()?);
                }
                _ => return Err(malformed()),
            }
        }
    }

    fn escape(&mut self) -> Result<char, Error> {
        let letter = *self.bytes().get(self.at).ok_or_else(malformed)?;
        self.at += 1;
        Ok(match letter {
            b'"' | b'\\' | b'/' => char::from(letter),
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                let high = self.hex4()?;
                if (0xd800..0xdc00).contains(&high) {
                    if !self.bytes()[self.at..].starts_with(b"\\u") {
                        return Err(malformed());
                    }
                    self.at += 2;
                    let low = self.hex4()?;
                    if !(0xdc00..0xe000).contains(&low) {
                        return Err(malformed());
                    }
                    char::from_u32(0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00))
                        .ok_or_else(malformed)?
                } else {
                    char::from_u32(high).ok_or_else(malformed)?
                }
            }
            _ => return Err(malformed()),
        })
    }

    fn hex4(&mut self) -> Result<u32, Error> {
        let digits = self.bytes().get(self.at..self.at + 4).ok_or_else(malformed)?;
        self.at += 4;
        digits
            .iter()
            .try_fold(0, |code, &digit| Ok(code * 16 + char::from(digit).to_digit(16).ok_or_else(malformed)?))
    }

    /// Passes over any JSON value.
    fn skip(&mut self, depth: usize) -> Result<(), Error> {
        if depth > SKIP_DEPTH_MAX {
            return Err(malformed());
        }
        match self.peek()? {
            b'"' => self.string().map(drop),
            b'[' => self.list(|r| r.skip(depth + 1)).map(drop),
            b'{' => {
                self.at += 1;
                if self.accept(b'}')? {
                    return Ok(());
                }
                loop {
                    self.string()?;
                    self.expect(b':')?;
                    self.skip(depth + 1)?;
                    if !self.accept(b',')? {
                        return self.expect(b'}');
                    }
                }
            }
            _ => {
                let start = self.at;
                while matches!(
                    self.bytes().get(self.at),
                    Some(b'a'..=b'z' | b'0'..=b'9' | b'A'..=b'Z' | b'+' | b'-' | b'.')
                ) {
                    self.at += 1;
                }
                let word = serde_json::from_str::<serde::de::IgnoredAny>(&self.text[start..self.at]);
                word.map(drop).map_err(|_| malformed())
            }
        }
    }
}
