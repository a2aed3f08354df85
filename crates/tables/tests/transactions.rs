//! Transactions: all or nothing, seen as one, once per token.

use std::sync::Arc;

use graticule_expr::{Condition, Placeholders, Update};
use graticule_kv::{Contention, Decision, Declared, Value, transact_contending};
use graticule_model::{
    AttributeValue, Error, ExpressionKind, Item, Version, limits::CLIENT_REQUEST_TOKEN_MS,
};
use graticule_tables::{
    Action, ActionKind, PageLimit, ReadOutcome, Region, RequestToken, Table, WriteOutcome,
};

use crate::support::{Opened, item, mix, n, open, plain_table, put, s, scan, table_name};

fn condition(text: &str, values: Option<Item>) -> Option<Condition> {
    let mut placeholders = Placeholders::new(None, values).unwrap();
    Some(Condition::parse(ExpressionKind::Condition, text, &mut placeholders).unwrap())
}

fn put_action(table: &str, item: Item) -> Action {
    Action::new(table_name(table), ActionKind::Put(item))
}

/// Takes `amount` from an account, unless it has less; or adds it, if it is negative.
fn take(account: usize, amount: i64) -> Action {
    let values = item([(":amount", n(amount))]);
    let mut placeholders = Placeholders::new(None, Some(values.clone())).unwrap();
    let update = Update::parse("SET balance = balance - :amount", &mut placeholders).unwrap();
    let key = item([("pk", s(format!("account {account}")))]);
    let mut action = Action::new(table_name("t-1"), ActionKind::Update(key, Some(update)));
    action.condition = condition("balance >= :amount", Some(values));
    action
}

