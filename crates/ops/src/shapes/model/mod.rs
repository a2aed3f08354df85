//! The requests of both services, by operation. Written by `scripts/api-model`, not by hand.

pub(super) mod collections;
mod inputs;
pub(super) mod streams;
pub(super) mod structures;
pub(super) mod values;

use super::{departures, table::Shape};
use crate::Service;

/// The shape of an operation's request.
pub(super) fn input(service: Service, operation: &str) -> Option<&'static Shape> {
    Some(match (service, operation) {
        (Service::DynamoDb, "BatchExecuteStatement") => &inputs::BATCH_EXECUTE_STATEMENT_INPUT,
        (Service::DynamoDb, "BatchGetItem") => &inputs::BATCH_GET_ITEM_INPUT,
        (Service::DynamoDb, "BatchWriteItem") => &inputs::BATCH_WRITE_ITEM_INPUT,
        (Service::DynamoDb, "CancelBulkOperation") => &inputs::CANCEL_BULK_OPERATION_INPUT,
        (Service::DynamoDb, "CreateBackup") => &inputs::CREATE_BACKUP_INPUT,
        (Service::DynamoDb, "CreateGlobalTable") => &inputs::CREATE_GLOBAL_TABLE_INPUT,
        (Service::DynamoDb, "CreateTable") => &departures::CREATE_TABLE_INPUT,
        (Service::DynamoDb, "DeleteBackup") => &inputs::DELETE_BACKUP_INPUT,
        (Service::DynamoDb, "DeleteItem") => &inputs::DELETE_ITEM_INPUT,
        (Service::DynamoDb, "DeleteResourcePolicy") => &inputs::DELETE_RESOURCE_POLICY_INPUT,
        (Service::DynamoDb, "DeleteTable") => &inputs::DELETE_TABLE_INPUT,
        (Service::DynamoDb, "DescribeBackup") => &inputs::DESCRIBE_BACKUP_INPUT,
        (Service::DynamoDb, "DescribeBulkOperation") => &inputs::DESCRIBE_BULK_OPERATION_INPUT,
        (Service::DynamoDb, "DescribeContinuousBackups") => &inputs::DESCRIBE_CONTINUOUS_BACKUPS_INPUT,
        (Service::DynamoDb, "DescribeContributorInsights") => &inputs::DESCRIBE_CONTRIBUTOR_INSIGHTS_INPUT,
        (Service::DynamoDb, "DescribeEndpoints") => &inputs::DESCRIBE_ENDPOINTS_REQUEST,
        (Service::DynamoDb, "DescribeExport") => &inputs::DESCRIBE_EXPORT_INPUT,
        (Service::DynamoDb, "DescribeGlobalTable") => &inputs::DESCRIBE_GLOBAL_TABLE_INPUT,
        (Service::DynamoDb, "DescribeGlobalTableSettings") => &inputs::DESCRIBE_GLOBAL_TABLE_SETTINGS_INPUT,
        (Service::DynamoDb, "DescribeImport") => &inputs::DESCRIBE_IMPORT_INPUT,
        (Service::DynamoDb, "DescribeKinesisStreamingDestination") => {
            &inputs::DESCRIBE_KINESIS_STREAMING_DESTINATION_INPUT
        }
        (Service::DynamoDb, "DescribeLimits") => &inputs::DESCRIBE_LIMITS_INPUT,
        (Service::DynamoDb, "DescribeTable") => &inputs::DESCRIBE_TABLE_INPUT,
        (Service::DynamoDb, "DescribeTableReplicaAutoScaling") => {
            &inputs::DESCRIBE_TABLE_REPLICA_AUTO_SCALING_INPUT
        }
        (Service::DynamoDb, "DescribeTimeToLive") => &inputs::DESCRIBE_TIME_TO_LIVE_INPUT,
        (Service::DynamoDb, "DisableKinesisStreamingDestination") => {
            &inputs::KINESIS_STREAMING_DESTINATION_INPUT
        }
        (Service::DynamoDb, "EnableKinesisStreamingDestination") => {
            &inputs::KINESIS_STREAMING_DESTINATION_INPUT
        }
        (Service::DynamoDb, "ExecuteStatement") => &inputs::EXECUTE_STATEMENT_INPUT,
        (Service::DynamoDb, "ExecuteTransaction") => &inputs::EXECUTE_TRANSACTION_INPUT,
        (Service::DynamoDb, "ExportTableToPointInTime") => &inputs::EXPORT_TABLE_TO_POINT_IN_TIME_INPUT,
        (Service::DynamoDb, "GetItem") => &inputs::GET_ITEM_INPUT,
        (Service::DynamoDb, "GetResourcePolicy") => &inputs::GET_RESOURCE_POLICY_INPUT,
        (Service::DynamoDb, "ImportTable") => &inputs::IMPORT_TABLE_INPUT,
        (Service::DynamoDb, "ListBackups") => &inputs::LIST_BACKUPS_INPUT,
        (Service::DynamoDb, "ListBulkOperations") => &inputs::LIST_BULK_OPERATIONS_INPUT,
        (Service::DynamoDb, "ListContributorInsights") => &inputs::LIST_CONTRIBUTOR_INSIGHTS_INPUT,
        (Service::DynamoDb, "ListExports") => &inputs::LIST_EXPORTS_INPUT,
        (Service::DynamoDb, "ListGlobalTables") => &inputs::LIST_GLOBAL_TABLES_INPUT,
        (Service::DynamoDb, "ListImports") => &inputs::LIST_IMPORTS_INPUT,
        (Service::DynamoDb, "ListTables") => &inputs::LIST_TABLES_INPUT,
        (Service::DynamoDb, "ListTagsOfResource") => &inputs::LIST_TAGS_OF_RESOURCE_INPUT,
        (Service::DynamoDb, "PutItem") => &inputs::PUT_ITEM_INPUT,
        (Service::DynamoDb, "PutResourcePolicy") => &inputs::PUT_RESOURCE_POLICY_INPUT,
        (Service::DynamoDb, "Query") => &inputs::QUERY_INPUT,
        (Service::DynamoDb, "RestoreTableFromBackup") => &inputs::RESTORE_TABLE_FROM_BACKUP_INPUT,
        (Service::DynamoDb, "RestoreTableToPointInTime") => &inputs::RESTORE_TABLE_TO_POINT_IN_TIME_INPUT,
        (Service::DynamoDb, "Scan") => &inputs::SCAN_INPUT,
        (Service::DynamoDb, "SearchVectors") => &inputs::SEARCH_VECTORS_INPUT,
        (Service::DynamoDb, "StartBulkPutItems") => &inputs::START_BULK_PUT_ITEMS_INPUT,
        (Service::DynamoDb, "TagResource") => &inputs::TAG_RESOURCE_INPUT,
        (Service::DynamoDb, "TransactGetItems") => &inputs::TRANSACT_GET_ITEMS_INPUT,
        (Service::DynamoDb, "TransactWriteItems") => &inputs::TRANSACT_WRITE_ITEMS_INPUT,
        (Service::DynamoDb, "UntagResource") => &inputs::UNTAG_RESOURCE_INPUT,
        (Service::DynamoDb, "UpdateContinuousBackups") => &inputs::UPDATE_CONTINUOUS_BACKUPS_INPUT,
        (Service::DynamoDb, "UpdateContributorInsights") => &inputs::UPDATE_CONTRIBUTOR_INSIGHTS_INPUT,
        (Service::DynamoDb, "UpdateGlobalTable") => &inputs::UPDATE_GLOBAL_TABLE_INPUT,
        (Service::DynamoDb, "UpdateGlobalTableSettings") => &inputs::UPDATE_GLOBAL_TABLE_SETTINGS_INPUT,
        (Service::DynamoDb, "UpdateItem") => &inputs::UPDATE_ITEM_INPUT,
        (Service::DynamoDb, "UpdateKinesisStreamingDestination") => {
            &inputs::UPDATE_KINESIS_STREAMING_DESTINATION_INPUT
        }
        (Service::DynamoDb, "UpdateTable") => &inputs::UPDATE_TABLE_INPUT,
        (Service::DynamoDb, "UpdateTableReplicaAutoScaling") => {
            &inputs::UPDATE_TABLE_REPLICA_AUTO_SCALING_INPUT
        }
        (Service::DynamoDb, "UpdateTimeToLive") => &inputs::UPDATE_TIME_TO_LIVE_INPUT,
        (Service::Streams, "DescribeStream") => &departures::DESCRIBE_STREAM_INPUT,
        (Service::Streams, "GetRecords") => &departures::GET_RECORDS_INPUT,
        (Service::Streams, "GetShardIterator") => &departures::GET_SHARD_ITERATOR_INPUT,
        (Service::Streams, "ListStreams") => &departures::LIST_STREAMS_INPUT,
        _ => return None,
    })
}

/// Every pattern that a text has to match somewhere.
#[cfg(test)]
pub(super) const PATTERNS: &[&str] = &[
    "([0-9a-f]{16})+",
    "[,;:|\\t ]",
    "[0-9]{12}",
    "[\\u0020-\\uD7FF\\uE000-\\uFFFD\\uD800\\uDC00-\\uDBFF\\uDFFF\\r\\n\\t]*",
    "[\\x20-\\x21\\x23-\\x2B\\x2D-\\x7E]*",
    "[a-zA-Z0-9_.-]+",
    "\\p{Print}+",
    "^[^\\$]+$",
    "^[a-z0-9A-Z]+[\\.\\-\\w]*[a-z0-9A-Z]+$",
];
