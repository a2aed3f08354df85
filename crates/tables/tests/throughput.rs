//! Who pays for capacity and who does not.

use graticule_model::{
    CapacityKind, CapacityLimit, Error, Throttling, Version, codec::item_to_json, version::HybridTime,
};
use graticule_tables::{
    Action, ActionKind, Change, Origin, Road, Table,
    schema::{Billing, Register, Throughput},
};

use crate::support::{
    Opened, item, make_global, n, open, plain_table, put, region_name, s, scan, table_name,
};

/// One read and one write unit per second.
fn provision(table: &mut Table) {
    let throughput = Throughput { read: 1, write: 1 };
    let billing = Billing { throughput, ..Billing::default() };
    let version = table.settings.billing.version.clone();
    table.settings.billing = Register::new(version, billing);
}

/// Writes until nothing is left, with one large write.
async fn exhaust(opened: &Opened) {
    while put(&opened.region, "t-1", item([("pk", s("a")), ("v", s("x".repeat(100_000)))])).await.is_ok() {}
}

#[tokio::test]
async fn expiry_and_other_regions_pass_an_empty_bucket() {
    let opened = open("x").await;
    let region = &opened.region;
    let mut table = plain_table(region, "t-1");
    provision(&mut table);
    make_global(region, &mut table, &["x", "y"]);
    let table = region.create_table(table).await.unwrap();
    exhaust(&opened).await;
    let throttled = Error::Throttled(Throttling {
        kind: CapacityKind::Write,
        limit: CapacityLimit::Provisioned,
        index: false,
        resource: table.arn(&region_name("x")),
    });
    assert_eq!(put(region, "t-1", item([("pk", s("b"))])).await.unwrap_err(), throttled);

    let version = Version { time: HybridTime::from_unix_ms(opened.clock.unix_ms()), region: "y".into() };
    let written = item([("pk", s("far")), ("n", n(1))]);
    let change = Change {
        version,
        key: item_to_json(&item([("pk", s("far"))])).into(),
        old: None,
        new: Some(item_to_json(&written).into()),
        written_ms: 0,
        expired: false,
        silent: false,
    };
    let from = region_name("y");
    let origin = Origin { region: &from, log: "the log", position: Some(1), road: Road::Log, born: None };
    region.apply(&table, &origin, vec![change]).await.unwrap();

    let delete = ActionKind::Delete(item([("pk", s("a"))]));
    let expiry = Action { expiry: true, ..Action::new(table_name("t-1"), delete) };
    region.write_one(expiry).await.unwrap();

    // Neither has paid: what the large write owes is all there is to wait for.
    opened.clock.advance(93_000);
    put(region, "t-1", item([("pk", s("b"))])).await.unwrap();
    assert_eq!(scan(region, &table, None).await.len(), 2);
}