async fn total(region: &Region, table: &Arc<Table>) -> i64 {
    let keys: Vec<_> = (0..6)
        .map(|account| {
            let key = item([("pk", s(format!("account {account}")))]);
            (Arc::clone(table), table.key_from_request(&key).unwrap())
        })
        .collect();
    let records = loop {
        match region.get_together(&keys).await.unwrap() {
            ReadOutcome::Done(records) => break records,
            ReadOutcome::Refused(errors) => {
                assert!(errors.iter().flatten().all(|error| *error == Error::TransactionConflict));
                tokio::task::yield_now().await;
            }
        }
    };
    let balance = |item: Item| match &item["balance"] {
        AttributeValue::N(number) => i64::try_from(number.to_u64().expect("never negative")).unwrap(),
        other => panic!("{other:?}"),
    };
    records.into_iter().map(|record| balance(record.unwrap().item().unwrap())).sum()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_sees_half_a_transaction() {
    let Opened { region, .. } = open("a").await;
    let table = region.create_table(plain_table(&region, "t-1")).await.unwrap();
    for account in 0..6 {
        put(&region, "t-1", item([("pk", s(format!("account {account}"))), ("balance", n(100))]))
            .await
            .unwrap();
    }
    let mut writers = Vec::new();
    for writer in 0..4_u64 {
        let region = Arc::clone(&region);
        writers.push(tokio::spawn(async move {
            let (mut done, mut refused) = (0, 0);
            for count in 0..400 {
                let random = mix(writer << 32 | count);
                let (from, to) = ((random % 6) as usize, (random / 7 % 5) as usize);
                let to = if to == from { 5 } else { to };
                let (from, to, amount) =
                    if from == to { (0, 1, 1) } else { (from, to, (random >> 20) as i64 % 90) };
                match region.write(vec![take(from, amount), take(to, -amount)], None).await.unwrap() {
                    WriteOutcome::Done(_) => done += 1,
                    WriteOutcome::Refused(errors) => {
                        let conflict = errors.contains(&Some(Error::TransactionConflict));
                        let poor = matches!(errors[0], Some(Error::ConditionalCheckFailed(_)));
                        assert!(conflict || (poor && errors[1].is_none()));
                        refused += 1;
                    }
                    WriteOutcome::Replayed => panic!("there was no token"),
                }
            }
            (done, refused)
        }));
    }
    while writers.iter().any(|writer| !writer.is_finished()) {
        assert_eq!(total(&region, &table).await, 600);
        tokio::task::yield_now().await;
    }
    let mut sum = 0;
    for writer in writers {
        let (done, refused) = writer.await.unwrap();
        assert_eq!(done + refused, 400);
        sum += done;
    }
    assert!(sum > 0, "some went through");
    assert_eq!(total(&region, &table).await, 600);
}

#[tokio::test]
async fn one_refusal_is_a_refusal_of_all() {
    let Opened { region, .. } = open("a").await;
    let tables = ["t-1", "t-2"];
    for table in tables {
        region.create_table(plain_table(&region, table)).await.unwrap();
    }
    put(&region, "t-2", item([("pk", s("there")), ("v", n(1))])).await.unwrap();
    let absent = Action {
        condition: condition("attribute_not_exists(pk)", None),
        return_old_on_failure: true,
        ..put_action("t-2", item([("pk", s("there"))]))
    };
    let check = Action {
        condition: condition("attribute_exists(pk)", None),
        ..Action::new(table_name("t-1"), ActionKind::Check(item([("pk", s("not there"))])))
    };
    let write = put_action("t-1", item([("pk", s("there"))]));
    let outcome = region.write(vec![write.clone(), absent, check], None).await.unwrap();
    let WriteOutcome::Refused(errors) = outcome else { panic!("{outcome:?}") };
    let old = item([("pk", s("there")), ("v", n(1))]);
    assert_eq!(
        errors,
        [None, Some(Error::ConditionalCheckFailed(Some(old))), Some(Error::ConditionalCheckFailed(None))]
    );
    let table = region.table(&table_name("t-1")).await.unwrap();
    assert!(scan(&region, &table, None).await.is_empty());

    // The same key in two tables is two items; twice in one table is a mistake.
    let both = vec![write.clone(), put_action("t-2", item([("pk", s("there"))]))];
    assert!(matches!(region.write(both, None).await.unwrap(), WriteOutcome::Done(_)));
    let delete = Action::new(table_name("t-1"), ActionKind::Delete(item([("pk", s("there"))])));
    assert!(matches!(region.write(vec![write, delete], None).await, Err(Error::Validation(_))));
}

#[tokio::test]
async fn what_each_action_did_is_told() {
    let Opened { region, .. } = open("a").await;
    region.create_table(plain_table(&region, "t-1")).await.unwrap();
    put(&region, "t-1", item([("pk", s("old"))])).await.unwrap();
    let actions = vec![
        put_action("t-1", item([("pk", s("new")), ("v", n(1))])),
        Action::new(table_name("t-1"), ActionKind::Delete(item([("pk", s("old"))]))),
        Action::new(table_name("t-1"), ActionKind::Update(item([("pk", s("made"))]), None)),
        Action::new(table_name("t-1"), ActionKind::Delete(item([("pk", s("never there"))]))),
    ];
    let WriteOutcome::Done(written) = region.write(actions, None).await.unwrap() else { panic!("refused") };
    let images: Vec<(bool, bool)> =
        written.iter().map(|written| (written.old.is_some(), written.new.is_some())).collect();
    assert_eq!(images, [(false, true), (true, false), (false, true), (false, false)]);
    let table = region.table(&table_name("t-1")).await.unwrap();
    let whole = PageLimit { entries: usize::MAX, bytes: usize::MAX };
    let (changes, _) = region.snapshot_changes(&table, None, whole).await.unwrap();
    let versions: Vec<&Version> = changes.iter().map(|change| &change.version).collect();
    assert_eq!(versions, [&written[0].version, &written[2].version], "one version for all");
    assert_eq!(versions[0], versions[1]);
}

#[tokio::test]
async fn a_token_makes_a_transaction_happen_once() {
    let Opened { region, clock, .. } = open("a").await;
    let table = region.create_table(plain_table(&region, "t-1")).await.unwrap();
    put(&region, "t-1", item([("pk", s("account 1")), ("balance", n(100))])).await.unwrap();
    let token = |fingerprint| Some(RequestToken { token: "the token".to_owned(), fingerprint });
    let balance = async || scan(&region, &table, None).await[0]["balance"].clone();

    // A refused transaction has not happened, so its token is still free.
    let refused = region.write(vec![take(1, 1000)], token(1)).await.unwrap();
    assert!(matches!(refused, WriteOutcome::Refused(_)));

    let done = region.write(vec![take(1, 10)], token(2)).await.unwrap();
    assert!(matches!(done, WriteOutcome::Done(_)));
    for _ in 0..2 {
        let again = region.write(vec![take(1, 10)], token(2)).await.unwrap();
        assert!(matches!(again, WriteOutcome::Replayed));
    }
    let other = region.write(vec![take(1, 11)], token(3)).await;
    assert_eq!(other.unwrap_err(), Error::IdempotentParameterMismatch);
    assert_eq!(balance().await, n(90));

    clock.advance(CLIENT_REQUEST_TOKEN_MS as i64 - 1);
    assert!(matches!(region.write(vec![take(1, 10)], token(2)).await.unwrap(), WriteOutcome::Replayed));
    clock.advance(1);
    let later = region.write(vec![take(1, 10)], token(2)).await.unwrap();
    assert!(matches!(later, WriteOutcome::Done(_)), "a token is kept for ten minutes");
    assert_eq!(balance().await, n(80));
}

/// A transaction that only checks leaves a token all the same.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_sent_by_many_at_once_is_used_once() {
    let Opened { region, .. } = open("a").await;
    let table = region.create_table(plain_table(&region, "t-1")).await.unwrap();
    put(&region, "t-1", item([("pk", s("account 1")), ("balance", n(100))])).await.unwrap();
    let mut senders = Vec::new();
    for _ in 0..16 {
        let region = Arc::clone(&region);
        senders.push(tokio::spawn(async move {
            let token = RequestToken { token: "one".to_owned(), fingerprint: 7 };
            match region.write(vec![take(1, 10)], Some(token)).await {
                Ok(WriteOutcome::Done(_)) => true,
                Ok(WriteOutcome::Replayed) | Err(Error::TransactionInProgress) => false,
                other => panic!("{other:?}"),
            }
        }));
    }
    let mut done = 0;
    for sender in senders {
        done += usize::from(sender.await.unwrap());
    }
    assert_eq!((done, scan(&region, &table, None).await[0]["balance"].clone()), (1, n(90)));
}

