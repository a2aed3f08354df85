//! Writing answers: JSON objects into which stored items are copied as they are.

use graticule_model::codec::write_string;
use serde::Serialize;

/// A JSON object under construction.
#[derive(Debug)]
pub(crate) struct Reply {
    out: Vec<u8>,
}

impl Reply {
    /// An empty object with room for `capacity` bytes.
    pub(crate) fn with_capacity(capacity: usize) -> Reply {
        let mut out = Vec::with_capacity(capacity + 64);
        out.push(b'{');
        Reply { out }
    }

    /// An empty object.
    pub(crate) fn new() -> Reply {
        Reply::with_capacity(192)
    }

    fn name(&mut self, name: &str) {
        if self.out.len() > 1 {
            self.out.push(b',');
        }
        write_string(name, &mut self.out);
        self.out.push(b':');
    }

    /// Adds a member whose JSON is at hand.
    pub(crate) fn json(&mut self, name: &str, json: &[u8]) -> &mut Reply {
        self.name(name);
        self.out.extend_from_slice(json);
        self
    }

    /// Adds a list of elements whose JSON is at hand.
    pub(crate) fn json_list<'a>(
        &mut self,
        name: &str,
        elements: impl IntoIterator<Item = &'a [u8]>,
    ) -> &mut Reply {
        self.name(name);
        self.out.push(b'[');
        for (index, element) in elements.into_iter().enumerate() {
            if index > 0 {
                self.out.push(b',');
            }
            self.out.extend_from_slice(element);
        }
        self.out.push(b']');
        self
    }

    /// Adds a member.
    pub(crate) fn value(&mut self, name: &str, value: &impl Serialize) -> &mut Reply {
        self.name(name);
        serde_json::to_writer(&mut self.out, value).expect("answers have string keys and go to memory");
        self
    }

    /// Adds a member if there is one.
    pub(crate) fn optional(&mut self, name: &str, value: Option<&impl Serialize>) -> &mut Reply {
        if let Some(value) = value {
            self.value(name, value);
        }
        self
    }

    /// The finished object.
    pub(crate) fn finish(mut self) -> Vec<u8> {
        self.out.push(b'}');
        self.out
    }
}
