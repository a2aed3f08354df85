//! The requests of DynamoDB Streams. Written by `scripts/api-model`, not by hand.

use super::super::table::{Shape, optional};

pub(in crate::shapes) static SEQUENCE_NUMBER: Shape = Shape::text().length(21, 40);
pub(in crate::shapes) static SHARD_FILTER: Shape =
    Shape::structure("ShardFilter", &[optional("Type", &SHARD_FILTER_TYPE), optional("ShardId", &SHARD_ID)]);
pub(in crate::shapes) static SHARD_FILTER_TYPE: Shape = Shape::choice(&["CHILD_SHARDS"]);
pub(in crate::shapes) static SHARD_ID: Shape = Shape::text().length(28, 65);
pub(in crate::shapes) static SHARD_ITERATOR: Shape = Shape::text().length(1, 2048);
pub(in crate::shapes) static SHARD_ITERATOR_TYPE: Shape =
    Shape::choice(&["TRIM_HORIZON", "LATEST", "AT_SEQUENCE_NUMBER", "AFTER_SEQUENCE_NUMBER", "AT_TIMESTAMP"]);
pub(in crate::shapes) static TABLE_NAME: Shape = Shape::text().length(3, 255).pattern("[a-zA-Z0-9_.-]+");
pub(in crate::shapes) static TIMESTAMP: Shape = Shape::timestamp();
