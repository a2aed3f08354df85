//! One connection's worth of a workload: picks an operation, sends it, checks the answer.
//!
//! Every answer is checked for its status and least size, one in so many for everything that it says; and what was
//! written last is read again at the end.

use std::{rc::Rc, time::Instant};

use super::{
    choose::{Chooser, Keys},
    kinds::{Kind, PAGE_ITEMS},
    shapes::{Shape, Version},
    signer::Signer,
    template::{ItemRef, Template},
};
use crate::{
    control::REGION,
    http::{Connection, Endpoint, exchange_in_time},
    requests::{PayloadPool, Random},
};

/// One answer in so many is checked in full. Checking a large one takes the load generator longer than getting it.
const SAMPLE_EVERY: u32 = 256;
const INDEX_VALUES: u64 = 1_000_000_000;

/// One part of a mix: how many of a hundred operations it makes up, and the operations that make up one.
#[derive(Clone, Debug)]
pub(crate) struct Share {
    pub(crate) percent: u64,
    pub(crate) steps: Vec<Kind>,
}

/// What answers are held against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expect {
    /// What the table holds.
    Items,
    /// This many bytes: all that a server knows that does nothing.
    Bytes(usize),
}

/// What all clients of a workload on a server have in common.
#[derive(Clone, Debug)]
pub(crate) struct Context {
    pub(crate) endpoint: Endpoint,
    pub(crate) table: String,
    pub(crate) shape: Shape,
    pub(crate) mix: Vec<Share>,
    pub(crate) keys: Keys,
    pub(crate) chooser: Chooser,
    pub(crate) pool: Rc<PayloadPool>,
    pub(crate) sign: bool,
    pub(crate) expect: Expect,
    /// How many clients there are.
    pub(crate) clients: u64,
}

/// One of them.
pub(crate) struct Client {
    context: Rc<Context>,
    connection: Connection,
    shares: Vec<Vec<(Kind, Template)>>,
    signer: Signer,
    random: Random,
    number: u64,
    until_sample: u32,
    items: Vec<ItemRef>,
    last_written: Option<(Kind, u64)>,
    /// Bytes of the last answer's body.
    pub(crate) answer_bytes: usize,
}

impl Client {
    /// The client of this number, connected; `seed` makes its choices its own.
    pub(crate) async fn open(context: &Rc<Context>, number: u64, seed: u64) -> Result<Self, String> {
        let template =
            |kind: &Kind| (*kind, kind.template(&context.endpoint, &context.table, &context.shape));
        let shares = context.mix.iter().map(|share| share.steps.iter().map(template).collect()).collect();
        Ok(Self {
            connection: Connection::open(&context.endpoint).await?,
            shares,
            signer: Signer::new(REGION),
            random: Random::new(seed.wrapping_mul(4_096).wrapping_add(number)),
            number,
            until_sample: (number % u64::from(SAMPLE_EVERY)) as u32,
            items: Vec::new(),
            last_written: None,
            answer_bytes: 0,
            context: Rc::clone(context),
        })
    }

    /// One operation of the mix, answered and checked.
    pub(crate) async fn operate(&mut self) -> Result<(), String> {
        let mut rest = self.random.below(100);
        let mut share = 0;
        while rest >= self.context.mix[share].percent {
            rest -= self.context.mix[share].percent;
            share += 1;
        }
        for step in 0..self.shares[share].len() {
            self.send(share, step).await?;
        }
        Ok(())
    }

