//! The quick pass over a request: is everything in it of the right kind, and does it keep every constraint?
//!
//! One pass, nothing is kept of what is read. A wrong kind ends it, in the service's words; a broken constraint is only
//! noted, since all of them are to be reported together.

use std::{
    cell::{Cell, RefCell},
    fmt,
};

use graticule_model::limits::NESTING_DEPTH_MAX;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::{
    rules::{broken_by_length, broken_by_text, broken_by_value},
    table::{Kind, Member, Shape},
    words::{Found, Wanted, wrong_base64, wrong_kind},
};

/// What the pass has found.
#[derive(Debug, Default)]
pub(super) struct Scan {
    /// A constraint is broken.
    broken: Cell<bool>,
    /// Why the pass has ended early.
    wrong: RefCell<Option<String>>,
}

impl Scan {
    /// Reads a request. Whether every constraint is kept, or what the request cannot be read for: the service's words,
    /// none for what is no JSON.
    pub(super) fn run(shape: &'static Shape, body: &str) -> Result<bool, String> {
        let scan = Scan::default();
        let mut deserializer = serde_json::Deserializer::from_str(body);
        let read = Value { shape, scan: &scan }.deserialize(&mut deserializer);
        match read.and_then(|_| deserializer.end()) {
            Ok(()) => Ok(!scan.broken.get()),
            Err(_) => Err(scan.wrong.take().unwrap_or_default()),
        }
    }

    fn note(&self, broken: bool) {
        if broken {
            self.broken.set(true);
        }
    }

    fn wrong<E: Error>(&self, words: String) -> E {
        *self.wrong.borrow_mut() = Some(words);
        E::custom("")
    }
}

/// A value of a shape. What is read is whether it is there: null counts as absent.
#[derive(Clone, Copy)]
struct Value<'s> {
    shape: &'static Shape,
    scan: &'s Scan,
}

impl Value<'_> {
    fn wrong_kind<E: Error>(&self, found: Found) -> E {
        self.scan.wrong(wrong_kind(Wanted::of(self.shape), found))
    }

    fn number<E: Error>(self, value: f64, found: Found) -> Result<bool, E> {
        match (&self.shape.kind, found) {
            (Kind::Integer | Kind::Long, Found::Integer) | (Kind::Double | Kind::Timestamp, _) => {
                self.scan.note(broken_by_value(self.shape, value).is_some());
                Ok(true)
            }
            _ => Err(self.wrong_kind(found)),
        }
    }

    fn members<'de, A: MapAccess<'de>>(
        self,
        members: &'static [Member],
        mut map: A,
    ) -> Result<bool, A::Error> {
        let mut present = 0_u64;
        while let Some(place) = map.next_key_seed(MemberName(members))? {
            let Some(place) = place else {
                map.next_value::<IgnoredAny>()?;
                continue;
            };
            let value = Value { shape: members[place].shape, scan: self.scan };
            if map.next_value_seed(value)? {
                present |= 1 << place;
            }
        }
        let missing = |(place, member): (usize, &Member)| member.required && present & (1 << place) == 0;
        self.scan.note(members.iter().enumerate().any(missing));
        Ok(true)
    }
}

impl<'de> DeserializeSeed<'de> for Value<'_> {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<bool, D::Error> {
        match self.shape.kind {
            Kind::AttributeValue => deserializer.deserialize_any(Attribute { depth: 0, scan: self.scan }),
            _ => deserializer.deserialize_any(self),
        }
    }
}

