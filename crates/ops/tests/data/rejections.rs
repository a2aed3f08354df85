//! What is refused, in which words, and what is refused first.

use serde_json::{Value, json};

use super::tables;
use crate::support::{Server, fails, invalid, n, s};

const ENUMS: &str = "failed to satisfy constraint: Member must satisfy enum value set:";

#[tokio::test]
async fn shapes_are_checked_together_and_first() {
    let server = Server::with(tables()).await;
    server
        .refuses(
            "PutItem",
            vec![
                (
                    json!({}),
                    "2 validation errors detected: Value null at 'tableName' failed to satisfy constraint: Member must not be null; Value null at 'item' failed to satisfy constraint: Member must not be null",
                ),
                (
                    json!({"TableName": "simple", "Item": {"pk": {}}, "ReturnValues": "X", "ConditionExpression": ""}),
                    &format!("1 validation error detected: Value 'X' at 'returnValues' {ENUMS} [ALL_NEW, UPDATED_OLD, ALL_OLD, NONE, UPDATED_NEW]"),
                ),
                (
                    json!({"TableName": "a", "Item": {"pk": {}}}),
                    "1 validation error detected: Value 'a' at 'tableName' failed to satisfy constraint: Member must have length greater than or equal to 3",
                ),
                (
                    json!({"TableName": "ab?", "Item": {}, "ReturnConsumedCapacity": "ALL", "ReturnItemCollectionMetrics": "ALL", "ReturnValuesOnConditionCheckFailure": "ALL"}),
                    &format!(
                        "4 validation errors detected: Value 'ab?' at 'tableName' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+; \
                         Value 'ALL' at 'returnConsumedCapacity' {ENUMS} [INDEXES, TOTAL, NONE]; \
                         Value 'ALL' at 'returnItemCollectionMetrics' {ENUMS} [SIZE, NONE]; \
                         Value 'ALL' at 'returnValuesOnConditionCheckFailure' {ENUMS} [ALL_OLD, NONE]"
                    ),
                ),
            ],
        )
        .await;
    server
        .refuses(
            "Scan",
            vec![(
                json!({"TableName": "simple", "Limit": 0, "Select": "x", "Segment": -1, "TotalSegments": 1_000_001}),
                &format!(
                    "4 validation errors detected: Value '0' at 'limit' failed to satisfy constraint: Member must have value greater than or equal to 1; \
                     Value 'x' at 'select' {ENUMS} [SPECIFIC_ATTRIBUTES, COUNT, ALL_ATTRIBUTES, ALL_PROJECTED_ATTRIBUTES]; \
                     Value '1000001' at 'totalSegments' failed to satisfy constraint: Member must have value less than or equal to 1000000; \
                     Value '-1' at 'segment' failed to satisfy constraint: Member must have value greater than or equal to 0"
                ),
            )],
        )
        .await;
    let other = "arn:aws:dynamodb:us-east-1:000000000000:table/simple";
    server
        .check(vec![
            (
                "GetItem",
                json!({"TableName": other, "Key": {"pk": s("a")}}),
                invalid(
                    "The Region in the resource ARN, us-east-1, is not the Region of this request, eu-west-1",
                ),
            ),
            (
                "GetItem",
                json!({"TableName": 1}),
                fails("SerializationException", "NUMBER_VALUE cannot be converted to String"),
            ),
            ("GetItem", json!([]), fails("SerializationException", "Start of list found where not expected")),
        ])
        .await;
}