    /// Chooses the items that a request is about; those of the step before if it is a later one.
    fn choose(&mut self, kind: Kind, first_step: bool) -> u64 {
        let Self { context, random, items, .. } = self;
        let count = context.keys.count();
        let mut limit = PAGE_ITEMS;
        if !first_step {
            for item in items.iter_mut() {
                item.version = Version::written(item.version.key, random.below(u64::MAX));
            }
            return limit;
        }
        items.clear();
        let mut add = |key: u64, random: &mut Random| {
            let version = Version::written(key, random.below(u64::MAX));
            items.push(ItemRef { version, index: random.below(INDEX_VALUES) });
        };
        match kind {
            Kind::Insert => add(context.keys.begin_insert(), random),
            Kind::Query => {
                let key = context.chooser.next(count, random);
                add(key - key % PAGE_ITEMS, random);
            }
            Kind::QueryUpTo => {
                limit = 1 + random.below(PAGE_ITEMS);
                // A whole page lies behind where it starts.
                let per_partition = context.shape.per_partition.unwrap_or(1);
                let last = (count / per_partition * per_partition).saturating_sub(1);
                let key = context.chooser.next(last + 1, random);
                let sort = (key % per_partition).min(per_partition - limit);
                add(key - key % per_partition + sort, random);
            }
            Kind::BatchGet | Kind::BatchWrite => {
                let (step, first) = (count / u64::from(kind.items()), random.below(count));
                for at in 0..u64::from(kind.items()) {
                    add((first + at * step) % count, random);
                }
            }
            Kind::Transact => {
                // Keys of this client alone: transactions that meet would cancel each other.
                let (step, own) = (context.clients, count / context.clients);
                let first = random.below(own);
                for at in 0..u64::from(kind.items()) {
                    add((first + at * (own / 4)) % own * step + self.number, random);
                }
            }
            _ => add(context.chooser.next(count, random), random),
        }
        limit
    }

    async fn send(&mut self, share: usize, step: usize) -> Result<(), String> {
        let kind = self.shares[share][step].0;
        let limit = self.choose(kind, step == 0);
        let Self { context, connection, shares, signer, items, .. } = self;
        let template = &mut shares[share][step].1;
        template.fill(&context.shape, items, limit, &context.pool);
        template.finish(signer, context.sign, Instant::now());
        let answer = connection.exchange(template.bytes()).await;
        if kind == Kind::Insert {
            // Whatever became of it: a failure ends the run.
            context.keys.end_insert(items[0].version.key);
        }
        let answer = answer?;
        self.answer_bytes = answer.body.len();
        let least = match context.expect {
            Expect::Items => kind.answer_bytes_min(&context.shape, limit),
            Expect::Bytes(bytes) => bytes,
        };
        if answer.status != 200 || answer.body.len() < least {
            return Err(format!("{}: {}", kind.operation(), answer.describe()));
        }
        if context.expect == Expect::Items {
            let always = kind == Kind::BatchWrite;
            if self.until_sample == 0 || always {
                let keys: Vec<u64> = items.iter().map(|item| item.version.key).collect();
                kind.check(answer.body, &context.table, &context.shape, &keys, limit, &context.pool)
                    .map_err(|error| format!("{}: {error}: {}", kind.operation(), answer.describe()))?;
            }
            self.until_sample = self.until_sample.checked_sub(1).unwrap_or(SAMPLE_EVERY);
            if kind.writes() {
                self.last_written = Some((kind, items[0].version.key));
            }
        }
        Ok(())
    }

    /// Reads again what was written last.
    pub(crate) async fn check_last_write(&mut self) -> Result<(), String> {
        let Some((kind, key)) = self.last_written.take() else { return Ok(()) };
        let context = &self.context;
        let mut template = Kind::GetConsistent.template(&context.endpoint, &context.table, &context.shape);
        let item = ItemRef { version: Version::loaded(key), index: 0 };
        template.fill(&context.shape, &[item], 1, &context.pool);
        template.finish(&mut self.signer, context.sign, Instant::now());
        let answer = exchange_in_time(&mut self.connection, template.bytes()).await?;
        if answer.status != 200 {
            return Err(format!("GetItem after {}: {}", kind.operation(), answer.describe()));
        }
        kind.check_written(answer.body, &context.shape, key, &context.pool)
    }
}
