//! Clients: each writes items of a few keys in one Region and keeps what it was told.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use graticule_expr::{Condition, Placeholders, Update};
use graticule_model::{AttributeValue, Error, ExpressionKind, Item, codec::item_to_json};
use graticule_tables::{Action, ActionKind, RequestToken, WriteOutcome, Written};

use crate::{
    layout::PARTITION_KEY,
    model::Answer,
    node::Node,
    random::Random,
    trace::Event,
    world::{World, table_name},
};

/// One client.
pub(crate) struct Client {
    world: Arc<World>,
    node: Arc<Node>,
    name: String,
    random: Random,
    count: u64,
}

/// How a request ended, as far as its client knows.
enum Ended {
    Done(Vec<Written>),
    /// Done by an earlier attempt.
    Replayed,
    /// Certainly not done.
    Refused(&'static str),
    Unknown,
}

fn text(value: &str) -> AttributeValue {
    AttributeValue::S(value.to_owned())
}

fn number(value: u64) -> AttributeValue {
    AttributeValue::N(value.to_string().parse().expect("digits are a number"))
}

fn condition(words: &str, values: Option<Item>) -> Option<Condition> {
    let mut placeholders = Placeholders::new(None, values).ok()?;
    Condition::parse(ExpressionKind::Condition, words, &mut placeholders).ok()
}

impl Client {
    pub(crate) fn new(world: &Arc<World>, node: &Arc<Node>, number: usize) -> Client {
        let name = format!("{}/{number}", node.name);
        let random = world.random(&format!("client {name}"));
        Client { world: Arc::clone(world), node: Arc::clone(node), name, random, count: 0 }
    }

    /// Writes as long as the world is busy.
    pub(crate) async fn run(mut self) {
        while self.world.is_busy() {
            let pause = self.random.millis(0, self.world.plan.pace_ms);
            self.world.sleep(pause).await;
            if self.world.is_busy() {
                self.one_request().await;
            }
        }
    }

    /// Makes one request and keeps what came of it.
    pub(crate) async fn one_request(&mut self) {
        let actions = if self.random.percent(15) { self.transaction() } else { vec![self.action(None)] };
        let transaction = actions.len() > 1;
        let token = (transaction && self.random.percent(50)).then(|| RequestToken {
            token: format!("{}-{}", self.name, self.count),
            fingerprint: self.count,
        });
        // A transaction with a token can be repeated until its outcome is known.
        let attempts = if token.is_some() { 4 } else { 1 };
        for _ in 0..attempts {
            let ended = self.attempt(&actions, token.clone(), transaction).await;
            let again = matches!(ended, Ended::Unknown);
            self.keep(&actions, ended);
            if !again {
                return;
            }
            let pause = self.random.millis(1, 500);
            self.world.sleep(pause).await;
        }
    }

    async fn attempt(&self, actions: &[Action], token: Option<RequestToken>, transaction: bool) -> Ended {
        if self.node.running().is_none() {
            return Ended::Refused("down");
        }
        let asked = actions.to_vec();
        let outcome = self.node.call(move |region| async move {
            if transaction {
                region.write(asked, token).await
            } else {
                let action = asked.into_iter().next().expect("there is one action");
                region.write_one(action).await.map(|written| WriteOutcome::Done(vec![written]))
            }
        });
        match outcome.await {
            None => Ended::Unknown,
            Some(Ok(WriteOutcome::Done(written))) => Ended::Done(written),
            Some(Ok(WriteOutcome::Replayed)) => Ended::Replayed,
            Some(Ok(WriteOutcome::Refused(_))) => Ended::Refused("cancelled"),
            Some(Err(Error::ConditionalCheckFailed(_))) => Ended::Refused("condition failed"),
            Some(Err(Error::TransactionConflict)) => Ended::Refused("conflict"),
            Some(Err(Error::ResourceNotFound)) => Ended::Refused("no table"),
            Some(Err(_)) => Ended::Unknown,
        }
    }

