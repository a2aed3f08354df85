//! The operations that workloads are mixed from: their requests, and what a right answer to each looks like.

use serde_json::Value;

use super::{
    shapes::Shape,
    template::{Body, Template},
};
use crate::{control::REGION, http::Endpoint, requests::PayloadPool};

/// Items of a BatchWriteItem; the API's limit.
pub(crate) const BATCH_WRITE_ITEMS: u16 = 25;
/// Items of a BatchGetItem; the API's limit.
const BATCH_GET_ITEMS: u16 = 100;
/// Items of a transaction.
const TRANSACT_ITEMS: u16 = 4;
/// Items of a page of Query and Scan.
pub(crate) const PAGE_ITEMS: u64 = 100;

/// An operation. Everything but the five reads writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// GetItem, eventually consistent.
    Get,
    /// GetItem, consistent: how writes are looked after.
    GetConsistent,
    /// PutItem over an item that is there.
    Put,
    /// PutItem of an item that is not there yet.
    Insert,
    /// UpdateItem that adds 1 to a counter.
    Update,
    /// The same under a condition that holds.
    UpdateIf,
    /// UpdateItem that sets one of the item's texts.
    UpdateField,
    /// Query of a whole partition of a hundred items.
    Query,
    /// Query of up to a hundred items from somewhere in a partition.
    QueryUpTo,
    /// Scan of a page of a hundred items from somewhere in the table.
    Scan,
    /// BatchGetItem of a hundred items.
    BatchGet,
    /// BatchWriteItem of 25 puts.
    BatchWrite,
    /// TransactWriteItems of four puts.
    Transact,
}

