//! Where the service does not do what its model says.
//!
//! A shape defined here takes the place of the model's shape of that name; `scripts/api-model` reads their names from
//! this file and leaves them out of `model`.

use super::{
    model::streams,
    model::{collections, structures, values},
    table::{Shape, optional, required},
};

/// The model has 1 to 1024 characters, for ARNs. A name is held to the rules of names.
pub(super) static TABLE_ARN: Shape = Shape::table_reference();

/// Attribute names that are too long are reported with the attribute values, in words of their own.
pub(super) static ATTRIBUTE_NAME: Shape = Shape::text();

/// A batch for no table and one for too many are refused by the operation, in words of its own.
pub(super) static BATCH_GET_REQUEST_MAP: Shape = Shape::map(&TABLE_ARN, &structures::KEYS_AND_ATTRIBUTES);
/// As for reads.
pub(super) static BATCH_WRITE_ITEM_REQUEST_MAP: Shape = Shape::map(&TABLE_ARN, &collections::WRITE_REQUESTS);

/// A class that does not exist is refused by the operation, in words of its own.
pub(super) static TABLE_CLASS: Shape = Shape::text();

// The service prints these in an order that is not the model's.

/// `ReturnValues`
pub(super) static RETURN_VALUE: Shape =
    Shape::choice(&["ALL_NEW", "UPDATED_OLD", "ALL_OLD", "NONE", "UPDATED_NEW"]);
/// `Select`
pub(super) static SELECT: Shape =
    Shape::choice(&["SPECIFIC_ATTRIBUTES", "COUNT", "ALL_ATTRIBUTES", "ALL_PROJECTED_ATTRIBUTES"]);
/// `ConditionalOperator`
pub(super) static CONDITIONAL_OPERATOR: Shape = Shape::choice(&["OR", "AND"]);
/// `ComparisonOperator`
pub(super) static COMPARISON_OPERATOR: Shape = Shape::choice(&[
    "IN",
    "NULL",
    "BETWEEN",
    "LT",
    "NOT_CONTAINS",
    "EQ",
    "GT",
    "NOT_NULL",
    "NE",
    "LE",
    "BEGINS_WITH",
    "GE",
    "CONTAINS",
]);
/// `AttributeType`
pub(super) static SCALAR_ATTRIBUTE_TYPE: Shape = Shape::choice(&["B", "N", "S"]);
/// `ProjectionType`
pub(super) static PROJECTION_TYPE: Shape = Shape::choice(&["ALL", "INCLUDE", "KEYS_ONLY"]);

/// The key of a table or of a local secondary index. The model has no limit, for the sake of global ones.
static TABLE_KEY_SCHEMA: Shape = Shape::list(&structures::KEY_SCHEMA_ELEMENT).length(1, 2);

/// The key has the table's limit.
pub(super) static LOCAL_SECONDARY_INDEX: Shape = Shape::structure(
    "LocalSecondaryIndex",
    &[
        required("IndexName", &values::INDEX_NAME),
        required("KeySchema", &TABLE_KEY_SCHEMA),
        required("Projection", &structures::PROJECTION),
    ],
);

/// Definitions and key are optional in the model, for the sake of replicas; a table needs them.
pub(super) static CREATE_TABLE_INPUT: Shape = Shape::structure(
    "CreateTableInput",
    &[
        required("TableName", &TABLE_ARN),
        required("AttributeDefinitions", &collections::ATTRIBUTE_DEFINITIONS),
        required("KeySchema", &TABLE_KEY_SCHEMA),
        optional("LocalSecondaryIndexes", &collections::LOCAL_SECONDARY_INDEX_LIST),
        optional("GlobalSecondaryIndexes", &collections::GLOBAL_SECONDARY_INDEX_LIST),
        optional("BillingMode", &values::BILLING_MODE),
        optional("ProvisionedThroughput", &structures::PROVISIONED_THROUGHPUT),
        optional("StreamSpecification", &structures::STREAM_SPECIFICATION),
        optional("SSESpecification", &structures::SSE_SPECIFICATION),
        optional("Tags", &collections::TAG_LIST),
        optional("TableClass", &TABLE_CLASS),
        optional("DeletionProtectionEnabled", &values::DELETION_PROTECTION_ENABLED),
        optional("WarmThroughput", &structures::WARM_THROUGHPUT),
        optional("ResourcePolicy", &values::RESOURCE_POLICY),
        optional("OnDemandThroughput", &structures::ON_DEMAND_THROUGHPUT),
        optional("GlobalTableSourceArn", &TABLE_ARN),
        optional("GlobalTableSettingsReplicationMode", &values::GLOBAL_TABLE_SETTINGS_REPLICATION_MODE),
        optional("VectorIndexes", &collections::VECTOR_INDEX_LIST),
    ],
);

// Pages of DynamoDB Streams have the limits that its documentation gives; the model has none.

static STREAM_PAGE: Shape = Shape::integer().range(1, 100);
static RECORDS_PAGE: Shape = Shape::integer().range(1, 1000);
// The model has 37 to 1024 characters. What is no ARN of a stream is refused in words of its own, however short.
static ANY_STREAM_ARN: Shape = Shape::text();

/// At most 100 streams.
pub(super) static LIST_STREAMS_INPUT: Shape = Shape::structure(
    "ListStreamsInput",
    &[
        optional("TableName", &streams::TABLE_NAME),
        optional("Limit", &STREAM_PAGE),
        optional("ExclusiveStartStreamArn", &ANY_STREAM_ARN),
    ],
);
/// At most 100 shards.
pub(super) static DESCRIBE_STREAM_INPUT: Shape = Shape::structure(
    "DescribeStreamInput",
    &[
        required("StreamArn", &ANY_STREAM_ARN),
        optional("Limit", &STREAM_PAGE),
        optional("ExclusiveStartShardId", &streams::SHARD_ID),
        optional("ShardFilter", &streams::SHARD_FILTER),
    ],
);
/// Any text as the ARN.
pub(super) static GET_SHARD_ITERATOR_INPUT: Shape = Shape::structure(
    "GetShardIteratorInput",
    &[
        required("StreamArn", &ANY_STREAM_ARN),
        required("ShardId", &streams::SHARD_ID),
        required("ShardIteratorType", &streams::SHARD_ITERATOR_TYPE),
        optional("SequenceNumber", &streams::SEQUENCE_NUMBER),
        optional("Timestamp", &streams::TIMESTAMP),
    ],
);
/// At most 1000 records.
pub(super) static GET_RECORDS_INPUT: Shape = Shape::structure(
    "GetRecordsInput",
    &[required("ShardIterator", &streams::SHARD_ITERATOR), optional("Limit", &RECORDS_PAGE)],
);