    fn keep(&self, actions: &[Action], ended: Ended) {
        let region = self.node.name.as_str();
        let outcome = match &ended {
            Ended::Done(_) => "done",
            Ended::Replayed => "replayed",
            Ended::Refused(why) => why,
            Ended::Unknown => "unknown",
        };
        self.world.executor.tell(Event::Answer, outcome.as_bytes(), || {
            format!("{}: {outcome}: {}", self.name, words(actions))
        });
        let mut model = self.world.model.lock();
        model.count(outcome);
        match ended {
            Ended::Done(written) => {
                for (action, written) in actions.iter().zip(written) {
                    if matches!(action.kind, ActionKind::Check(_)) {
                        continue;
                    }
                    let idle = written.new.is_none() && written.old.is_none();
                    let version = (!idle).then_some(written.version);
                    let (region, key) = (region.to_owned(), key_of(action));
                    let new = written.new.map(|item| item.json);
                    model.answers.push(Answer { region, key, new, version, idle });
                }
            }
            Ended::Replayed => {
                for action in actions {
                    if let ActionKind::Put(item) = &action.kind {
                        let new = Some(Bytes::from(item_to_json(item)));
                        let (region, key) = (region.to_owned(), key_of(action));
                        model.answers.push(Answer { region, key, new, version: None, idle: false });
                    }
                }
            }
            Ended::Refused(_) | Ended::Unknown => {}
        }
    }

    /// Two or three actions on different keys.
    fn transaction(&mut self) -> Vec<Action> {
        let keys = self.world.plan.keys;
        let first = self.random.below(keys);
        let count = 2 + self.random.below(2).min(keys.saturating_sub(2));
        (0..count).map(|at| self.action(Some((first + at) % keys))).collect()
    }

    fn action(&mut self, key: Option<usize>) -> Action {
        self.count += 1;
        let key = key.unwrap_or_else(|| self.random.below(self.world.plan.keys));
        let key = format!("k{key}");
        let key_item = Item::from([(PARTITION_KEY.to_owned(), text(&key))]);
        let value = format!("{}-{}", self.name, self.count);
        let kind = match self.random.below(10) {
            0..4 => ActionKind::Put(self.item(&key, &value)),
            4..7 => ActionKind::Update(key_item, self.update(&value)),
            _ => ActionKind::Delete(key_item),
        };
        let condition = match self.random.below(10) {
            0 => condition("attribute_exists(pk)", None),
            1 => condition("attribute_not_exists(pk)", None),
            2 => condition("v > :v", Some(Item::from([(":v".to_owned(), text("c"))]))),
            _ => None,
        };
        Action { condition, ..Action::new(table_name(), kind) }
    }

    fn item(&mut self, key: &str, value: &str) -> Item {
        let mut item = Item::from([(PARTITION_KEY.to_owned(), text(key)), ("v".to_owned(), text(value))]);
        if self.random.percent(50) {
            item.insert("g".to_owned(), text(&format!("g{}", self.random.below(3))));
        }
        if self.random.percent(20) {
            item.insert("ttl".to_owned(), number(self.soon()));
        }
        if self.random.percent(20) {
            let padding = self.random.below(self.world.plan.padding + 1);
            item.insert("pad".to_owned(), text(&"x".repeat(padding)));
        }
        item
    }

    /// A time to live that is over soon, as this Region's clock has it.
    fn soon(&mut self) -> u64 {
        let now = self.node.running().map_or(Duration::ZERO, |running| running.env.unix_time());
        now.as_secs() + self.random.between(1, 12)
    }

    fn update(&mut self, value: &str) -> Option<Update> {
        let mut values = Item::from([(":v".to_owned(), text(value))]);
        let words = match self.random.below(4) {
            0 => {
                values.insert(":one".to_owned(), number(1));
                "SET v = :v ADD n :one"
            }
            1 => {
                values.insert(":g".to_owned(), text(&format!("g{}", self.random.below(3))));
                "SET v = :v, g = :g"
            }
            2 => {
                values.insert(":ttl".to_owned(), number(self.soon()));
                "SET v = :v, ttl = :ttl"
            }
            _ => "SET v = :v REMOVE g, ttl",
        };
        let names = [("#ttl".to_owned(), "ttl".to_owned())];
        let names = words.contains("ttl").then(|| names.into_iter().collect());
        let mut placeholders = Placeholders::new(names, Some(values)).ok()?;
        Update::parse(&words.replace("ttl", "#ttl").replace(":#ttl", ":ttl"), &mut placeholders).ok()
    }
}

fn key_of(action: &Action) -> String {
    let item = match &action.kind {
        ActionKind::Put(item)
        | ActionKind::Update(item, _)
        | ActionKind::Delete(item)
        | ActionKind::Check(item) => item,
    };
    match item.get(PARTITION_KEY) {
        Some(AttributeValue::S(key)) => key.clone(),
        other => format!("{other:?}"),
    }
}

fn words(actions: &[Action]) -> String {
    let words = actions.iter().map(|action| {
        let what = match &action.kind {
            ActionKind::Put(_) => "put",
            ActionKind::Update(..) => "update",
            ActionKind::Delete(_) => "delete",
            ActionKind::Check(_) => "check",
        };
        format!("{what} {}", key_of(action))
    });
    words.collect::<Vec<_>>().join(", ")
}
