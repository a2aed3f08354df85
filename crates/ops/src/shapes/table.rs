//! What a request may hold, as plain data: the types of the tables in `model` and `departures`.
//!
//! Everything here can be built in a `static`, so a table costs nothing to have.

/// A shape of the service model: what kind of JSON it takes, and what that must satisfy.
#[derive(Debug)]
pub(super) struct Shape {
    pub(super) kind: Kind,
    /// Least length of a text, list or map; least value of a number.
    pub(super) min: i64,
    /// Greatest length or value.
    pub(super) max: i64,
    /// The pattern that a text must match as a whole.
    pub(super) pattern: Option<&'static str>,
    /// The only texts there may be, if not empty.
    pub(super) choices: &'static [&'static str],
}

/// The kinds of JSON.
#[derive(Debug)]
pub(super) enum Kind {
    Text,
    /// The name of a table, or its ARN.
    TableReference,
    Integer,
    Long,
    Double,
    Boolean,
    Timestamp,
    List(&'static Shape),
    /// Its keys and its values.
    Map(&'static Shape, &'static Shape),
    Structure(Structure),
    AttributeValue,
}

/// A structure, with its members in the order in which the service reports what is wrong with them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Structure {
    pub(super) name: &'static str,
    pub(super) members: &'static [Member],
}

/// A member of a structure.
#[derive(Debug)]
pub(super) struct Member {
    /// As on the wire.
    pub(super) name: &'static str,
    pub(super) required: bool,
    pub(super) shape: &'static Shape,
}

/// A length without a limit.
pub(super) const UNBOUNDED: i64 = i64::MAX;

/// A member that must be there.
pub(super) const fn required(name: &'static str, shape: &'static Shape) -> Member {
    Member { name, required: true, shape }
}

/// A member that may be absent.
pub(super) const fn optional(name: &'static str, shape: &'static Shape) -> Member {
    Member { name, required: false, shape }
}

impl Shape {
    const fn new(kind: Kind) -> Shape {
        Shape { kind, min: i64::MIN, max: i64::MAX, pattern: None, choices: &[] }
    }

    pub(super) const fn text() -> Shape {
        Shape::new(Kind::Text)
    }

    pub(super) const fn choice(choices: &'static [&'static str]) -> Shape {
        Shape { choices, ..Shape::text() }
    }

    pub(super) const fn table_reference() -> Shape {
        Shape::new(Kind::TableReference)
    }

    pub(super) const fn integer() -> Shape {
        Shape::new(Kind::Integer)
    }

    pub(super) const fn long() -> Shape {
        Shape::new(Kind::Long)
    }

    pub(super) const fn double() -> Shape {
        Shape::new(Kind::Double)
    }

    pub(super) const fn boolean() -> Shape {
        Shape::new(Kind::Boolean)
    }

    pub(super) const fn timestamp() -> Shape {
        Shape::new(Kind::Timestamp)
    }

    pub(super) const fn list(element: &'static Shape) -> Shape {
        Shape::new(Kind::List(element))
    }

    pub(super) const fn map(key: &'static Shape, value: &'static Shape) -> Shape {
        Shape::new(Kind::Map(key, value))
    }

    pub(super) const fn structure(name: &'static str, members: &'static [Member]) -> Shape {
        Shape::new(Kind::Structure(Structure { name, members }))
    }

    pub(super) const fn attribute_value() -> Shape {
        Shape::new(Kind::AttributeValue)
    }

    /// Bounds of a length.
    pub(super) const fn length(self, min: i64, max: i64) -> Shape {
        Shape { min, max, ..self }
    }

    /// Bounds of a number.
    pub(super) const fn range(self, min: i64, max: i64) -> Shape {
        self.length(min, max)
    }

    /// A pattern for the whole text.
    pub(super) const fn pattern(self, pattern: &'static str) -> Shape {
        Shape { pattern: Some(pattern), ..self }
    }
}