impl Kind {
    /// The operation's name in the API.
    pub(crate) fn operation(self) -> &'static str {
        match self {
            Self::Get | Self::GetConsistent => "GetItem",
            Self::Put | Self::Insert => "PutItem",
            Self::Update | Self::UpdateIf | Self::UpdateField => "UpdateItem",
            Self::Query | Self::QueryUpTo => "Query",
            Self::Scan => "Scan",
            Self::BatchGet => "BatchGetItem",
            Self::BatchWrite => "BatchWriteItem",
            Self::Transact => "TransactWriteItems",
        }
    }

    /// Whether it changes items.
    pub(crate) fn writes(self) -> bool {
        !matches!(
            self,
            Self::Get | Self::GetConsistent | Self::Query | Self::QueryUpTo | Self::Scan | Self::BatchGet
        )
    }

    /// How many items one request names.
    pub(crate) fn items(self) -> u16 {
        match self {
            Self::BatchGet => BATCH_GET_ITEMS,
            Self::BatchWrite => BATCH_WRITE_ITEMS,
            Self::Transact => TRANSACT_ITEMS,
            _ => 1,
        }
    }

    /// Its request for a table.
    pub(crate) fn template(self, endpoint: &Endpoint, table: &str, shape: &Shape) -> Template {
        let mut body = Body::default();
        let named = format!(r#"{{"TableName":"{table}""#);
        match self {
            Self::Get => body.raw(&named).raw(r#","Key":"#).key(shape, 0).raw("}"),
            Self::GetConsistent => {
                body.raw(&named).raw(r#","ConsistentRead":true,"Key":"#).key(shape, 0).raw("}")
            }
            Self::Put | Self::Insert => body.raw(&named).raw(r#","Item":"#).item(shape, 0).raw("}"),
            Self::Update => body.raw(&named).raw(r#","Key":"#).key(shape, 0).raw(
                r#","UpdateExpression":"ADD hits :one","ExpressionAttributeValues":{":one":{"N":"1"}}}"#,
            ),
            Self::UpdateIf => body.raw(&named).raw(r#","Key":"#).key(shape, 0).raw(
                r#","ConditionExpression":"attribute_exists(pk)","UpdateExpression":"ADD hits :one","ExpressionAttributeValues":{":one":{"N":"1"}}}"#,
            ),
            Self::UpdateField => {
                let set = format!(
                    r#","UpdateExpression":"SET {} = :text","ExpressionAttributeValues":{{":text":{{"S":""#,
                    shape.attributes[0].name
                );
                let body = body.raw(&named).raw(r#","Key":"#).key(shape, 0).raw(&set);
                body.text(shape, 0, 0).raw(r#""}}}"#)
            }
            Self::Query => {
                let condition = r#","KeyConditionExpression":"pk = :pk","ExpressionAttributeValues":{":pk":{"S":""#;
                body.raw(&named).raw(condition).partition(0).raw(r#""}}}"#)
            }
            Self::QueryUpTo => {
                let condition = r#","KeyConditionExpression":"pk = :pk AND sk >= :sk","ExpressionAttributeValues":{":pk":{"S":""#;
                body.raw(&named).raw(r#","Limit":"#).limit().raw(condition).partition(0);
                body.raw(r#""},":sk":{"S":""#).sort(0).raw(r#""}}}"#)
            }
            Self::Scan => {
                body.raw(&named).raw(r#","Limit":"#).limit().raw(r#","ExclusiveStartKey":"#);
                body.key(shape, 0).raw("}")
            }
            Self::BatchGet => {
                body.raw(&format!(r#"{{"RequestItems":{{"{table}":{{"Keys":["#));
                listed(&mut body, self.items(), |body, item| {
                    body.key(shape, item);
                });
                body.raw("]}}}")
            }
            Self::BatchWrite => {
                body.raw(&format!(r#"{{"RequestItems":{{"{table}":["#));
                listed(&mut body, self.items(), |body, item| {
                    body.raw(r#"{"PutRequest":{"Item":"#).item(shape, item).raw("}}");
                });
                body.raw("]}}")
            }
            Self::Transact => {
                body.raw(r#"{"TransactItems":["#);
                listed(&mut body, self.items(), |body, item| {
                    body.raw(&format!(r#"{{"Put":{{"TableName":"{table}","Item":"#));
                    body.item(shape, item).raw("}}");
                });
                body.raw("]}")
            }
        };
        Template::new(endpoint, REGION, self.operation(), body)
    }

    /// The least that a right answer can have.
    pub(crate) fn answer_bytes_min(self, shape: &Shape, limit: u64) -> usize {
        let item: usize = shape.attributes.iter().map(|attribute| attribute.bytes).sum();
        match self {
            Self::Get | Self::GetConsistent => item,
            Self::BatchGet => item * usize::from(self.items()),
            Self::Query | Self::QueryUpTo => item * limit as usize,
            _ => 2,
        }
    }

    /// An error if an answer is not the right one. `keys` are those of the request's items.
    pub(crate) fn check(
        self,
        body: &[u8],
        table: &str,
        shape: &Shape,
        keys: &[u64],
        limit: u64,
        pool: &PayloadPool,
    ) -> Result<(), String> {
        let answer: Value = serde_json::from_slice(body).map_err(|error| format!("not JSON: {error}"))?;
        let list = |items: &Value| items.as_array().cloned().ok_or_else(|| "no list of items".to_owned());
        match self {
            Self::Get | Self::GetConsistent => shape.check(&answer["Item"], keys[0], pool).map(drop),
            Self::Query | Self::QueryUpTo => {
                let items = list(&answer["Items"])?;
                if items.len() as u64 != limit {
                    return Err(format!("{} items instead of {limit}", items.len()));
                }
                let mut numbered = items.iter().zip(keys[0]..);
                numbered.try_for_each(|(item, key)| shape.check(item, key, pool).map(drop))
            }
            Self::Scan => {
                let items = list(&answer["Items"])?;
                if items.len() as u64 != limit && !answer["LastEvaluatedKey"].is_null() {
                    return Err(format!("a page of {} items instead of {limit}", items.len()));
                }
                items.iter().try_for_each(|item| shape.check(item, shape.key_of(item)?, pool).map(drop))
            }
            Self::BatchGet => {
                let items = list(&answer["Responses"][table])?;
                let mut found = Vec::with_capacity(items.len());
                for item in &items {
                    let key = shape.key_of(item)?;
                    shape.check(item, key, pool)?;
                    found.push(key);
                }
                let mut asked = keys.to_vec();
                asked.sort_unstable();
                found.sort_unstable();
                if asked == found {
                    Ok(())
                } else {
                    Err(format!("{} other items than asked for", found.len()))
                }
            }
            Self::BatchWrite => match answer["UnprocessedItems"].as_object() {
                Some(tables) if !tables.is_empty() => Err("some items are unprocessed".to_owned()),
                _ => Ok(()),
            },
            _ => answer.as_object().map(drop).ok_or_else(|| "no object".to_owned()),
        }
    }

    /// An error if an item that was read does not show that this operation has changed it.
    pub(crate) fn check_written(
        self,
        body: &[u8],
        shape: &Shape,
        key: u64,
        pool: &PayloadPool,
    ) -> Result<(), String> {
        let answer: Value = serde_json::from_slice(body).map_err(|error| format!("not JSON: {error}"))?;
        let item = &answer["Item"];
        let written = shape.check(item, key, pool)?;
        let done = match self {
            Self::Update | Self::UpdateIf => {
                item["hits"]["N"].as_str().and_then(|hits| hits.parse::<u64>().ok()) >= Some(1)
            }
            _ => written,
        };
        if done { Ok(()) } else { Err(format!("{self:?} of item {key} was acknowledged and did nothing")) }
    }
}

fn listed(body: &mut Body, count: u16, mut each: impl FnMut(&mut Body, u16)) {
    for item in 0..count {
        if item > 0 {
            body.raw(",");
        }
        each(body, item);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::suite::{shapes::Version, template::ItemRef};

    fn item(shape: &Shape, version: Version, pool: &PayloadPool) -> Value {
        let (partition, sort) = shape.place(version.key);
        let mut text = vec![0; shape.attributes[0].bytes];
        shape.write_text(0, version, pool, &mut text);
        json!({
            "pk": {"S": format!("{partition:010}")}, "sk": {"S": format!("{sort:010}")},
            "text": {"S": String::from_utf8(text).unwrap()},
        })
    }

    #[test]
    fn answers_that_are_not_right_are_found() {
        let (shape, pool) = (Shape::sorted(100, 100), PayloadPool::new(100));
        let items = |keys: &[u64]| -> Vec<Value> {
            keys.iter().map(|key| item(&shape, Version::loaded(*key), &pool)).collect()
        };
        let check = |kind: Kind, answer: Value, keys: &[u64], limit: u64| {
            kind.check(answer.to_string().as_bytes(), "items", &shape, keys, limit, &pool).is_ok()
        };
        assert!(check(Kind::Get, json!({"Item": items(&[7])[0]}), &[7], 1));
        assert!(!check(Kind::Get, json!({"Item": items(&[8])[0]}), &[7], 1), "another item");
        assert!(!check(Kind::Get, json!({}), &[7], 1), "no item");

        assert!(check(Kind::Query, json!({"Items": items(&[200, 201])}), &[200], 2));
        assert!(!check(Kind::Query, json!({"Items": items(&[200])}), &[200], 2), "an item is missing");
        assert!(!check(Kind::Query, json!({"Items": items(&[201, 200])}), &[200], 2), "the order is wrong");

        let page = |keys: &[u64], more: Value| json!({"Items": items(keys), "LastEvaluatedKey": more});
        assert!(check(Kind::Scan, page(&[9, 4], json!({"pk": 1})), &[0], 2));
        assert!(check(Kind::Scan, page(&[9], Value::Null), &[0], 2), "the end of the table");
        assert!(!check(Kind::Scan, page(&[9], json!({"pk": 1})), &[0], 2), "a short page");

        let responses = |keys: &[u64]| json!({"Responses": {"items": items(keys)}});
        assert!(check(Kind::BatchGet, responses(&[3, 1]), &[1, 3], 1));
        assert!(!check(Kind::BatchGet, responses(&[3, 3]), &[1, 3], 1), "one twice");
        assert!(check(Kind::BatchWrite, json!({"UnprocessedItems": {}}), &[1], 1));
        assert!(!check(Kind::BatchWrite, json!({"UnprocessedItems": {"items": []}}), &[1], 1));
    }

    #[test]
    fn writes_that_did_nothing_are_found() {
        let (shape, pool) = (Shape::sorted(100, 100), PayloadPool::new(100));
        let shown = |kind: Kind, item: Value| {
            kind.check_written(json!({"Item": item}).to_string().as_bytes(), &shape, 5, &pool).is_ok()
        };
        let (loaded, written) =
            (item(&shape, Version::loaded(5), &pool), item(&shape, Version::written(5, 1), &pool));
        assert!(shown(Kind::Put, written));
        assert!(!shown(Kind::Put, loaded.clone()));
        assert!(!shown(Kind::Update, loaded.clone()));
        let mut counted = loaded;
        counted["hits"] = json!({"N": "1"});
        assert!(shown(Kind::UpdateIf, counted));
    }

    #[test]
    fn requests_are_json_that_names_their_items() {
        let endpoint = Endpoint::parse("http://127.0.0.1:8000").unwrap();
        let (shape, pool) = (Shape::sorted(100, 100), PayloadPool::new(100));
        for kind in [
            Kind::Get,
            Kind::GetConsistent,
            Kind::Put,
            Kind::Insert,
            Kind::Update,
            Kind::UpdateIf,
            Kind::UpdateField,
            Kind::Query,
            Kind::QueryUpTo,
            Kind::Scan,
            Kind::BatchGet,
            Kind::BatchWrite,
            Kind::Transact,
        ] {
            let mut template = kind.template(&endpoint, "items", &shape);
            let items: Vec<ItemRef> = (0..u64::from(kind.items()))
                .map(|at| ItemRef { version: Version::written(1_200 + at, 3), index: 0 })
                .collect();
            template.fill(&shape, &items, 7, &pool);
            let text = std::str::from_utf8(template.bytes()).unwrap();
            let (head, body) = text.split_once("\r\n\r\n").unwrap();
            assert!(head.contains(kind.operation()), "{head}");
            assert!(serde_json::from_str::<Value>(body).is_ok(), "{kind:?}: {body}");
            assert!(body.matches("0000000012").count() >= usize::from(kind.items()), "{kind:?}: {body}");
        }
    }
}
