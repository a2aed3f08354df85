//! Items: every type there and back, conditions with the item in their error, updates, batches.

use std::collections::HashMap;

use aws_sdk_dynamodb::error::ProvideErrorMetadata;
use aws_sdk_dynamodb::operation::RequestId;
use aws_sdk_dynamodb::operation::delete_item::DeleteItemError;
use aws_sdk_dynamodb::operation::get_item::GetItemError;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::{
    AttributeValue, DeleteRequest, KeysAndAttributes, PutRequest, ReturnConsumedCapacity, ReturnValue,
    ReturnValuesOnConditionCheckFailure, WriteRequest,
};

use crate::support::{Item, b, client, create, item, n, s};

#[tokio::test]
async fn every_type_comes_back_as_it_went() {
    let client = client();
    let name = create(&client, "types", &["pk:S", "sk:B"]).await;
    let digits = "12345678901234567890123456789012345678";
    let whole: Item = item([
        ("pk", s("Grüße 🌍")),
        ("sk", b(&[0, 255])),
        ("empty", s("")),
        ("digits", n(digits)),
        ("fraction", n(format!("-0.{digits}"))),
        ("large", n(format!("1{}", "0".repeat(125)))),
        ("bytes", b(&(0..=255).collect::<Vec<u8>>())),
        ("no bytes", b(&[])),
        ("yes", AttributeValue::Bool(true)),
        ("nothing", AttributeValue::Null(true)),
        (
            "list",
            AttributeValue::L(vec![
                s("a"),
                AttributeValue::L(vec![]),
                AttributeValue::M(item([("x", n(1))])),
            ]),
        ),
        ("map", AttributeValue::M(item([("a.b", AttributeValue::M(HashMap::new()))]))),
    ]);
    client.put_item().table_name(&name).set_item(Some(whole.clone())).send().await.unwrap();
    let key = item([("pk", s("Grüße 🌍")), ("sk", b(&[0, 255]))]);
    let found =
        client.get_item().table_name(&name).set_key(Some(key)).consistent_read(true).send().await.unwrap();
    assert_eq!(found.item, Some(whole));
}

#[tokio::test]
async fn sets_come_back_in_any_order() {
    let client = client();
    let name = create(&client, "sets", &["pk:S"]).await;
    client
        .put_item()
        .table_name(&name)
        .item("pk", s("a"))
        .item("ss", AttributeValue::Ss(vec!["b".into(), "".into(), "a".into()]))
        .item("ns", AttributeValue::Ns(vec!["2.50".into(), "-1".into()]))
        .item("bs", AttributeValue::Bs(vec![Blob::new([1]), Blob::new([0])]))
        .send()
        .await
        .unwrap();
    let found = client.get_item().table_name(&name).key("pk", s("a")).send().await.unwrap().item.unwrap();
    let sorted = |mut words: Vec<String>| {
        words.sort();
        words
    };
    assert_eq!(sorted(found["ss"].as_ss().unwrap().clone()), ["", "a", "b"]);
    assert_eq!(sorted(found["ns"].as_ns().unwrap().clone()), ["-1", "2.5"]);
    assert_eq!(found["bs"].as_bs().unwrap().len(), 2);
}

#[tokio::test]
async fn a_failed_condition_is_a_typed_error_with_the_item() {
    let client = client();
    let name = create(&client, "conditions", &["pk:S"]).await;
    let stored = item([("pk", s("a")), ("n", n(5))]);
    client.put_item().table_name(&name).set_item(Some(stored.clone())).send().await.unwrap();
    let error = client
        .put_item()
        .table_name(&name)
        .item("pk", s("a"))
        .condition_expression("attribute_not_exists(pk)")
        .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
        .send()
        .await
        .unwrap_err();
    assert!(error.request_id().is_some());
    assert_eq!(error.raw_response().unwrap().status().as_u16(), 400);
    let PutItemError::ConditionalCheckFailedException(error) = error.into_service_error() else {
        panic!("another error")
    };
    assert_eq!(error.message(), Some("The conditional request failed"));
    assert_eq!(error.item(), Some(&stored));

    let delete = client.delete_item().table_name(&name).key("pk", s("a")).condition_expression("n > :n");
    let error = delete.expression_attribute_values(":n", n(5)).send().await.unwrap_err().into_service_error();
    let DeleteItemError::ConditionalCheckFailedException(error) = error else { panic!("{error:?}") };
    assert_eq!(error.item(), None);
}

