//! Tables: their life with waiters, pages of names, typed errors, tags, time to live, an index added later.

use std::time::Duration;

use aws_sdk_dynamodb::client::Waiters;
use aws_sdk_dynamodb::operation::create_table::CreateTableError;
use aws_sdk_dynamodb::operation::delete_table::DeleteTableError;
use aws_sdk_dynamodb::operation::describe_table::DescribeTableError;
use aws_sdk_dynamodb::types::{
    CreateGlobalSecondaryIndexAction, GlobalSecondaryIndexUpdate, IndexStatus, Projection, ProjectionType,
    TableStatus, Tag, TimeToLiveSpecification,
};

use crate::support::{
    attribute, client, create, definition, eventually, item, key_element, s, unique_name, wait_for_table,
};

#[tokio::test]
async fn a_table_lives_from_creation_to_its_end() {
    let client = client();
    let name = unique_name("life");
    let created =
        definition(&client, &name, &["pk:S", "sk:N"]).send().await.unwrap().table_description.unwrap();
    assert_eq!(created.table_status, Some(TableStatus::Creating));
    wait_for_table(&client, &name).await;
    let described = client.describe_table().table_name(&name).send().await.unwrap().table.unwrap();
    assert_eq!(described.table_status, Some(TableStatus::Active));
    assert_eq!(described.table_arn, created.table_arn);
    assert_eq!(described.key_schema().len(), 2);
    assert_eq!(described.item_count, Some(0));

    let again = definition(&client, &name, &["pk:S"]).send().await.unwrap_err().into_service_error();
    let CreateTableError::ResourceInUseException(again) = again else { panic!("{again:?}") };
    assert_eq!(again.message(), Some(format!("Table already exists: {name}").as_str()));

    let dropped = client.delete_table().table_name(&name).send().await.unwrap().table_description.unwrap();
    assert_eq!(dropped.table_status, Some(TableStatus::Deleting));
    client.wait_until_table_not_exists().table_name(&name).wait(Duration::from_secs(60)).await.unwrap();
    let missing = client.describe_table().table_name(&name).send().await.unwrap_err().into_service_error();
    assert!(matches!(missing, DescribeTableError::ResourceNotFoundException(_)), "{missing:?}");
    let missing = client.delete_table().table_name(&name).send().await.unwrap_err().into_service_error();
    let DeleteTableError::ResourceNotFoundException(missing) = missing else { panic!("{missing:?}") };
    assert_eq!(
        missing.message(),
        Some(format!("Requested resource not found: Table: {name} not found").as_str())
    );
}

#[tokio::test]
async fn names_are_listed_in_pages() {
    let client = client();
    let mut made = Vec::new();
    for _ in 0..5 {
        made.push(create(&client, "listed", &["pk:S"]).await);
    }
    let mut pages = client.list_tables().limit(2).into_paginator().send();
    let mut found = Vec::new();
    while let Some(page) = pages.next().await {
        let names = page.unwrap().table_names.unwrap();
        assert!(names.len() <= 2);
        found.extend(names);
    }
    found.retain(|name| made.contains(name));
    made.sort();
    assert_eq!(found, made);
}

#[tokio::test]
async fn tags_and_time_to_live() {
    let client = client();
    let name = create(&client, "settings", &["pk:S"]).await;
    let table = client.describe_table().table_name(&name).send().await.unwrap().table.unwrap();
    let arn = table.table_arn().unwrap();
    for number in 0..3 {
        let tag = Tag::builder().key(format!("k{number}")).value(format!("v{number}")).build().unwrap();
        client.tag_resource().resource_arn(arn).tags(tag).send().await.unwrap();
    }
    client.untag_resource().resource_arn(arn).tag_keys("k1").send().await.unwrap();
    let (mut found, mut token) = (Vec::new(), None);
    loop {
        let page =
            client.list_tags_of_resource().resource_arn(arn).set_next_token(token).send().await.unwrap();
        found.extend(page.tags().iter().map(|tag| format!("{}={}", tag.key, tag.value)));
        token = page.next_token;
        if token.is_none() {
            break;
        }
    }
    found.sort();
    assert_eq!(found, ["k0=v0", "k2=v2"]);

    let specification =
        TimeToLiveSpecification::builder().enabled(true).attribute_name("until").build().unwrap();
    client
        .update_time_to_live()
        .table_name(&name)
        .time_to_live_specification(specification)
        .send()
        .await
        .unwrap();
    let described = client.describe_time_to_live().table_name(&name).send().await.unwrap();
    assert_eq!(described.time_to_live_description.unwrap().attribute_name.as_deref(), Some("until"));
}

#[tokio::test]
async fn an_index_is_added_to_a_table_with_items() {
    let client = client();
    let name = create(&client, "index", &["pk:S"]).await;
    for number in 0..10 {
        let new = item([
            ("pk", s(&format!("p{number}"))),
            ("kind", s(if number % 2 == 0 { "even" } else { "odd" })),
        ]);
        client.put_item().table_name(&name).set_item(Some(new)).send().await.unwrap();
    }
    let index = CreateGlobalSecondaryIndexAction::builder()
        .index_name("by-kind")
        .key_schema(key_element("kind", 0))
        .projection(Projection::builder().projection_type(ProjectionType::KeysOnly).build())
        .build()
        .unwrap();
    client
        .update_table()
        .table_name(&name)
        .attribute_definitions(attribute("kind:S"))
        .global_secondary_index_updates(GlobalSecondaryIndexUpdate::builder().create(index).build())
        .send()
        .await
        .unwrap();
    eventually(
        || async {
            let table = client.describe_table().table_name(&name).send().await.unwrap().table.unwrap();
            table.global_secondary_indexes()[0].index_status.clone()
        },
        Some(IndexStatus::Active),
    )
    .await;
    let query = client.query().table_name(&name).index_name("by-kind").key_condition_expression("kind = :k");
    assert_eq!(query.expression_attribute_values(":k", s("odd")).send().await.unwrap().count, 5);
}
