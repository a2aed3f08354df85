//! Clients of the endpoint that the environment names, tables with names of their own, and short forms of values.

use std::collections::HashMap;
use std::env;
use std::fmt::Debug;
use std::future::Future;
use std::process;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use aws_credential_types::Credentials;
use aws_sdk_dynamodb::client::Waiters;
use aws_sdk_dynamodb::config::{BehaviorVersion, Region};
use aws_sdk_dynamodb::operation::create_table::builders::CreateTableFluentBuilder;
use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, AttributeValue, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType,
};
use aws_sdk_dynamodb::{Client, Config};

pub type Item = HashMap<String, AttributeValue>;

pub const HOME: &str = "us-east-1";

static MADE: AtomicU32 = AtomicU32::new(0);

fn endpoint() -> String {
    env::var("AWS_ENDPOINT_URL_DYNAMODB").expect("make clients names the server in AWS_ENDPOINT_URL_DYNAMODB")
}

fn credentials() -> Credentials {
    let set = |name| env::var(name).unwrap_or_else(|_| panic!("make clients sets {name}"));
    Credentials::new(set("AWS_ACCESS_KEY_ID"), set("AWS_SECRET_ACCESS_KEY"), None, None, "tests")
}

pub fn client() -> Client {
    client_in(HOME)
}

pub fn client_in(region: &'static str) -> Client {
    let config = Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .endpoint_url(endpoint())
        .credentials_provider(credentials())
        .region(Region::new(region));
    Client::from_conf(config.build())
}

pub fn streams() -> aws_sdk_dynamodbstreams::Client {
    let config = aws_sdk_dynamodbstreams::Config::builder()
        .behavior_version(aws_sdk_dynamodbstreams::config::BehaviorVersion::latest())
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .endpoint_url(endpoint())
        .credentials_provider(credentials())
        .region(aws_sdk_dynamodbstreams::config::Region::new(HOME));
    aws_sdk_dynamodbstreams::Client::from_conf(config.build())
}

/// A table name that no other test has.
pub fn unique_name(prefix: &str) -> String {
    format!("rust-{prefix}-{}-{}", process::id(), MADE.fetch_add(1, Ordering::Relaxed))
}

/// An on-demand table whose keys are given as `pk:S`, not yet sent.
pub fn definition(client: &Client, name: &str, keys: &[&str]) -> CreateTableFluentBuilder {
    let mut builder = client.create_table().table_name(name).billing_mode(BillingMode::PayPerRequest);
    for (place, key) in keys.iter().enumerate() {
        let (key, _) = key.split_once(':').expect("name:type");
        builder = builder.attribute_definitions(attribute(keys[place])).key_schema(key_element(key, place));
    }
    builder
}

pub fn attribute(definition: &str) -> AttributeDefinition {
    let (name, kind) = definition.split_once(':').expect("name:type");
    let kind = ScalarAttributeType::from(kind);
    AttributeDefinition::builder().attribute_name(name).attribute_type(kind).build().expect("complete")
}

/// The element of a key schema at `place`: the first is the partition key.
pub fn key_element(name: &str, place: usize) -> KeySchemaElement {
    let kind = if place == 0 { KeyType::Hash } else { KeyType::Range };
    KeySchemaElement::builder().attribute_name(name).key_type(kind).build().expect("complete")
}

pub async fn create(client: &Client, prefix: &str, keys: &[&str]) -> String {
    let name = unique_name(prefix);
    definition(client, &name, keys).send().await.expect("the table is created");
    wait_for_table(client, &name).await;
    name
}

pub async fn wait_for_table(client: &Client, name: &str) {
    client
        .wait_until_table_exists()
        .table_name(name)
        .wait(Duration::from_secs(60))
        .await
        .expect("the table is ACTIVE");
}

/// Repeats `attempt` until it gives `wanted`.
pub async fn eventually<T, F>(mut attempt: impl FnMut() -> F, wanted: T)
where
    T: PartialEq + Debug,
    F: Future<Output = T>,
{
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        let found = attempt().await;
        if found == wanted || Instant::now() >= deadline {
            assert_eq!(found, wanted);
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

pub fn s(text: &str) -> AttributeValue {
    AttributeValue::S(text.to_owned())
}

pub fn n(number: impl ToString) -> AttributeValue {
    AttributeValue::N(number.to_string())
}

pub fn b(bytes: &[u8]) -> AttributeValue {
    AttributeValue::B(Blob::new(bytes))
}

pub fn item<const N: usize>(attributes: [(&str, AttributeValue); N]) -> Item {
    attributes.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}
