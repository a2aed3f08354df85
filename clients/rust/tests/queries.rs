//! Query and Scan through the SDK's paginators, over the table and both kinds of index.

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::ProvideErrorMetadata;
use aws_sdk_dynamodb::types::{
    GlobalSecondaryIndex, LocalSecondaryIndex, Projection, ProjectionType, Select,
};

use crate::support::{Item, attribute, client, definition, key_element, n, s, unique_name, wait_for_table};

/// 40 items of two partitions; a GSI by colour and size, an LSI by size.
async fn stock(client: &Client) -> String {
    let name = unique_name("stock");
    let all = Projection::builder().projection_type(ProjectionType::All).build();
    let by_colour = GlobalSecondaryIndex::builder()
        .index_name("by-colour")
        .key_schema(key_element("colour", 0))
        .key_schema(key_element("amount", 1))
        .projection(all.clone());
    let by_amount = LocalSecondaryIndex::builder()
        .index_name("by-amount")
        .key_schema(key_element("pk", 0))
        .key_schema(key_element("amount", 1))
        .projection(all);
    definition(client, &name, &["pk:S", "sk:N"])
        .attribute_definitions(attribute("colour:S"))
        .attribute_definitions(attribute("amount:N"))
        .global_secondary_indexes(by_colour.build().unwrap())
        .local_secondary_indexes(by_amount.build().unwrap())
        .send()
        .await
        .unwrap();
    wait_for_table(client, &name).await;
    for number in 0..40 {
        client
            .put_item()
            .table_name(&name)
            .item("pk", s(&format!("p{}", number % 2)))
            .item("sk", n(number))
            .item("colour", s(&format!("c{}", number % 3)))
            .item("amount", n(number * 7 % 11))
            .send()
            .await
            .unwrap();
    }
    name
}

fn numbers(items: &[Item], attribute: &str) -> Vec<u32> {
    items.iter().map(|item| item[attribute].as_n().unwrap().parse().unwrap()).collect()
}

#[tokio::test]
async fn paginators_give_the_whole() {
    let client = client();
    let name = stock(&client).await;
    let of_p1 = client.query().table_name(&name).key_condition_expression("pk = :p AND sk >= :s");
    let of_p1 = of_p1.expression_attribute_values(":p", s("p1")).expression_attribute_values(":s", n(10));
    let mut pages = of_p1.clone().limit(4).into_paginator().send();
    let (mut found, mut count) = (Vec::new(), 0);
    while let Some(page) = pages.next().await {
        found.extend(page.unwrap().items.unwrap());
        count += 1;
    }
    assert_eq!(numbers(&found, "sk"), (11..40).step_by(2).collect::<Vec<_>>());
    assert_eq!(count, 4);

    let down = of_p1.scan_index_forward(false).into_paginator().page_size(3).items().send();
    let down: Vec<Item> = down.collect::<Result<_, _>>().await.unwrap();
    assert_eq!(numbers(&down, "sk"), (11..40).step_by(2).rev().collect::<Vec<_>>());

    let scan = client
        .scan()
        .table_name(&name)
        .filter_expression("amount > :a")
        .expression_attribute_values(":a", n(5));
    let mut scanned = Vec::new();
    for segment in 0..3 {
        let part =
            scan.clone().total_segments(3).segment(segment).into_paginator().page_size(4).items().send();
        scanned.extend(part.collect::<Result<Vec<_>, _>>().await.unwrap());
    }
    let mut scanned = numbers(&scanned, "sk");
    scanned.sort_unstable();
    assert_eq!(scanned, (0..40).filter(|number| number * 7 % 11 > 5).collect::<Vec<_>>());
}

#[tokio::test]
async fn indexes_of_both_kinds() {
    let client = client();
    let name = stock(&client).await;
    let by_colour = client
        .query()
        .table_name(&name)
        .index_name("by-colour")
        .key_condition_expression("colour = :c AND amount BETWEEN :a AND :b")
        .expression_attribute_values(":c", s("c2"))
        .expression_attribute_values(":a", n(3))
        .expression_attribute_values(":b", n(8));
    let found: Vec<Item> = by_colour
        .clone()
        .into_paginator()
        .page_size(2)
        .items()
        .send()
        .collect::<Result<_, _>>()
        .await
        .unwrap();
    let amounts = numbers(&found, "amount");
    assert!(amounts.is_sorted() && !amounts.is_empty());
    let wanted = (0..40).filter(|number| number % 3 == 2 && (3..=8).contains(&(number * 7 % 11))).count();
    assert_eq!(found.len(), wanted);
    let counted = by_colour.clone().select(Select::Count).send().await.unwrap();
    assert_eq!((counted.count as usize, counted.items), (wanted, None));
    let error = by_colour.consistent_read(true).send().await.unwrap_err().into_service_error();
    assert_eq!(error.message(), Some("Consistent reads are not supported on global secondary indexes"));

    let by_amount = client.query().table_name(&name).index_name("by-amount").consistent_read(true);
    let by_amount = by_amount.key_condition_expression("pk = :p").expression_attribute_values(":p", s("p0"));
    let found = by_amount.projection_expression("amount").send().await.unwrap().items.unwrap();
    let amounts = numbers(&found, "amount");
    assert!(amounts.is_sorted() && amounts.len() == 20);
    assert_eq!(found[0].len(), 1);
}
