//! Tags.

use serde_json::{Value, json};

use super::{plain, with};
use crate::support::{Server, answers, fails, invalid};

const ARN: &str = "arn:aws:dynamodb:eu-west-1:000000000000:table/plain";

fn tag(key: &str, value: &str) -> Value {
    json!({"Key": key, "Value": value})
}

#[tokio::test]
async fn tags_come_and_go() {
    let server = Server::start().await;
    server.ok("CreateTable", with(plain("plain"), json!({"Tags": [tag("b", "1"), tag("a", "")]}))).await;
    let list = || json!({"ResourceArn": ARN});
    let tags = |tags: Value| answers(json!({"Tags": tags}));
    server
        .check(vec![
            ("ListTagsOfResource", list(), tags(json!([tag("a", ""), tag("b", "1")]))),
            (
                "TagResource",
                json!({"ResourceArn": ARN, "Tags": [tag("b", "2"), tag("Ünï code:/+", "x@y")]}),
                answers(json!({})),
            ),
            (
                "ListTagsOfResource",
                list(),
                tags(json!([tag("a", ""), tag("b", "2"), tag("Ünï code:/+", "x@y")])),
            ),
            (
                "UntagResource",
                json!({"ResourceArn": ARN, "TagKeys": ["a", "nothing", "Ünï code:/+"]}),
                answers(json!({})),
            ),
            ("ListTagsOfResource", list(), tags(json!([tag("b", "2")]))),
        ])
        .await;
}

#[tokio::test]
async fn wrong_tags_are_refused() {
    let server = Server::start().await;
    server.ok("CreateTable", plain("plain")).await;
    let put = |tags: Value| json!({"ResourceArn": ARN, "Tags": tags});
    let many: Vec<Value> = (0..51).map(|number| tag(&format!("k{number}"), "")).collect();
    server
        .refuses(
            "TagResource",
            vec![
                (put(json!([])), "Atleast one Tag needs to be provided as Input."),
                (put(json!([tag("a|b", "")])), "The Tag Key provided is invalid, Key: a|b"),
                (put(json!([tag("a", "|")])), "The Tag Value provided is invalid, Value: |"),
                (
                    put(json!([tag("a", ""), tag("a", "")])),
                    "Duplicate Tag Keys provided as input: Duplicate Tag Key found a",
                ),
                (put(json!(many)), "Number of Tags exceed the current limit for the provided ResourceArn"),
                (
                    put(json!([{"Key": "a"}])),
                    "1 validation error detected: Value null at 'tags.1.member.value' failed to satisfy constraint: Member must not be null",
                ),
            ],
        )
        .await;
    let p = "One or more parameter values were invalid: ";
    let elsewhere = "arn:aws:dynamodb:us-east-1:000000000000:table/plain";
    let missing = "arn:aws:dynamodb:eu-west-1:000000000000:table/missing";
    let index = format!("{ARN}/index/abc");
    let stream = format!("{ARN}/stream/2026");
    let list = |arn: &str| json!({"ResourceArn": arn});
    let absent = |arn: &str| {
        fails(
            "ResourceNotFoundException",
            &format!("Requested resource not found: ResourceArn: {arn} not found"),
        )
    };
    server
        .check(vec![
            ("ListTagsOfResource", list("plain"), invalid(&format!("{p}ARNs must start with 'arn:': plain"))),
            (
                "ListTagsOfResource",
                list("arn:aws:s3:::bucket"),
                invalid(&format!("{p}Provided Arn is not a DynamoDB resource arn: arn:aws:s3:::bucket")),
            ),
            (
                "ListTagsOfResource",
                list(elsewhere),
                invalid(&format!("Invalid TableArn: Invalid ResourceArn provided as input {elsewhere}")),
            ),
            (
                "ListTagsOfResource",
                list(&index),
                invalid(&format!("{p}Invalid resource arn provided, only table or stream is accepted. Provided resource arn: {index}")),
            ),
            ("ListTagsOfResource", list(&stream), absent(&stream)),
            ("ListTagsOfResource", list(missing), absent(missing)),
            (
                "UntagResource",
                json!({"ResourceArn": ARN, "TagKeys": []}),
                invalid("Atleast one Tag Key needs to be provided as Input."),
            ),
        ])
        .await;
}