/// Every row is wrong in all the ways of the rows below it as well.
#[tokio::test]
async fn precedence_in_update_item() {
    let server = Server::with(tables()).await;
    let mut request = json!({
        "TableName": "missing", "Key": {"pk": {"S": "a", "N": "1"}}, "ReturnValues": "X",
        "AttributeUpdates": {}, "UpdateExpression": "SET a = :a,", "ConditionExpression": "size(b",
        "ExpressionAttributeValues": {":a": {"N": "x"}, ":unused": n(1)},
        "ExpressionAttributeNames": {"#unused": "a"},
    });
    let fixes: Vec<(&str, Value, &str)> = vec![
        (
            "ReturnValues",
            json!("NONE"),
            "1 validation error detected: Value 'X' at 'returnValues' failed to satisfy constraint: Member must satisfy enum value set: [ALL_NEW, UPDATED_OLD, ALL_OLD, NONE, UPDATED_NEW]",
        ),
        (
            "AttributeUpdates",
            Value::Null,
            "1 validation error detected: Can not use both expression and non-expression parameters in the same request: Non-expression parameters: {AttributeUpdates} Expression parameters: {UpdateExpression, ConditionExpression}",
        ),
        (
            "Key",
            json!({"pk": n(1)}),
            "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes",
        ),
        (
            "ExpressionAttributeValues",
            json!({":a": n(1), ":unused": n(1)}),
            "1 validation error detected: ExpressionAttributeValues contains invalid value: The parameter cannot be converted to a numeric value: x for key :a",
        ),
        (
            "UpdateExpression",
            json!("SET pk = :a"),
            "1 validation error detected: Invalid UpdateExpression: Syntax error; token: \"<EOF>\", near: \",\"",
        ),
        (
            "ConditionExpression",
            json!("size(b) = :a"),
            "1 validation error detected: Invalid ConditionExpression: Syntax error; token: \"<EOF>\", near: \"b\"",
        ),
        (
            "ExpressionAttributeNames",
            Value::Null,
            "1 validation error detected: Value provided in ExpressionAttributeNames unused in expressions: keys: {#unused}",
        ),
        (
            "ExpressionAttributeValues",
            json!({":a": n(1)}),
            "1 validation error detected: Value provided in ExpressionAttributeValues unused in expressions: keys: {:unused}",
        ),
    ];
    for (member, fix, message) in fixes {
        server.refuses("UpdateItem", vec![(request.clone(), message)]).await;
        request[member] = fix;
    }
    let missing = fails("ResourceNotFoundException", "Requested resource not found");
    server.check(vec![("UpdateItem", request.clone(), missing)]).await;
    request["TableName"] = json!("simple");
    server
        .refuses("UpdateItem", vec![(request.clone(), "The provided key element does not match the schema")])
        .await;
    request["Key"] = json!({"pk": s("a")});
    let part_of_key = "One or more parameter values were invalid: Cannot update attribute pk. This attribute is part of the key";
    server.refuses("UpdateItem", vec![(request.clone(), part_of_key)]).await;
    request["UpdateExpression"] = json!("SET b = :a");
    let failed = fails("ConditionalCheckFailedException", "The conditional request failed");
    server.check(vec![("UpdateItem", request, failed)]).await;
}

