//! Members that must be compared: marked until a comparison has answered every reason there was.

use graticule_tables::{Region, schema::Resync};

use crate::support::{Opened, make_global, open, plain_table, region_name, table_name};

async fn mark(region: &Region) -> Option<Resync> {
    let table = region.table(&table_name("table")).await.unwrap();
    table.membership.resync.get(&region_name("b")).copied()
}

#[tokio::test]
async fn a_reason_that_comes_up_during_a_comparison_asks_for_another_one() {
    let Opened { region, .. } = open("a").await;
    let mut table = plain_table(&region, "table");
    make_global(&region, &mut table, &["a", "b"]);
    region.create_table(table).await.unwrap();
    let table = region.table(&table_name("table")).await.unwrap();
    let peer = region_name("b");

    region.mark_behind(&table, &peer).await.unwrap();
    region.keep_log_again(&table, &peer).await.unwrap();
    let begun = mark(&region).await.unwrap();
    assert!(!begun.log_cut);
    region.mark_behind(&table, &peer).await.unwrap();
    region.keep_log_again(&table, &peer).await.unwrap();
    region.mark_complete(&table, &peer, &begun).await.unwrap();
    let left = mark(&region).await.unwrap();
    region.mark_complete(&table, &peer, &left).await.unwrap();
    assert_eq!(mark(&region).await, None);
}
