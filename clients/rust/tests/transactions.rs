//! Transactions: all or nothing, typed reasons, tokens, reads as one.

use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{
    ConditionCheck, Delete, Get, Put, ReturnValuesOnConditionCheckFailure, TransactGetItem,
    TransactWriteItem, Update,
};

use crate::support::{client, create, item, n, s};

fn take(table: &str, amount: u32) -> TransactWriteItem {
    let update = Update::builder()
        .table_name(table)
        .key("id", s("ann"))
        .update_expression("SET balance = balance - :a")
        .condition_expression("balance >= :a")
        .expression_attribute_values(":a", n(amount))
        .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
    TransactWriteItem::builder().update(update.build().unwrap()).build()
}

fn put(table: &str, id: &str) -> TransactWriteItem {
    let put =
        Put::builder().table_name(table).item("id", s(id)).condition_expression("attribute_not_exists(id)");
    TransactWriteItem::builder().put(put.build().unwrap()).build()
}

#[tokio::test]
async fn all_or_nothing_with_reasons() {
    let client = client();
    let name = create(&client, "transactions", &["id:S"]).await;
    let ann = item([("id", s("ann")), ("balance", n(100))]);
    client.put_item().table_name(&name).set_item(Some(ann)).send().await.unwrap();
    let check = ConditionCheck::builder()
        .table_name(&name)
        .key("id", s("zed"))
        .condition_expression("attribute_not_exists(id)");
    let check = TransactWriteItem::builder().condition_check(check.build().unwrap()).build();
    let delete = Delete::builder().table_name(&name).key("id", s("nobody")).build().unwrap();
    let delete = TransactWriteItem::builder().delete(delete).build();
    let write = client.transact_write_items().client_request_token("once");
    let write = write
        .transact_items(take(&name, 30))
        .transact_items(put(&name, "bob"))
        .transact_items(check)
        .transact_items(delete);
    write.clone().send().await.unwrap();
    write.send().await.expect("the same again changes nothing and succeeds");

    let other = client.transact_write_items().client_request_token("once").transact_items(put(&name, "eve"));
    let error = other.send().await.unwrap_err().into_service_error();
    assert!(matches!(error, TransactWriteItemsError::IdempotentParameterMismatchException(_)), "{error:?}");

    let cancelled =
        client.transact_write_items().transact_items(put(&name, "new")).transact_items(take(&name, 500));
    let error = cancelled.transact_items(put(&name, "bob")).send().await.unwrap_err().into_service_error();
    let TransactWriteItemsError::TransactionCanceledException(error) = error else { panic!("{error:?}") };
    assert_eq!(
        error.message(),
        Some(
            "Transaction cancelled, please refer cancellation reasons for specific reasons \
             [None, ConditionalCheckFailed, ConditionalCheckFailed]"
        )
    );
    let reasons = error.cancellation_reasons();
    assert_eq!(reasons[0].code(), Some("None"));
    assert_eq!((reasons[0].message(), reasons[0].item()), (None, None));
    assert_eq!(reasons[1].message(), Some("The conditional request failed"));
    assert_eq!(reasons[1].item().unwrap()["balance"], n(70));
    assert_eq!(reasons[2].item(), None);

    let get = |id: &str| {
        let get = Get::builder().table_name(&name).key("id", s(id)).build().unwrap();
        TransactGetItem::builder().get(get).build()
    };
    let read = client
        .transact_get_items()
        .transact_items(get("bob"))
        .transact_items(get("new"))
        .transact_items(get("ann"));
    let found = read.send().await.unwrap().responses.unwrap();
    let found: Vec<_> = found.into_iter().map(|response| response.item).collect();
    assert_eq!(
        found,
        [Some(item([("id", s("bob"))])), None, Some(item([("id", s("ann")), ("balance", n(70))]))]
    );
}