#[tokio::test]
async fn items_and_keys() {
    let server = Server::with(tables()).await;
    let put = |item: Value| json!({"TableName": "ranged", "Item": item});
    let long = "x".repeat(2049);
    let empty = "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty string value. Key: pk";
    server
        .refuses(
            "PutItem",
            vec![
                (put(json!({"pk": s("a")})), "One or more parameter values were invalid: Missing the key sk in the item"),
                (put(json!({"pk": n(1), "sk": n(1)})), "One or more parameter values were invalid: Type mismatch for key pk expected: S actual: N"),
                (put(json!({"pk": s(""), "sk": n(1)})), empty),
                (put(json!({"pk": s(&long), "sk": n(1)})), "One or more parameter values were invalid: Size of hashkey has exceeded the maximum size limit of2048 bytes"),
                (put(json!({"pk": s("a"), "sk": n(1), "v": s(&"x".repeat(409_600))})), "Item size has exceeded the maximum allowed size"),
                (
                    put(json!({"pk": s("a"), "sk": n(1), "gpk": n(1)})),
                    "One or more parameter values were invalid: Type mismatch for Index Key gpk Expected: S Actual: N IndexName: global-all",
                ),
                (put(json!({"pk": s("a"), "sk": n(1), "v": {"SS": []}})), "1 validation error detected: One or more parameter values were invalid: An string set  may not be empty"),
                (
                    json!({"TableName": "simple", "Item": {"pk": s("a")}, "ReturnValues": "ALL_NEW"}),
                    "ReturnValues can only be ALL_OLD or NONE",
                ),
                (
                    json!({"TableName": "simple", "Item": {"pk": s("a")}, "ExpressionAttributeNames": {"#a": "a"}}),
                    "1 validation error detected: ExpressionAttributeNames can only be specified when using expressions",
                ),
                (
                    json!({"TableName": "simple", "Item": {"pk": s("a")}, "ExpressionAttributeValues": {":a": n(1)}}),
                    "1 validation error detected: ExpressionAttributeValues can only be specified when using expressions: ConditionExpression is null",
                ),
            ],
        )
        .await;
    let mismatch = "The provided key element does not match the schema";
    let key = |key: Value| json!({"TableName": "ranged", "Key": key});
    for operation in ["GetItem", "DeleteItem", "UpdateItem"] {
        server
            .refuses(
                operation,
                vec![
                    (key(json!({"pk": s("a")})), mismatch),
                    (key(json!({"pk": s("a"), "sk": s("1")})), mismatch),
                    (key(json!({"pk": s("a"), "sk": n(1), "v": n(1)})), mismatch),
                    (key(json!({"pk": s(""), "sk": n(1)})), empty),
                ],
            )
            .await;
    }
    server
        .refuses(
            "DeleteItem",
            vec![(
                json!({"TableName": "simple", "Key": {"pk": s("a")}, "ReturnValues": "UPDATED_OLD"}),
                "ReturnValues can only be ALL_OLD or NONE",
            )],
        )
        .await;
}

const OPERATIONS: [&str; 10] = [
    "GetItem",
    "PutItem",
    "UpdateItem",
    "DeleteItem",
    "Query",
    "Scan",
    "BatchGetItem",
    "BatchWriteItem",
    "TransactGetItems",
    "TransactWriteItems",
];

#[tokio::test]
async fn broken_json_is_refused() {
    let server = Server::with(tables()).await;
    for operation in OPERATIONS {
        for broken in ["", "{", "[", "nul", "\"", "{\"TableName\":\"simple\",}"] {
            let error = server.call_raw(operation, broken).await.expect_err("this is no JSON");
            assert!(
                error["__type"].as_str().is_some_and(|name| name.ends_with("#SerializationException")),
                "{error}"
            );
        }
    }
}

/// Whatever comes in, there is an answer or an error that the client can read.
#[tokio::test]
async fn nonsense_is_refused() {
    let server = Server::with(tables()).await;
    let values = [
        "null",
        "1",
        "-1",
        "1e400",
        "\"\"",
        "\"x\"",
        "[]",
        "{}",
        "[[]]",
        "[{}]",
        "{\"a\":{}}",
        "true",
        "{\"simple\":{}}",
        "{\"simple\":[]}",
    ];
    let members = [
        "TableName",
        "Key",
        "Item",
        "RequestItems",
        "TransactItems",
        "Limit",
        "Segment",
        "TotalSegments",
        "ExclusiveStartKey",
        "ExpressionAttributeValues",
        "ExpressionAttributeNames",
        "KeyConditionExpression",
        "ClientRequestToken",
        "IndexName",
        "Select",
        "ConsistentRead",
    ];
    for operation in OPERATIONS {
        for member in members {
            for value in values {
                for rest in [
                    "",
                    "\"TableName\":\"simple\",",
                    "\"TableName\":\"simple\",\"Key\":{\"pk\":{\"S\":\"a\"}},",
                ] {
                    if rest.contains(member) {
                        continue;
                    }
                    let body = format!("{{{rest}\"{member}\":{value}}}");
                    if let Err(error) = server.call_raw(operation, &body).await {
                        let name = error["__type"].as_str().unwrap_or_default();
                        assert!(!name.contains("Internal"), "{operation} {body}: {error}");
                    }
                }
            }
        }
    }
}

