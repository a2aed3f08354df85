//! The commonest requests, taken in with one pass: GetItem and PutItem with nothing but a table and a key or an item.
//!
//! Whatever is unusual about a request, a fault above all, makes it one that is not plain; it is then checked against
//! its shape and read by its operation, which alone knows the words for faults. So nothing may be plain that the
//! operation would refuse or understand in another way.

use graticule_model::{Error, Item, TableName, object::ObjectReader};

use super::{get_item, put_item};
use crate::{Context, Service};

/// A plain request.
#[derive(Debug)]
pub(crate) enum Plain {
    /// GetItem.
    Get {
        /// `TableName`, a name.
        table: TableName,
        /// `Key`
        key: Item,
        /// `ConsistentRead`
        consistent: bool,
    },
    /// PutItem.
    Put {
        /// `TableName`, a name.
        table: TableName,
        /// `Item`
        item: Item,
    },
}

impl Plain {
    /// Reads a request, if it is plain.
    pub(crate) fn read(service: Service, operation: &str, body: &str) -> Option<Plain> {
        let attributes_name = match (service, operation) {
            (Service::DynamoDb, "GetItem") => "Key",
            (Service::DynamoDb, "PutItem") => "Item",
            _ => return None,
        };
        let (mut table, mut attributes, mut consistent) = (None, None, None);
        let mut request = ObjectReader::new(body);
        while let Some(name) = request.next_name().ok()? {
            let repeated = match &*name {
                "TableName" => table.replace(request.text().ok()?).is_some(),
                "ConsistentRead" if operation == "GetItem" => {
                    consistent.replace(request.boolean().ok()?).is_some()
                }
                name if name == attributes_name => attributes.replace(request.attributes().ok()?).is_some(),
                _ => return None,
            };
            if repeated {
                return None;
            }
        }
        // An ARN is no name.
        let table = table?.parse().ok()?;
        let attributes = attributes.filter(|attributes| !attributes.contains_key(""))?;
        Some(if operation == "GetItem" {
            Plain::Get { table, key: attributes, consistent: consistent.unwrap_or(false) }
        } else {
            Plain::Put { table, item: attributes }
        })
    }

    /// Answers it.
    ///
    /// # Errors
    /// What the operation answers with.
    pub(crate) async fn answer(self, context: &Context) -> Result<Vec<u8>, Error> {
        match self {
            Plain::Get { table, key, consistent } => get_item::plain(context, &table, &key, consistent).await,
            Plain::Put { table, item } => {
                put_item::plain(context, table, item).await.map_err(super::request_fault)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde::Deserialize;

    use super::*;
    use crate::{
        parameters::{RawAttributes, parse},
        shapes,
    };

    const GET: &str =
        r#"{"TableName":"table","Key":{"pk":{"S":"a\u00e9\n"},"sk":{"N":"1"}},"ConsistentRead":true}"#;
    const PUT: &str = r#"{"TableName":"table","Item":{"pk":{"S":"k"},"m":{"M":{"x":{"L":[{"NULL":true},{"BOOL":false}]}}},"s":{"SS":["a","b"]},"b":{"B":"AAEC"}}}"#;
    const PIECES: [&str; 20] = [
        "",
        "\"",
        "{",
        "}",
        "[",
        "]",
        ":",
        ",",
        "null",
        "1",
        "\\",
        "\\ud800",
        " ",
        "\u{1}",
        "true",
        "\"S\":\"x\"",
        "\"TableName\":\"table\"",
        "\"Q\":01",
        "\"Item\":{}",
        "é",
    ];

    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Whole<'a> {
        table_name: String,
        #[serde(borrow)]
        key: Option<RawAttributes<'a>>,
        #[serde(borrow)]
        item: Option<RawAttributes<'a>>,
        consistent_read: Option<bool>,
    }

    /// What the long way makes of a request that was found to be plain.
    fn read_whole(operation: &str, body: &str) -> Result<(TableName, Item, bool), Error> {
        shapes::check(Service::DynamoDb, operation, body)?;
        let whole: Whole<'_> = parse(body.as_bytes())?;
        let attributes = if operation == "GetItem" { whole.key } else { whole.item };
        let attributes = attributes.expect("the shape asks for it").read()?;
        Ok((whole.table_name.parse()?, attributes, whole.consistent_read.unwrap_or(false)))
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 20_000, ..ProptestConfig::default() })]

        #[test]
        fn what_is_plain_is_what_the_operation_reads(
            get in any::<bool>(),
            edits in prop::collection::vec((any::<prop::sample::Index>(), 0..12_usize, prop::sample::select(&PIECES[..])), 0..3),
        ) {
            let (operation, body) = if get { ("GetItem", GET) } else { ("PutItem", PUT) };
            let mut characters: Vec<char> = body.chars().collect();
            for (place, removed, piece) in edits {
                let start = place.index(characters.len() + 1);
                let end = (start + removed).min(characters.len());
                characters.splice(start..end, piece.chars());
            }
            let body: String = characters.into_iter().collect();
            let read = match Plain::read(Service::DynamoDb, operation, &body) {
                Some(Plain::Get { table, key, consistent }) => (table, key, consistent),
                Some(Plain::Put { table, item }) => (table, item, false),
                None => return Ok(()),
            };
            prop_assert_eq!(read_whole(operation, &body), Ok(read), "{}", body);
        }
    }

    #[test]
    fn the_commonest_requests_are_plain() {
        assert!(Plain::read(Service::DynamoDb, "GetItem", GET).is_some());
        assert!(Plain::read(Service::DynamoDb, "PutItem", PUT).is_some());
        let more = PUT.replacen('{', r#"{"ReturnValues":"NONE","#, 1);
        assert!(Plain::read(Service::DynamoDb, "PutItem", &more).is_none());
    }
}
