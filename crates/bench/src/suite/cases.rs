//! The list of workloads and of the tables that they run on.

use super::{choose::Distribution, client::Share, kinds::Kind, products::Mode, shapes::Shape};

/// A table.
#[derive(Clone, Debug)]
pub(crate) struct TableSpec {
    pub(crate) name: &'static str,
    pub(crate) shape: Shape,
    pub(crate) items: u64,
    pub(crate) stream: bool,
}

/// A workload.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) title: &'static str,
    /// Workloads of one group follow each other in the list and are measured in the same rounds.
    pub(crate) group: &'static str,
    pub(crate) table: &'static str,
    pub(crate) mix: Vec<Share>,
    pub(crate) distribution: Distribution,
    pub(crate) connections: u64,
    /// Part of the short run.
    pub(crate) quick: bool,
    /// Measured with servers that write to disk too.
    pub(crate) durable: bool,
    /// Also in the open loop and with more and more connections.
    pub(crate) latency: bool,
}

impl Case {
    /// Whether the null server can stand for it: answers of one size.
    pub(crate) fn has_null(&self) -> bool {
        self.mix.len() == 1 && self.mix[0].steps.len() == 1
    }
}

const KIB: usize = 1024;
const MANY: u64 = 64;
/// Where one request is work enough.
const FEW: u64 = 16;

/// All workloads, those on one table together.
pub(crate) fn all() -> Vec<Case> {
    use Kind::{
        BatchGet, BatchWrite, Get, Insert, Put, Query, QueryUpTo, Scan, Transact, Update, UpdateField,
        UpdateIf,
    };
    let one = |name, title, table, kind| Case {
        name,
        title,
        group: name,
        table,
        mix: vec![Share { percent: 100, steps: vec![kind] }],
        distribution: Distribution::Uniform,
        connections: MANY,
        quick: false,
        durable: false,
        latency: false,
    };
    let few = |case: Case| Case { connections: FEW, ..case };
    let durable = |case: Case| Case { durable: true, ..case };
    let quick = |case: Case| Case { quick: true, ..case };
    let latency = |case: Case| Case { latency: true, ..case };
    let indexed = |case: Case| Case { group: "indexes", ..case };
    let ycsb = |name, title, table, distribution, mix: [(u64, &[Kind]); 2]| Case {
        mix: mix.into_iter().map(|(percent, steps)| Share { percent, steps: steps.to_vec() }).collect(),
        distribution,
        ..one(name, title, table, Get)
    };
    let (zipfian, latest) = (Distribution::Zipfian, Distribution::Latest);
    vec![
        latency(quick(durable(one("get", "GetItem, 1 KB", "items", Get)))),
        latency(quick(durable(one("put", "PutItem, 1 KB", "items", Put)))),
        quick(durable(one("update", "UpdateItem, 1 KB", "items", Update))),
        durable(one("update_if", "UpdateItem with a condition, 1 KB", "items", UpdateIf)),
        durable(few(one("batch_write", "BatchWriteItem of 25, 1 KB", "items", BatchWrite))),
        few(one("batch_get", "BatchGetItem of 100, 1 KB", "items", BatchGet)),
        durable(few(one("transact", "TransactWriteItems of 4, 1 KB", "items", Transact))),
        quick(few(one("query", "Query of 100, 100 B", "query", Query))),
        one("get_100b", "GetItem, 100 B", "small", Get),
        one("put_100b", "PutItem, 100 B", "small", Put),
        few(one("scan", "Scan of 100, 100 B", "small", Scan)),
        one("get_attributes", "GetItem, 100 attributes, 1 KB", "attributes", Get),
        one("put_attributes", "PutItem, 100 attributes, 1 KB", "attributes", Put),
        few(one("get_256k", "GetItem, 256 KB", "large", Get)),
        durable(few(one("put_256k", "PutItem, 256 KB", "large", Put))),
        indexed(durable(one("put_plain", "PutItem, 1 KB, no GSI, beside the next two", "plain", Put))),
        indexed(durable(one("put_gsi1", "PutItem, 1 KB, one GSI", "gsi1", Put))),
        indexed(durable(one("put_gsi5", "PutItem, 1 KB, five GSIs", "gsi5", Put))),
        durable(one("put_stream", "PutItem, 1 KB, with a stream", "stream", Put)),
        durable(ycsb(
            "ycsb_a",
            "YCSB A: half reads, half updates",
            "ycsb",
            zipfian,
            [(50, &[Get]), (50, &[UpdateField])],
        )),
        durable(ycsb(
            "ycsb_b",
            "YCSB B: 95 % reads, 5 % updates",
            "ycsb",
            zipfian,
            [(95, &[Get]), (5, &[UpdateField])],
        )),
        ycsb("ycsb_c", "YCSB C: reads", "ycsb", zipfian, [(50, &[Get]), (50, &[Get])]),
        durable(ycsb(
            "ycsb_d",
            "YCSB D: 95 % reads of the latest, 5 % inserts",
            "ycsb",
            latest,
            [(95, &[Get]), (5, &[Insert])],
        )),
        durable(ycsb(
            "ycsb_f",
            "YCSB F: half reads, half read-modify-write",
            "ycsb",
            zipfian,
            [(50, &[Get]), (50, &[Get, UpdateField])],
        )),
        few(ycsb(
            "ycsb_e",
            "YCSB E: 95 % Query of up to 100, 5 % inserts",
            "ycsb_sorted",
            zipfian,
            [(95, &[QueryUpTo]), (5, &[Insert])],
        )),
    ]
}

