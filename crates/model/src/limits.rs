//! Every limit in one place, each with its source.
//!
//! `[D]` the service's documentation, `[L]` measured on the live service by others, `[G]` Graticule's own.
//! Sizes are binary: 1 KB = 1024 bytes.

/// Largest item: attribute names and values together `[D]`.
pub const ITEM_SIZE_BYTES_MAX: usize = 400 * 1024;
/// Longest partition key value `[D]`.
pub const PARTITION_KEY_BYTES_MAX: usize = 2048;
/// Longest sort key value `[D]`.
pub const SORT_KEY_BYTES_MAX: usize = 1024;
/// Most levels of a value: 31 lists or maps inside each other, and what the innermost holds `[L]`.
pub const NESTING_DEPTH_MAX: usize = 32;
/// Longest name of a table or an index `[D]`.
pub const TABLE_NAME_LENGTH_MAX: usize = 255;
/// Shortest name of a table or an index `[D]`.
pub const TABLE_NAME_LENGTH_MIN: usize = 3;
/// Longest attribute name `[D]`.
pub const ATTRIBUTE_NAME_BYTES_MAX: usize = 65_535;
/// Longest name of a key attribute `[D]`.
pub const KEY_ATTRIBUTE_NAME_BYTES_MAX: usize = 255;
/// Longest expression `[D]`.
pub const EXPRESSION_BYTES_MAX: usize = 4096;
/// Longest placeholder, `#x` or `:v` `[D]`.
pub const PLACEHOLDER_BYTES_MAX: usize = 255;
/// Most bytes of the names, and of the values, that the placeholders of a request stand for `[D]`.
pub const EXPRESSION_VARIABLES_BYTES_MAX: usize = 2 * 1024 * 1024;
/// Most operators and functions in one expression `[L]`.
pub const EXPRESSION_OPERATORS_MAX: usize = 300;
/// Most operands of `IN` `[D]`.
pub const IN_OPERANDS_MAX: usize = 100;
/// Most keys that a PartiQL SELECT names with `IN` or `OR` `[D]`.
pub const PARTIQL_KEYS_MAX: usize = 50;
/// Most items on a page of a PartiQL SELECT that names several keys `[D]`.
pub const PARTIQL_KEYS_PAGE_MAX: usize = 10;
/// Bytes of items that one page of Query or Scan evaluates `[D]`.
pub const PAGE_BYTES_MAX: usize = 1024 * 1024;
/// Most keys in BatchGetItem `[D]`.
pub const BATCH_GET_KEYS_MAX: usize = 100;
/// Largest answer of BatchGetItem, in bytes of items `[D]`.
pub const BATCH_GET_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Most requests in BatchWriteItem `[D]`.
pub const BATCH_WRITE_REQUESTS_MAX: usize = 25;
/// Most actions in a transaction `[D]`.
pub const TRANSACTION_ACTIONS_MAX: usize = 100;
/// Most bytes of items in a transaction `[D]`.
pub const TRANSACTION_BYTES_MAX: usize = 4 * 1024 * 1024;
/// How long a ClientRequestToken is remembered `[D]`.
pub const CLIENT_REQUEST_TOKEN_MS: u64 = 10 * 60 * 1000;
/// Most segments of a parallel Scan `[D]`.
pub const SCAN_SEGMENTS_MAX: u32 = 1_000_000;
/// Most global secondary indexes of a table `[D]`.
pub const GLOBAL_INDEXES_MAX: usize = 20;
/// Most local secondary indexes of a table `[D]`.
pub const LOCAL_INDEXES_MAX: usize = 5;
/// Most projected attributes over all INCLUDE indexes of a table `[D]`.
pub const PROJECTED_ATTRIBUTES_MAX: usize = 100;
/// Largest item collection of a table with local secondary indexes: items and their entries in those `[D]`.
pub const COLLECTION_BYTES_MAX: u64 = 10 * 1024 * 1024 * 1024;
/// Most tags of a table `[D]`.
pub const TAGS_MAX: usize = 50;
/// Most tables of a Region (the quota that an account starts with) `[D]`.
pub const TABLES_MAX: usize = 2500;
/// Most names in one answer of ListTables `[D]`.
pub const LIST_TABLES_PAGE_MAX: usize = 100;
/// Most records in one answer of GetRecords `[D]`.
pub const STREAM_RECORDS_PAGE_MAX: usize = 1000;
/// Most bytes in one answer of GetRecords `[D]`.
pub const STREAM_PAGE_BYTES_MAX: usize = 1024 * 1024;
/// How long stream records are kept `[D]`.
pub const STREAM_RETENTION_MS: u64 = 24 * 60 * 60 * 1000;
/// How long a shard takes records before another one follows it `[D, about four hours]`.
pub const STREAM_SHARD_MS: u64 = 4 * 60 * 60 * 1000;
/// Most shards of a stream that are remembered: more than follow each other in a day `[G]`.
pub const STREAM_SHARDS_MAX: usize = 1000;
/// How long a shard iterator can be used `[D]`.
pub const SHARD_ITERATOR_AGE_MS_MAX: u64 = 15 * 60 * 1000;
/// An item whose TTL lies further in the past is left alone `[D]`.
pub const TTL_AGE_SECONDS_MAX: u64 = 5 * 365 * 24 * 60 * 60;
/// How long the TTL setting of a table stays as it is once it was changed `[L, the docs say an hour]`.
pub const TTL_CHANGE_MS_MIN: u64 = 30 * 60 * 1000;
/// Largest request body `[D, in its sum: 16 MB of items, with room for JSON and base64]`.
pub const REQUEST_BODY_BYTES_MAX: usize = 32 * 1024 * 1024;
/// Most Regions that one process hosts `[G]`.
pub const HOSTED_REGIONS_MAX: usize = 64;
/// Significant digits of a number `[D]`.
pub const NUMBER_DIGITS_MAX: u32 = 38;
/// Default quota of read or write capacity units of one table, described only `[D] [quota]`.
pub const TABLE_CAPACITY_UNITS_MAX: u64 = 40_000;
/// Default quota of read or write capacity units of an account, described only `[D] [quota]`.
pub const ACCOUNT_CAPACITY_UNITS_MAX: u64 = 80_000;
/// Seconds of unused capacity that a table or index saves up for a burst `[D]`.
pub const BURST_SECONDS_MAX: u64 = 300;
/// Read and write units per second that a table or index billed per request serves at once `[D]`.
pub const ON_DEMAND_WARM_UNITS: (u64, u64) = (12_000, 4_000);
/// Decreases of provisioned capacity at the start of a UTC day; one more is granted per hour without any `[D]`.
pub const CAPACITY_DECREASES_BANKED_MAX: u32 = 4;
/// Decreases of provisioned capacity in one UTC day `[D]`.
pub const CAPACITY_DECREASES_PER_DAY_MAX: u32 = 27;
/// Changes from provisioned to on-demand billing in any 24 hours `[D]`.
pub const ON_DEMAND_SWITCHES_PER_DAY_MAX: usize = 4;
/// Least part of capacity that auto scaling can be told to follow, in percent `[D]`.
pub const AUTO_SCALING_TARGET_PERCENT_MIN: f64 = 20.0;
/// Greatest part of capacity that auto scaling can be told to follow, in percent `[D]`.
pub const AUTO_SCALING_TARGET_PERCENT_MAX: f64 = 90.0;
/// Changes of the table class of a replica in any 30 days `[L]`.
pub const TABLE_CLASS_CHANGES_MAX: usize = 2;
/// The time in which those changes are counted `[L]`.
pub const TABLE_CLASS_WINDOW_MS: u64 = 30 * 24 * 60 * 60 * 1000;
/// How long a replica has to stay after another one was added from its Region, where that rule is on `[L]`.
pub const SOURCE_REGION_HOLD_MS: u64 = 24 * 60 * 60 * 1000;
/// How long a replica that was taken out and is not heard of stands in the way of other changes `[G]`.
pub const REPLICA_LEAVING_BLOCKS_MS: u64 = 60 * 1000;
