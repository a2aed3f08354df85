//! ListTables, and the operations that describe the server.

use serde_json::{Value, json};

use super::plain;
use crate::support::{Server, answers, fails, invalid};

#[tokio::test]
async fn tables_are_listed_in_pages() {
    let server = Server::start().await;
    server.check(vec![("ListTables", json!({}), answers(json!({"TableNames": []})))]).await;
    for name in ["delta", "alpha", "charlie", "bravo"] {
        server.ok("CreateTable", plain(name)).await;
    }
    let page = |names: &[&str], last: Option<&str>| {
        let mut page = json!({"TableNames": names});
        if let Some(last) = last {
            page["LastEvaluatedTableName"] = json!(last);
        }
        answers(page)
    };
    let limit = |limit: i64, rule: &str| {
        invalid(&format!(
            "1 validation error detected: Value '{limit}' at 'limit' failed to satisfy constraint: Member must have value {rule}"
        ))
    };
    let after = |name: &str, limit: i64| json!({"ExclusiveStartTableName": name, "Limit": limit});
    let rows: Vec<(&str, Value, _)> = vec![
        ("ListTables", json!({}), page(&["alpha", "bravo", "charlie", "delta"], None)),
        ("ListTables", json!({"Limit": 3}), page(&["alpha", "bravo", "charlie"], Some("charlie"))),
        ("ListTables", json!({"Limit": 4}), page(&["alpha", "bravo", "charlie", "delta"], None)),
        ("ListTables", after("charlie", 3), page(&["delta"], None)),
        ("ListTables", after("bob", 1), page(&["bravo"], Some("bravo"))),
        ("ListTables", after("zzz", 1), page(&[], None)),
        ("ListTables", json!({"Limit": 0}), limit(0, "greater than or equal to 1")),
        ("ListTables", json!({"Limit": 101}), limit(101, "less than or equal to 100")),
    ];
    server.check(rows).await;
}

#[tokio::test]
async fn the_server_is_described() {
    let server = Server::start().await;
    server.ok("CreateTable", plain("plain")).await;
    let limits = json!({
        "AccountMaxReadCapacityUnits": 80000,
        "AccountMaxWriteCapacityUnits": 80000,
        "TableMaxReadCapacityUnits": 40000,
        "TableMaxWriteCapacityUnits": 40000,
    });
    let endpoints = json!({"Endpoints": [{"Address": "localhost:8000", "CachePeriodInMinutes": 1440}]});
    let backups = json!({"ContinuousBackupsDescription": {
        "ContinuousBackupsStatus": "DISABLED",
        "PointInTimeRecoveryDescription": {"PointInTimeRecoveryStatus": "DISABLED"},
    }});
    server
        .check(vec![
            ("DescribeLimits", json!({}), answers(limits)),
            ("DescribeEndpoints", json!({}), answers(endpoints)),
            ("DescribeContinuousBackups", json!({"TableName": "plain"}), answers(backups)),
            (
                "DescribeContinuousBackups",
                json!({"TableName": "other"}),
                fails("TableNotFoundException", "Table not found: other"),
            ),
        ])
        .await;
}