/// A table of the list above. A short run has small ones, and so have servers that wait for the disk with every item.
pub(crate) fn table(name: &'static str, quick: bool, mode: Mode) -> TableSpec {
    let kb = Shape::simple(KIB);
    let (shape, items, stream) = match name {
        "items" => (kb, 50_000, false),
        "query" => (Shape::sorted(100, 100), 20_000, false),
        "small" => (Shape::simple(100), 50_000, false),
        "attributes" => (Shape::many(100, KIB), 20_000, false),
        "large" => (Shape::simple(256 * KIB), 200, false),
        "plain" => (kb, 20_000, false),
        "gsi1" => (kb.indexed(1), 20_000, false),
        "gsi5" => (kb.indexed(5), 20_000, false),
        // Few, since a server whose streams cost more with every record would still be loading.
        "stream" => (kb, 2_500, true),
        "ycsb_sorted" => (Shape::sorted(KIB, 1_000), 50_000, false),
        _ => (Shape::fields(10, 100), 50_000, false),
    };
    let most = match (mode, quick) {
        (Mode::Memory, false) => u64::MAX,
        (Mode::Memory, true) => 5_000,
        (Mode::Durable, false) if matches!(name, "plain" | "gsi1" | "gsi5") => 2_500,
        (Mode::Durable, false) => 10_000,
        (Mode::Durable, true) => 1_000,
    };
    TableSpec { name, shape, items: items.min(most), stream }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn workloads_of_a_table_and_of_a_group_lie_together_and_mixes_add_up() {
        let mut seen: Vec<&str> = Vec::new();
        let all = all();
        let groups: std::collections::BTreeSet<&str> = all.iter().map(|case| case.group).collect();
        assert_eq!(all.chunk_by(|one, next| one.group == next.group).count(), groups.len());
        for case in all {
            assert_eq!(case.mix.iter().map(|share| share.percent).sum::<u64>(), 100, "{}", case.name);
            if seen.last() != Some(&case.table) {
                assert!(!seen.contains(&case.table), "{}", case.name);
                seen.push(case.table);
            }
            let table = table(case.table, true, Mode::Durable);
            assert_eq!(table.items % u64::from(super::super::kinds::BATCH_WRITE_ITEMS), 0, "{}", table.name);
        }
    }
}