#[tokio::test]
async fn errors_are_told_apart() {
    let client = client();
    let error = client.get_item().table_name("no-such-table").key("pk", s("a")).send().await.unwrap_err();
    let error = error.into_service_error();
    assert!(matches!(error, GetItemError::ResourceNotFoundException(_)), "{error:?}");
    let name = create(&client, "errors", &["pk:S"]).await;
    // A ValidationException is not in the model of the operation, so it is known by its code.
    let error = client
        .get_item()
        .table_name(&name)
        .key("other", s("a"))
        .send()
        .await
        .unwrap_err()
        .into_service_error();
    assert_eq!(error.code(), Some("ValidationException"));
    assert_eq!(error.message(), Some("The provided key element does not match the schema"));
}

#[tokio::test]
async fn updates_return_what_was_asked() {
    let client = client();
    let name = create(&client, "updates", &["pk:S"]).await;
    let update = |expression: &str, returned: ReturnValue| {
        client
            .update_item()
            .table_name(&name)
            .key("pk", s("a"))
            .update_expression(expression)
            .return_values(returned)
    };
    let first = update("SET #n = if_not_exists(#n, :zero) + :one, l = :l", ReturnValue::AllNew)
        .expression_attribute_names("#n", "count")
        .expression_attribute_values(":zero", n(0))
        .expression_attribute_values(":one", n(1))
        .expression_attribute_values(":l", AttributeValue::L(vec![s("x"), s("y")]))
        .send()
        .await
        .unwrap();
    assert_eq!(first.attributes.unwrap()["count"], n(1));
    let second = update("SET l[0] = :v REMOVE l[1] ADD tags :t", ReturnValue::UpdatedNew)
        .expression_attribute_values(":v", s("z"))
        .expression_attribute_values(":t", AttributeValue::Ss(vec!["t".into()]))
        .return_consumed_capacity(ReturnConsumedCapacity::Total)
        .send()
        .await
        .unwrap();
    assert_eq!(second.consumed_capacity.unwrap().capacity_units, Some(1.0));
    assert_eq!(second.attributes.unwrap()["tags"], AttributeValue::Ss(vec!["t".into()]));
    let old = client
        .delete_item()
        .table_name(&name)
        .key("pk", s("a"))
        .return_values(ReturnValue::AllOld)
        .send()
        .await;
    assert_eq!(old.unwrap().attributes.unwrap()["l"], AttributeValue::L(vec![s("z")]));
}

#[tokio::test]
async fn batches_until_nothing_is_left() {
    let client = client();
    let name = create(&client, "batches", &["pk:S", "sk:N"]).await;
    let numbers: Vec<u32> = (0..60).collect();
    for chunk in numbers.chunks(25) {
        let puts = chunk.iter().map(|number| {
            let put = PutRequest::builder()
                .item("pk", s("a"))
                .item("sk", n(number))
                .item("v", s(&"x".repeat(350_000)));
            WriteRequest::builder().put_request(put.build().unwrap()).build()
        });
        let mut left = Some(HashMap::from([(name.clone(), puts.collect::<Vec<_>>())]));
        while let Some(requests) = left.filter(|requests| !requests.is_empty()) {
            left = client
                .batch_write_item()
                .set_request_items(Some(requests))
                .send()
                .await
                .unwrap()
                .unprocessed_items;
        }
    }
    // 60 items of 350 KB are more than one answer of 16 MB holds.
    let keys = numbers.iter().map(|number| item([("pk", s("a")), ("sk", n(number))])).collect();
    let wanted = KeysAndAttributes::builder().set_keys(Some(keys)).build().unwrap();
    let (mut left, mut found, mut rounds) = (Some(HashMap::from([(name.clone(), wanted)])), Vec::new(), 0);
    while let Some(requests) = left.filter(|requests| !requests.is_empty()) {
        let answer = client.batch_get_item().set_request_items(Some(requests)).send().await.unwrap();
        found.extend(answer.responses.unwrap().remove(&name).unwrap_or_default());
        left = answer.unprocessed_keys;
        rounds += 1;
    }
    let mut found: Vec<u32> = found.iter().map(|item| item["sk"].as_n().unwrap().parse().unwrap()).collect();
    found.sort_unstable();
    assert_eq!(found, numbers);
    assert!(rounds > 1);
    let delete = DeleteRequest::builder().key("pk", s("a")).key("sk", n(0)).build().unwrap();
    let delete = WriteRequest::builder().delete_request(delete).build();
    let answer = client.batch_write_item().request_items(&name, vec![delete]).send().await.unwrap();
    assert_eq!(answer.unprocessed_items, Some(HashMap::new()));
}
