//! A JSON object read member by member, for requests that are taken in with one pass.
//!
//! The caller says what each member is to be. Nothing is known of members that come twice.

use std::borrow::Cow;

use crate::{codec::Reader, error::Error, value::Item};

/// A JSON object that is being read.
#[derive(Debug)]
pub struct ObjectReader<'a> {
    reader: Reader<'a>,
    begun: bool,
}

impl<'a> ObjectReader<'a> {
    /// Begins to read the object that `text` is to be.
    pub fn new(text: &'a str) -> ObjectReader<'a> {
        ObjectReader { reader: Reader::new(text), begun: false }
    }

    /// The name of the next member, whose value is to be read then; `None` after the last one, with nothing behind it.
    ///
    /// # Errors
    /// [`Error::Serialization`].
    pub fn next_name(&mut self) -> Result<Option<Cow<'a, str>>, Error> {
        let first = !std::mem::replace(&mut self.begun, true);
        let ended = if first {
            self.reader.expect(b'{')?;
            self.reader.accept(b'}')?
        } else {
            !self.reader.accept(b',')? && self.reader.expect(b'}').map(|()| true)?
        };
        if ended {
            self.reader.end()?;
            return Ok(None);
        }
        let name = self.reader.string()?;
        self.reader.expect(b':')?;
        Ok(Some(name))
    }

    /// A text.
    ///
    /// # Errors
    /// [`Error::Serialization`].
    pub fn text(&mut self) -> Result<Cow<'a, str>, Error> {
        self.reader.string()
    }

    /// True or false.
    ///
    /// # Errors
    /// [`Error::Serialization`].
    pub fn boolean(&mut self) -> Result<bool, Error> {
        self.reader.boolean()
    }

    /// A map of attributes.
    ///
    /// # Errors
    /// As [`crate::codec::item_from_json`].
    pub fn attributes(&mut self) -> Result<Item, Error> {
        self.reader.map(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn members(text: &str) -> Option<Vec<(String, bool)>> {
        let mut object = ObjectReader::new(text);
        let mut members = Vec::new();
        while let Some(name) = object.next_name().ok()? {
            members.push((name.into_owned(), object.boolean().ok()?));
        }
        Some(members)
    }

    #[test]
    fn members_come_in_order_and_the_object_is_all_there_is() {
        assert_eq!(members(" { } "), Some(Vec::new()));
        let two = vec![("a".to_owned(), true), ("b\"".to_owned(), false)];
        assert_eq!(members(r#"{"a" : true, "b\"":false}"#), Some(two));
        for broken in
            ["", "{", "{}x", "[]", r#"{"a"}"#, r#"{"a":true,}"#, r#"{"a":true"b":true}"#, r#"{"a":1}"#]
        {
            assert_eq!(members(broken), None, "{broken}");
        }
    }
}
