//! What a replica's record becomes when members come and go.

use std::sync::Arc;

use graticule_model::{Version, version::HybridTime};
use graticule_tables::{
    Region,
    schema::{Detaching, Member, Register, Table},
};

use crate::support::{item, make_global, open, plain_table, put, region_name, s, table_name};

const NAME: &str = "t-1";
const DETACHING: Detaching = Detaching { requested_ms: 1, cut: None, unsettled: false };

/// What a member becomes, by a change that was made in the Region `by`.
fn register(time: u64, by: &str, member: Member) -> Register<Member> {
    Register::new(Version { time: HybridTime::from_unix_ms(time), region: Arc::from(by) }, member)
}

fn joining(source: &str) -> Member {
    Member::Joining { source: region_name(source) }
}

/// A replica with these members.
async fn create(region: &Region, members: &[(&str, Register<Member>)]) -> Arc<Table> {
    let mut table = plain_table(region, NAME);
    make_global(region, &mut table, &[]);
    for (member, register) in members {
        table.settings.members.insert(region_name(member), register.clone());
    }
    region.create_table(table).await.unwrap();
    current(region).await
}

/// One with the members `a` and `b`.
async fn create_pair(region: &Region) -> Arc<Table> {
    let active = register(1, "b", Member::Active);
    create(region, &[("a", active.clone()), ("b", active)]).await
}

async fn current(region: &Region) -> Arc<Table> {
    region.table(&table_name(NAME)).await.unwrap()
}

/// Changes the settings, and gives the table as it is then.
async fn change(region: &Region, mut change: impl FnMut(&mut Table) + Send) -> Arc<Table> {
    let name = table_name(NAME);
    let changed = region.update_settings(&name, |table| {
        change(table);
        Ok(())
    });
    changed.await.unwrap().0
}

async fn set(region: &Region, member: &str, register: Register<Member>) -> Arc<Table> {
    change(region, |table| _ = table.settings.members.insert(region_name(member), register.clone())).await
}

fn member(table: &Arc<Table>, region: &str) -> Member {
    table.settings.members[&region_name(region)].value.clone()
}

/// Which members this replica is to be compared with, and for how many reasons.
async fn owed(region: &Region) -> Vec<(String, u64)> {
    let marks = current(region).await.membership.resync.clone();
    marks.into_iter().map(|(member, mark)| (member.to_string(), mark.reasons)).collect()
}

/// Each change of settings was taken for a reason, and each comparison changed some: that went on without end.
#[tokio::test]
async fn one_that_was_taken_out_is_compared_once_for_each_change_of_members() {
    let opened = open("a").await;
    let region = &opened.region;
    create_pair(region).await;
    set(region, "a", register(2, "b", Member::Removed)).await;
    set(region, "c", register(3, "b", joining("b"))).await;
    assert_eq!(owed(region).await, [("c".to_owned(), 1)]);
    change(region, |_| {}).await;
    assert_eq!(owed(region).await, [("c".to_owned(), 1)]);
    set(region, "d", register(4, "b", joining("b"))).await;
    assert_eq!(owed(region).await, [("c".to_owned(), 2), ("d".to_owned(), 1)]);
}

#[tokio::test]
async fn a_member_that_was_added_again_is_a_new_one() {
    let opened = open("a").await;
    let region = &opened.region;
    let b = region_name("b");
    let new = register(5, "a", joining("a"));
    create(region, &[("a", register(1, "a", Member::Active)), ("b", register(1, "a", Member::Active))]).await;
    put(region, NAME, item([("pk", s("k"))])).await.unwrap();
    let base = async || {
        let table = current(region).await;
        let cursor = region.sent_cursor(&table, &b).await.unwrap();
        cursor.position_of("a replica that has acknowledged nothing")
    };
    assert_eq!(base().await, 0);

    // What was logged before comes with its snapshot; also once that is complete.
    set(region, "b", new.clone()).await;
    assert_eq!(base().await, 1);
    put(region, NAME, item([("pk", s("l"))])).await.unwrap();
    set(region, "b", new.completed()).await;
    assert_eq!(base().await, 1);
    assert_eq!(owed(region).await, []);

    // The one before it was never seen to go.
    set(region, "b", register(9, "a", Member::Active)).await;
    assert_eq!(base().await, 2);
    assert_eq!(owed(region).await, [("b".to_owned(), 1)]);
}