impl<'de> Visitor<'de> for Value<'_> {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<bool, E> {
        match self.shape.kind {
            Kind::Text | Kind::TableReference => {
                self.scan.note(broken_by_text(self.shape, text).next().is_some());
                Ok(true)
            }
            _ => Err(self.wrong_kind(Found::Text)),
        }
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<bool, E> {
        match self.shape.kind {
            Kind::Boolean => Ok(true),
            _ => Err(self.wrong_kind(if value { Found::True } else { Found::False })),
        }
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<bool, E> {
        self.number(value as f64, Found::Integer)
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<bool, E> {
        // What lies beyond 64 bits with a sign is no number of Java's either.
        let found = if value > i64::MAX as u64 { Found::Decimal } else { Found::Integer };
        match self.number(value as f64, found) {
            Err(_) if found == Found::Decimal => Err(self.wrong_kind(Found::Integer)),
            other => other,
        }
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<bool, E> {
        self.number(value, Found::Decimal)
    }

    fn visit_unit<E: Error>(self) -> Result<bool, E> {
        Ok(false)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<bool, A::Error> {
        let Kind::List(element) = self.shape.kind else { return Err(self.wrong_kind(Found::List)) };
        let mut length = 0;
        while list.next_element_seed(Value { shape: element, scan: self.scan })?.is_some() {
            length += 1;
        }
        self.scan.note(broken_by_length(self.shape, length).is_some());
        Ok(true)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<bool, A::Error> {
        match self.shape.kind {
            Kind::Structure(structure) => self.members(structure.members, map),
            Kind::Map(key, value) => {
                let mut length = 0;
                while map.next_key_seed(Value { shape: key, scan: self.scan })?.is_some() {
                    map.next_value_seed(Value { shape: value, scan: self.scan })?;
                    length += 1;
                }
                self.scan.note(broken_by_length(self.shape, length).is_some());
                Ok(true)
            }
            _ => Err(self.wrong_kind(Found::Map)),
        }
    }
}

/// The name of a member; what is read is its place, none for an unknown one.
struct MemberName(&'static [Member]);

impl<'de> DeserializeSeed<'de> for MemberName {
    type Value = Option<usize>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Option<usize>, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for MemberName {
    type Value = Option<usize>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a member")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Option<usize>, E> {
        Ok(self.0.iter().position(|member| member.name == name))
    }
}

/// An attribute value inside `depth` lists and maps.
#[derive(Clone, Copy)]
struct Attribute<'s> {
    depth: usize,
    scan: &'s Scan,
}

/// What a member of an attribute value holds.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Content {
    Text,
    Blob,
    Boolean,
    Texts,
    Blobs,
    Values,
    Map,
    Unknown,
}

impl Content {
    fn of(kind: &str) -> Content {
        match kind {
            "S" | "N" => Content::Text,
            "B" => Content::Blob,
            "BOOL" | "NULL" => Content::Boolean,
            "SS" | "NS" => Content::Texts,
            "BS" => Content::Blobs,
            "L" => Content::Values,
            "M" => Content::Map,
            _ => Content::Unknown,
        }
    }

    fn wanted(self) -> Wanted {
        match self {
            Content::Blob => Wanted::Blob,
            Content::Boolean => Wanted::Boolean,
            Content::Texts | Content::Blobs | Content::Values | Content::Map => Wanted::Collection,
            Content::Text | Content::Unknown => Wanted::Text,
        }
    }
}

impl<'s> Attribute<'s> {
    fn wrong_kind<E: Error>(&self, found: Found) -> E {
        self.scan.wrong(wrong_kind(Wanted::Structure, found))
    }

    fn inside(self) -> Attribute<'s> {
        Attribute { depth: self.depth + 1, scan: self.scan }
    }
}

impl<'de> DeserializeSeed<'de> for Attribute<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        if self.depth > NESTING_DEPTH_MAX {
            // Refused later for its depth; nothing is to recurse further.
            return deserializer.deserialize_ignored_any(IgnoredAny).map(drop);
        }
        deserializer.deserialize_any(self).map(drop)
    }
}

impl<'de> Visitor<'de> for Attribute<'_> {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an attribute value")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<bool, A::Error> {
        while let Some(content) = map.next_key_seed(ContentName)? {
            if content == Content::Unknown {
                map.next_value::<IgnoredAny>()?;
            } else {
                map.next_value_seed(Inside { content, attribute: self })?;
            }
        }
        Ok(true)
    }

    fn visit_unit<E: Error>(self) -> Result<bool, E> {
        Ok(false)
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<bool, E> {
        Err(self.wrong_kind(Found::Text))
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<bool, E> {
        Err(self.wrong_kind(Found::True))
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<bool, E> {
        Err(self.wrong_kind(Found::Integer))
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<bool, E> {
        Err(self.wrong_kind(Found::Integer))
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<bool, E> {
        Err(self.wrong_kind(Found::Decimal))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, _: A) -> Result<bool, A::Error> {
        Err(self.wrong_kind(Found::List))
    }
}

/// The type of an attribute value.
struct ContentName;

impl<'de> DeserializeSeed<'de> for ContentName {
    type Value = Content;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Content, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for ContentName {
    type Value = Content;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the type of an attribute value")
    }

    fn visit_str<E: Error>(self, kind: &str) -> Result<Content, E> {
        Ok(Content::of(kind))
    }
}

/// What an attribute value holds under one of its types.
#[derive(Clone, Copy)]
struct Inside<'s> {
    content: Content,
    attribute: Attribute<'s>,
}

impl Inside<'_> {
    fn wrong_kind<E: Error>(&self, found: Found) -> E {
        self.attribute.scan.wrong(wrong_kind(self.content.wanted(), found))
    }
}

impl<'de> DeserializeSeed<'de> for Inside<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Inside<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("what an attribute value holds")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<(), E> {
        match self.content {
            Content::Text => Ok(()),
            Content::Blob => base64(text, self.attribute.scan),
            _ => Err(self.wrong_kind(Found::Text)),
        }
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<(), E> {
        match self.content {
            Content::Boolean => Ok(()),
            _ => Err(self.wrong_kind(if value { Found::True } else { Found::False })),
        }
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<(), E> {
        Err(self.wrong_kind(Found::Integer))
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<(), E> {
        Err(self.wrong_kind(Found::Integer))
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<(), E> {
        Err(self.wrong_kind(Found::Decimal))
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        match self.content {
            Content::Values => while list.next_element_seed(self.attribute.inside())?.is_some() {},
            Content::Texts | Content::Blobs => {
                let blobs = self.content == Content::Blobs;
                let content = if blobs { Content::Blob } else { Content::Text };
                while list.next_element_seed(Inside { content, ..self })?.is_some() {}
            }
            _ => return Err(self.wrong_kind(Found::List)),
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        if self.content != Content::Map {
            return Err(self.wrong_kind(Found::Map));
        }
        while map.next_key::<IgnoredAny>()?.is_some() {
            map.next_value_seed(self.attribute.inside())?;
        }
        Ok(())
    }
}

fn base64<E: Error>(text: &str, scan: &Scan) -> Result<(), E> {
    match base64_simd::STANDARD.check(text.as_bytes()) {
        Ok(()) => Ok(()),
        Err(_) => Err(scan.wrong(wrong_base64(text))),
    }
}
