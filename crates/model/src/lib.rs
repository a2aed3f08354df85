//! DynamoDB's nouns: values, numbers, names, limits, errors and their wording, request and response shapes.
//!
//! Pure data and pure functions: no I/O, no async, no clock. Everything here is what the service's documentation
//! says, or what was measured of it; how Graticule stores or moves these things is decided above.

pub mod api;
pub mod codec;
pub mod error;
pub mod limits;
pub mod names;
pub mod number;
pub mod object;
pub mod value;
pub mod version;

pub use error::{
    Absent, CancellationReason, CapacityKind, CapacityLimit, Error, ExpressionError, ExpressionKind,
    Throttling,
};
pub use names::{IndexName, RegionName, TableName};
pub use number::Number;
pub use value::{AttributeValue, Item, KeyAttribute, KeyType};
pub use version::Version;
