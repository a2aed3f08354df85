//! Errors as they travel.

use graticule_model::{Absent, CancellationReason, Error, Item, Number};
use serde_json::json;

#[test]
fn each_family_has_its_envelope() {
    for (error, status, kind) in [
        (Error::Serialization("x".into()), 400, "com.amazon.coral.service#SerializationException"),
        (Error::UnknownOperation, 400, "com.amazon.coral.service#UnknownOperationException"),
        (Error::ValueEmpty, 400, "com.amazon.coral.validate#ValidationException"),
        (Error::ResourceNotFound, 400, "com.amazonaws.dynamodb.v20120810#ResourceNotFoundException"),
        (Error::TableExists("t".into()), 400, "com.amazonaws.dynamodb.v20120810#ResourceInUseException"),
        (
            Error::Absent(Absent::Policy("arn".into())),
            400,
            "com.amazonaws.dynamodb.v20120810#PolicyNotFoundException",
        ),
        (Error::Internal("x".into()), 500, "com.amazonaws.dynamodb.v20120810#InternalServerError"),
    ] {
        assert_eq!(error.envelope().status, status);
        assert_eq!(error.to_json()["__type"], kind);
    }
    assert_eq!(Error::UnknownOperation.to_json().get("message"), None);
}

#[test]
fn a_failed_condition_can_carry_the_item() {
    let item = Item::from([("n".to_owned(), graticule_model::AttributeValue::N(Number::from(7u64)))]);
    let body = Error::ConditionalCheckFailed(Some(item.clone())).to_json();
    assert_eq!(body["message"], "The conditional request failed");
    assert_eq!(body["Item"], json!({"n": {"N": "7"}}));
    assert_eq!(Error::ConditionalCheckFailed(None).to_json().get("Item"), None);
    let reasons = vec![CancellationReason::None, CancellationReason::ConditionalCheckFailed(Some(item))];
    let body = Error::TransactionCanceled(reasons).to_json();
    assert_eq!(
        body,
        json!({
            "__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException",
            "Message": "Transaction cancelled, please refer cancellation reasons for specific reasons [None, ConditionalCheckFailed]",
            "CancellationReasons": [
                {"Code": "None"},
                {"Code": "ConditionalCheckFailed", "Message": "The conditional request failed", "Item": {"n": {"N": "7"}}},
            ],
        })
    );
}

#[test]
fn constraints_are_counted() {
    let error = |list: &[&str]| Error::Constraints(list.iter().map(|s| s.to_string()).collect()).to_string();
    assert_eq!(error(&["a"]), "1 validation error detected: a");
    assert_eq!(error(&["a", "b"]), "2 validation errors detected: a; b");
}
