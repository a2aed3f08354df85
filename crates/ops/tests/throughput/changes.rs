//! How often capacity may change, and what descriptions tell of it.

use serde_json::{Value, json};

use super::{Clocked, MORNING_MS, merge, provisioned, table};

fn update(members: Value) -> Value {
    let mut request = json!({"TableName": "tab"});
    merge(&mut request, &members);
    request
}

impl Clocked {
    async fn describe(&self) -> Value {
        self.ok("DescribeTable", json!({"TableName": "tab"})).await["Table"].clone()
    }
}

// limit: CAPACITY_DECREASES_BANKED_MAX, CAPACITY_DECREASES_PER_DAY_MAX
#[tokio::test]
async fn decreases_are_rationed() {
    let region = Clocked::start().await;
    region.ok("CreateTable", table("tab", provisioned(100, 100), None)).await;
    for n in 1..=4 {
        region.ok("UpdateTable", update(provisioned(100 - n, 100))).await;
    }
    let shown = region.describe().await["ProvisionedThroughput"].clone();
    let now = MORNING_MS as f64 / 1000.0;
    assert_eq!(
        shown,
        json!({
            "NumberOfDecreasesToday": 4, "LastDecreaseDateTime": now,
            "ReadCapacityUnits": 96, "WriteCapacityUnits": 100,
        })
    );
    let refused = region.fails("UpdateTable", update(provisioned(96, 99))).await;
    assert_eq!(
        refused,
        json!({
            "__type": "LimitExceededException",
            "message": "Subscriber limit exceeded: Provisioned throughput decreases are limited within a given UTC day. After the first 4 decreases, each subsequent decrease in the same UTC day can be performed at most once every 3600 seconds. Number of decreases today: 4. Last decrease at Sun Nov 22 10:00:00 UTC 2026. Next decrease can be made at Sun Nov 22 11:00:00 UTC 2026",
        })
    );
    // More can be had at any time, and counts for nothing.
    region.advance_seconds(10);
    region.ok("UpdateTable", update(provisioned(200, 100))).await;
    let shown = region.describe().await["ProvisionedThroughput"].clone();
    assert_eq!(
        (&shown["NumberOfDecreasesToday"], &shown["LastIncreaseDateTime"]),
        (&json!(4), &json!(now + 10.0))
    );
    // One an hour from then on, until the day is over.
    for n in 0..13 {
        region.advance_seconds(3600);
        region.ok("UpdateTable", update(provisioned(199 - n, 100))).await;
        region.fails("UpdateTable", update(provisioned(1, 100))).await;
    }
    assert_eq!(region.describe().await["ProvisionedThroughput"]["NumberOfDecreasesToday"], 17);
    region.advance_seconds(3600);
    assert_eq!(region.describe().await["ProvisionedThroughput"]["NumberOfDecreasesToday"], 0);
    for n in 0..4 {
        region.ok("UpdateTable", update(provisioned(99 - n, 100))).await;
    }
    region.fails("UpdateTable", update(provisioned(1, 100))).await;
}

#[tokio::test]
async fn indexes_have_a_ration_of_their_own() {
    let region = Clocked::start().await;
    region.ok("CreateTable", table("tab", provisioned(100, 100), Some(provisioned(50, 50)))).await;
    let index = |read: u64, write: u64| {
        let mut update = json!({"IndexName": "by-g"});
        merge(&mut update, &provisioned(read, write));
        json!({"GlobalSecondaryIndexUpdates": [{"Update": update}]})
    };
    for n in 1..=4 {
        region.ok("UpdateTable", update(index(50 - n, 50))).await;
    }
    let refused = region.fails("UpdateTable", update(index(10, 10))).await;
    assert_eq!(refused["__type"], "LimitExceededException");
    region.ok("UpdateTable", update(provisioned(99, 100))).await;
    let shown = region.describe().await;
    assert_eq!(shown["ProvisionedThroughput"]["NumberOfDecreasesToday"], 1);
    let shown = &shown["GlobalSecondaryIndexes"][0]["ProvisionedThroughput"];
    assert_eq!((&shown["NumberOfDecreasesToday"], &shown["ReadCapacityUnits"]), (&json!(4), &json!(46)));
}

// limit: ON_DEMAND_SWITCHES_PER_DAY_MAX
#[tokio::test]
async fn on_demand_can_be_switched_to_four_times_a_day() {
    let region = Clocked::start().await;
    region.ok("CreateTable", table("tab", provisioned(5, 5), None)).await;
    let mut back = provisioned(5, 5);
    merge(&mut back, &json!({"BillingMode": "PROVISIONED"}));
    let on_demand = || update(json!({"BillingMode": "PAY_PER_REQUEST"}));
    for _ in 0..4 {
        region.ok("UpdateTable", on_demand()).await;
        region.ok("UpdateTable", update(back.clone())).await;
        region.advance_seconds(3600);
    }
    let refused = region.fails("UpdateTable", on_demand()).await;
    assert_eq!(
        refused,
        json!({
            "__type": "LimitExceededException",
            "message": "Subscriber limit exceeded: Update to PayPerRequest mode are limited to 4 times in 1 day(s). Last update at Sun Nov 22 13:00:00 UTC 2026. Next update can be made at Mon Nov 23 10:00:00 UTC 2026",
        })
    );
    region.advance_seconds(20 * 3600);
    region.ok("UpdateTable", on_demand()).await;
    // A table that has been provisioned shows when it lost that.
    let shown = region.describe().await["ProvisionedThroughput"].clone();
    assert_eq!(
        (&shown["LastDecreaseDateTime"], &shown["NumberOfDecreasesToday"]),
        (&json!(MORNING_MS as f64 / 1000.0 + 24.0 * 3600.0), &json!(0))
    );
}