/// While a transaction has an item, clients are told so, each in the way that fits what they do; reads of one item are
/// not, and expiry waits.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn who_meets_a_transaction_is_told_so() {
    let Opened { region, engine, .. } = open("a").await;
    let table = region.create_table(plain_table(&region, "t-1")).await.unwrap();
    put(&region, "t-1", item([("pk", s("held"))])).await.unwrap();
    let key = |pk: &str| table.key_from_request(&item([("pk", s(pk))])).unwrap();
    let before = |fingerprint| Some(RequestToken { token: "before".to_owned(), fingerprint });
    let held = || vec![put_action("t-1", item([("pk", s("held"))]))];
    assert!(matches!(region.write(held(), before(1)).await.unwrap(), WriteOutcome::Done(_)));
    let (release, released) = std::sync::mpsc::channel::<()>();
    let (started, has_started) = tokio::sync::oneshot::channel();
    let mut started = Some(started);
    let declared = Declared { reads: Vec::new(), writes: vec![table.item_key(&key("held"))] };
    let holder = tokio::spawn(async move {
        let hold = move |_: &[Option<Value>]| {
            started.take().unwrap().send(()).unwrap();
            released.recv().unwrap();
            Decision::Abort(())
        };
        transact_contending(&*engine, &declared, Contention::Claim, hold).await.unwrap();
    });
    has_started.await.unwrap();

    assert_eq!(put(&region, "t-1", item([("pk", s("held"))])).await.unwrap_err(), Error::TransactionConflict);
    put(&region, "t-1", item([("pk", s("free"))])).await.unwrap();
    let both =
        || vec![put_action("t-1", item([("pk", s("free"))])), put_action("t-1", item([("pk", s("held"))]))];
    let conflict = [None, Some(Error::TransactionConflict)];
    let WriteOutcome::Refused(errors) = region.write(both(), None).await.unwrap() else { panic!("done") };
    assert_eq!(errors, conflict);
    let token = || Some(RequestToken { token: "again".to_owned(), fingerprint: 1 });
    let WriteOutcome::Refused(errors) = region.write(both(), token()).await.unwrap() else { panic!("done") };
    assert_eq!(errors, conflict);
    // What was done before stays done, whoever has its item now.
    assert!(matches!(region.write(held(), before(1)).await.unwrap(), WriteOutcome::Replayed));
    assert_eq!(region.write(held(), before(2)).await.unwrap_err(), Error::IdempotentParameterMismatch);
    let keys = [(Arc::clone(&table), key("free")), (Arc::clone(&table), key("held"))];
    let ReadOutcome::Refused(errors) = region.get_together(&keys).await.unwrap() else { panic!("read") };
    assert_eq!(errors, conflict);
    assert!(region.get(&table, &key("held"), true).await.unwrap().is_some());
    let expire = Action {
        expiry: true,
        ..Action::new(table_name("t-1"), ActionKind::Delete(item([("pk", s("held"))])))
    };
    let expiring = tokio::spawn({
        let region = Arc::clone(&region);
        async move { region.write_one(expire).await }
    });
    tokio::time::sleep(std::time::Duration::from_millis(30)).await;
    assert!(!expiring.is_finished());

    release.send(()).unwrap();
    holder.await.unwrap();
    expiring.await.unwrap().unwrap();
    assert!(matches!(region.write(both(), token()).await.unwrap(), WriteOutcome::Done(_)));
}