// Names that DynamoDB does not take were stored: none at all, and more than 64 KB.
#[tokio::test]
async fn attribute_names_have_a_length() {
    let server = Server::with(tables()).await;
    let put = |name: &str, value: Value| json!({"TableName": "simple", "Item": {"pk": s("a"), name: value}});
    let long = "n".repeat(65_536);
    let too_long = "1 validation error detected: Attribute name is too large, must be less than 65536 bytes";
    let empty = "1 validation error detected: One or more parameter values were invalid: Attribute names must have at least one character";
    server
        .refuses(
            "PutItem",
            vec![
                (put("", n(1)), empty),
                (put(&long, n(1)), too_long),
                (put("m", json!({"M": {"l": {"L": [{"M": {&long: n(1)}}]}}})), too_long),
            ],
        )
        .await;
    server.ok("PutItem", put(&long[1..], n(1))).await;
    server.ok("PutItem", put("m", json!({"M": {"": n(1)}}))).await;
}

// A value over the limit of a key went into an index, whose keys have the same limits as a table's.
#[tokio::test]
async fn keys_of_indexes_are_as_long_as_those_of_tables() {
    let server = Server::with(tables()).await;
    let put = |attribute: &str, length: usize| json!({"TableName": "ranged", "Item": {"pk": s("a"), "sk": n(1), attribute: s(&"x".repeat(length))}});
    let update = |attribute: &str, length: usize| {
        json!({
            "TableName": "ranged",
            "Key": {"pk": s("a"), "sk": n(1)},
            "UpdateExpression": format!("SET {attribute} = :v"),
            "ExpressionAttributeValues": {":v": s(&"x".repeat(length))},
        })
    };
    let partition = "One or more parameter values were invalid: Size of hashkey has exceeded the maximum size limit of2048 bytes";
    let sort = "One or more parameter values were invalid: Aggregated size of all range keys has exceeded the size limit of 1024 bytes";
    let updated =
        "The update expression attempted to update the secondary index key beyond allowed size limits";
    server
        .check(vec![
            ("PutItem", put("gpk", 2049), invalid(partition)),
            ("PutItem", put("lsk", 1025), invalid(sort)),
            ("UpdateItem", update("gpk", 2049), invalid(updated)),
            ("UpdateItem", update("lsk", 1025), invalid(updated)),
        ])
        .await;
    server.ok("PutItem", put("gpk", 2048)).await;
    server.ok("UpdateItem", update("lsk", 1024)).await;
}

// The words of the JSON parser, with line and column, reached clients.
#[tokio::test]
async fn json_that_does_not_fit_is_refused_in_plain_words() {
    let server = Server::with(tables()).await;
    for (operation, body, words) in [
        (
            "Scan",
            r#"{"TableName":"simple","Limit":9223372036854775808}"#,
            "NUMBER_VALUE cannot be converted to Integer",
        ),
        ("Scan", r#"{"TableName":"simple","TableName":"ranged"}"#, "duplicate field `TableName`"),
        ("CreateTable", r#"{"KeySchema":5}"#, "Unexpected field type"),
        ("BatchGetItem", r#"{"RequestItems":{"simple":5}}"#, "Unexpected value type in payload"),
        ("BatchWriteItem", r#"{"RequestItems":5}"#, "Unexpected field type"),
    ] {
        let error = server.call_raw(operation, body).await.expect_err("the request does not fit");
        assert_eq!(error["Message"], json!(words), "{operation} {body}");
        assert!(error["__type"].as_str().is_some_and(|name| name.ends_with("SerializationException")));
    }
}

// A number of no digits was quoted as nothing after a colon.
#[tokio::test]
async fn an_empty_number_is_no_number() {
    let server = Server::with(tables()).await;
    let put = |number: &str| json!({"TableName": "simple", "Item": {"pk": s("a"), "n": {"N": number}}});
    server
        .refuses(
            "PutItem",
            vec![
                (put(""), "The parameter cannot be converted to a numeric value"),
                (put(" "), "The parameter cannot be converted to a numeric value:  "),
            ],
        )
        .await;
}