#[tokio::test]
async fn a_replica_leaves_only_when_nobody_needs_a_comparison_with_it() {
    let opened = open("a").await;
    let region = &opened.region;
    create_pair(region).await;
    // Seen before the mark.
    let seen = change(region, |table| table.detaching = Some(DETACHING)).await;
    region.mark_behind(&seen, &region_name("b")).await.unwrap();
    region.begin_detaching(&seen).await.unwrap();
    let table = current(region).await;
    assert_eq!((member(&table, "a"), table.detaching.unwrap().cut), (Member::Active, None));

    let mark = table.membership.resync[&region_name("b")];
    region.mark_complete(&table, &region_name("b"), &mark).await.unwrap();
    region.begin_detaching(&table).await.unwrap();
    let table = current(region).await;
    assert_eq!((member(&table, "a"), table.detaching.unwrap().cut), (Member::Removed, Some(0)));
}

/// Whoever expelled it does not wait for it again.
#[tokio::test]
async fn one_that_was_expelled_leaves_as_such() {
    let opened = open("a").await;
    let region = &opened.region;
    create_pair(region).await;
    let table = change(region, |table| {
        table.detaching = Some(DETACHING);
        table.settings.members.insert(region_name("a"), register(2, "b", Member::Expelled));
    })
    .await;
    region.begin_detaching(&table).await.unwrap();
    let table = current(region).await;
    assert_eq!((member(&table, "a"), table.detaching.unwrap().cut), (Member::Expelled, Some(0)));
}

#[tokio::test]
async fn an_expelled_one_that_stays_as_the_last_fills_a_new_replica_as_a_member() {
    let opened = open("a").await;
    let region = &opened.region;
    create_pair(region).await;
    set(region, "a", register(2, "b", Member::Expelled)).await;
    let table = set(region, "c", register(3, "b", joining("b"))).await;
    region.take_over_joins(&table).await.unwrap();
    assert_eq!(member(&current(region).await, "c"), joining("b"), "b fills it");

    let table = set(region, "b", register(4, "b", Member::Removed)).await;
    region.take_over_joins(&table).await.unwrap();
    let table = current(region).await;
    assert_eq!((member(&table, "a"), member(&table, "c")), (Member::Active, joining("a")));
}

#[tokio::test]
async fn a_member_is_given_up_only_in_the_global_table_that_was_told() {
    let opened = open("a").await;
    let region = &opened.region;
    let (a, b) = (register(1, "a", Member::Active), register(1, "a", Member::Active));
    let seen = create(region, &[("a", a), ("b", b)]).await;
    let b = region_name("b");
    set(region, "b", register(5, "a", joining("a"))).await;
    region.give_up(&seen, &b).await.unwrap();
    let seen = current(region).await;
    assert_eq!(member(&seen, "b"), joining("a"), "it is another one by now");

    change(region, |table| table.settings.members.clear()).await;
    region.give_up(&seen, &b).await.unwrap();
    assert!(current(region).await.settings.members.is_empty(), "there is no global table any more");

    region.drop_table(&table_name(NAME), |_| Ok(())).await.unwrap();
    let again = seen.settings.members.iter().map(|(region, register)| (region.as_str(), register.clone()));
    let again = create(region, &again.collect::<Vec<_>>()).await;
    region.give_up(&seen, &b).await.unwrap();
    assert_eq!(member(&current(region).await, "b"), joining("a"), "it was not this table");
    region.give_up(&again, &b).await.unwrap();
    assert_eq!(member(&current(region).await, "b"), Member::Removed);
}
