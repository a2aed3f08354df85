//! The requests of DynamoDB's operations. Written by `scripts/api-model`, not by hand.

use super::super::departures::{
    BATCH_GET_REQUEST_MAP, BATCH_WRITE_ITEM_REQUEST_MAP, CONDITIONAL_OPERATOR, RETURN_VALUE, SELECT,
    TABLE_ARN, TABLE_CLASS,
};
use super::super::table::{Shape, optional, required};
use super::collections::{
    ATTRIBUTE_DEFINITIONS, ATTRIBUTE_NAME_LIST, ATTRIBUTE_UPDATES, EXPECTED_ATTRIBUTE_MAP,
    EXPRESSION_ATTRIBUTE_NAME_MAP, EXPRESSION_ATTRIBUTE_VALUE_MAP, FILTER_CONDITION_MAP,
    GLOBAL_SECONDARY_INDEX_AUTO_SCALING_UPDATE_LIST, GLOBAL_SECONDARY_INDEX_LIST,
    GLOBAL_SECONDARY_INDEX_UPDATE_LIST, GLOBAL_TABLE_GLOBAL_SECONDARY_INDEX_SETTINGS_UPDATE_LIST,
    GLOBAL_TABLE_WITNESS_GROUP_UPDATE_LIST, KEY, KEY_CONDITIONS, LOCAL_SECONDARY_INDEX_LIST,
    PARAMETERIZED_STATEMENTS, PARTI_QL_BATCH_REQUEST, PREPARED_STATEMENT_PARAMETERS,
    PUT_ITEM_INPUT_ATTRIBUTE_MAP, REPLICA_AUTO_SCALING_UPDATE_LIST, REPLICA_LIST,
    REPLICA_SETTINGS_UPDATE_LIST, REPLICA_UPDATE_LIST, REPLICATION_GROUP_UPDATE_LIST, SEARCH_VECTOR_LIST,
    TAG_KEY_LIST, TAG_LIST, TRANSACT_GET_ITEM_LIST, TRANSACT_WRITE_ITEM_LIST, VECTOR_INDEX_LIST,
    VECTOR_INDEX_UPDATE_LIST,
};
use super::structures::{
    AUTO_SCALING_SETTINGS_UPDATE, ENABLE_KINESIS_STREAMING_CONFIGURATION, FILTER_SPECIFICATION,
    INCREMENTAL_EXPORT_SPECIFICATION, INPUT_FORMAT_OPTIONS, INPUT_S3_CONFIGURATION, ON_DEMAND_THROUGHPUT,
    OUTPUT_S3_CONFIGURATION, POINT_IN_TIME_RECOVERY_SPECIFICATION, PROVISIONED_THROUGHPUT, S3_BUCKET_SOURCE,
    SSE_SPECIFICATION, STREAM_SPECIFICATION, TABLE_CREATION_PARAMETERS, TIME_TO_LIVE_SPECIFICATION,
    UPDATE_KINESIS_STREAMING_CONFIGURATION, WARM_THROUGHPUT,
};
use super::values::{
    BACKUP_ARN, BACKUP_NAME, BACKUP_TYPE_FILTER, BACKUPS_INPUT_LIMIT, BILLING_MODE, BOOLEAN_OBJECT,
    BULK_OPERATION_ARN, BULK_OPERATION_MAX_WRITE_REQUEST_UNITS, BULK_OPERATION_NEXT_TOKEN,
    BULK_OPERATION_PERFORMANCE_TIER, CLIENT_REQUEST_TOKEN, CLIENT_TOKEN, CONDITION_EXPRESSION,
    CONFIRM_REMOVE_SELF_RESOURCE_ACCESS, CONSISTENT_READ, CONTRIBUTOR_INSIGHTS_ACTION,
    CONTRIBUTOR_INSIGHTS_MODE, DATE, DELETION_PROTECTION_ENABLED, DISASSOCIATION_PROTECTION_ENABLED,
    EXPORT_ARN, EXPORT_FORMAT, EXPORT_NEXT_TOKEN, EXPORT_TIME, EXPORT_TYPE,
    GLOBAL_TABLE_SETTINGS_REPLICATION_MODE, IMPORT_ARN, IMPORT_NEXT_TOKEN, INDEX_NAME,
    INPUT_COMPRESSION_TYPE, INPUT_FORMAT, KEY_EXPRESSION, LIST_BULK_OPERATIONS_MAX_LIMIT,
    LIST_CONTRIBUTOR_INSIGHTS_LIMIT, LIST_EXPORTS_MAX_LIMIT, LIST_IMPORTS_MAX_LIMIT, LIST_TABLES_INPUT_LIMIT,
    MULTI_REGION_CONSISTENCY, NEXT_TOKEN_STRING, PARTI_QL_NEXT_TOKEN, PARTI_QL_STATEMENT, POLICY_REVISION_ID,
    POSITIVE_INTEGER_OBJECT, POSITIVE_LONG_OBJECT, PROJECTION_EXPRESSION, REGION_NAME, RESOURCE_ARN_STRING,
    RESOURCE_POLICY, RETURN_CONSUMED_CAPACITY, RETURN_ITEM_COLLECTION_METRICS,
    RETURN_VALUES_ON_CONDITION_CHECK_FAILURE, S3_BUCKET, S3_BUCKET_OWNER, S3_PREFIX, S3_SSE_ALGORITHM,
    S3_SSE_KMS_KEY_ID, SCAN_SEGMENT, SCAN_TOTAL_SEGMENTS, STREAM_ARN, STRING, TABLE_NAME,
    TIME_RANGE_LOWER_BOUND, TIME_RANGE_UPPER_BOUND, TOP_K_INTEGER, UPDATE_EXPRESSION,
};

pub(in crate::shapes) static BATCH_EXECUTE_STATEMENT_INPUT: Shape = Shape::structure(
    "BatchExecuteStatementInput",
    &[
        required("Statements", &PARTI_QL_BATCH_REQUEST),
        optional("ReturnConsumedCapacity", &RETURN_CONSUMED_CAPACITY),
    ],
);
pub(in crate::shapes) static BATCH_GET_ITEM_INPUT: Shape = Shape::structure(
    "BatchGetItemInput",
    &[
        required("RequestItems", &BATCH_GET_REQUEST_MAP),
        optional("ReturnConsumedCapacity", &RETURN_CONSUMED_CAPACITY),
    ],
);
pub(in crate::shapes) static BATCH_WRITE_ITEM_INPUT: Shape = Shape::structure(
    "BatchWriteItemInput",
    &[
        required("RequestItems", &BATCH_WRITE_ITEM_REQUEST_MAP),
        optional("ReturnConsumedCapacity", &RETURN_CONSUMED_CAPACITY),
        optional("ReturnItemCollectionMetrics", &RETURN_ITEM_COLLECTION_METRICS),
    ],
);
pub(in crate::shapes) static CANCEL_BULK_OPERATION_INPUT: Shape =
    Shape::structure("CancelBulkOperationInput", &[required("BulkOperationArn", &BULK_OPERATION_ARN)]);
pub(in crate::shapes) static CREATE_BACKUP_INPUT: Shape = Shape::structure(
    "CreateBackupInput",
    &[required("TableName", &TABLE_ARN), required("BackupName", &BACKUP_NAME)],
);
pub(in crate::shapes) static CREATE_GLOBAL_TABLE_INPUT: Shape = Shape::structure(
    "CreateGlobalTableInput",
    &[required("GlobalTableName", &TABLE_NAME), required("ReplicationGroup", &REPLICA_LIST)],
);
pub(in crate::shapes) static DELETE_BACKUP_INPUT: Shape =
    Shape::structure("DeleteBackupInput", &[required("BackupArn", &BACKUP_ARN)]);
pub(in crate::shapes) static DELETE_ITEM_INPUT: Shape = Shape::structure(
    "DeleteItemInput",
    &[
        required("TableName", &TABLE_ARN),
        required("Key", &KEY),
        optional("Expected", &EXPECTED_ATTRIBUTE_MAP),
        optional("ConditionalOperator", &CONDITIONAL_OPERATOR),
        optional("ReturnValues", &RETURN_VALUE),
        optional("ReturnConsumedCapacity", &RETURN_CONSUMED_CAPACITY),
        optional("ReturnItemCollectionMetrics", &RETURN_ITEM_COLLECTION_METRICS),
        optional("ConditionExpression", &CONDITION_EXPRESSION),
        optional("ExpressionAttributeNames", &EXPRESSION_ATTRIBUTE_NAME_MAP),
        optional("ExpressionAttributeValues", &EXPRESSION_ATTRIBUTE_VALUE_MAP),
        optional("ReturnValuesOnConditionCheckFailure", &RETURN_VALUES_ON_CONDITION_CHECK_FAILURE),
    ],
);
pub(in crate::shapes) static DELETE_RESOURCE_POLICY_INPUT: Shape = Shape::structure(
    "DeleteResourcePolicyInput",
    &[required("ResourceArn", &RESOURCE_ARN_STRING), optional("ExpectedRevisionId", &POLICY_REVISION_ID)],
);
pub(in crate::shapes) static DELETE_TABLE_INPUT: Shape =
    Shape::structure("DeleteTableInput", &[required("TableName", &TABLE_ARN)]);
pub(in crate::shapes) static DESCRIBE_BACKUP_INPUT: Shape =
    Shape::structure("DescribeBackupInput", &[required("BackupArn", &BACKUP_ARN)]);
pub(in crate::shapes) static DESCRIBE_BULK_OPERATION_INPUT: Shape =
    Shape::structure("DescribeBulkOperationInput", &[required("BulkOperationArn", &BULK_OPERATION_ARN)]);
pub(in crate::shapes) static DESCRIBE_CONTINUOUS_BACKUPS_INPUT: Shape =
    Shape::structure("DescribeContinuousBackupsInput", &[required("TableName", &TABLE_ARN)]);
pub(in crate::shapes) static DESCRIBE_CONTRIBUTOR_INSIGHTS_INPUT: Shape = Shape::structure(
    "DescribeContributorInsightsInput",
    &[required("TableName", &TABLE_ARN), optional("IndexName", &INDEX_NAME)],
);
pub(in crate::shapes) static DESCRIBE_ENDPOINTS_REQUEST: Shape =
    Shape::structure("DescribeEndpointsRequest", &[]);
pub(in crate::shapes) static DESCRIBE_EXPORT_INPUT: Shape =
    Shape::structure("DescribeExportInput", &[required("ExportArn", &EXPORT_ARN)]);
pub(in crate::shapes) static DESCRIBE_GLOBAL_TABLE_INPUT: Shape =
    Shape::structure("DescribeGlobalTableInput", &[required("GlobalTableName", &TABLE_NAME)]);
pub(in crate::shapes) static DESCRIBE_GLOBAL_TABLE_SETTINGS_INPUT: Shape =
    Shape::structure("DescribeGlobalTableSettingsInput", &[required("GlobalTableName", &TABLE_NAME)]);
pub(in crate::shapes) static DESCRIBE_IMPORT_INPUT: Shape =
    Shape::structure("DescribeImportInput", &[required("ImportArn", &IMPORT_ARN)]);
pub(in crate::shapes) static DESCRIBE_KINESIS_STREAMING_DESTINATION_INPUT: Shape =
    Shape::structure("DescribeKinesisStreamingDestinationInput", &[required("TableName", &TABLE_ARN)]);
pub(in crate::shapes) static DESCRIBE_LIMITS_INPUT: Shape = Shape::structure("DescribeLimitsInput", &[]);
pub(in crate::shapes) static DESCRIBE_TABLE_INPUT: Shape =
    Shape::structure("DescribeTableInput", &[required("TableName", &TABLE_ARN)]);
pub(in crate::shapes) static DESCRIBE_TABLE_REPLICA_AUTO_SCALING_INPUT: Shape =
    Shape::structure("DescribeTableReplicaAutoScalingInput", &[required("TableName", &TABLE_ARN)]);
pub(in crate::shapes) static DESCRIBE_TIME_TO_LIVE_INPUT: Shape =
    Shape::structure("DescribeTimeToLiveInput", &[required("TableName", &TABLE_ARN)]);
pub(in crate::shapes) static EXECUTE_STATEMENT_INPUT: Shape = Shape::structure(
    "ExecuteStatementInput",
    &[
        required("Statement", &PARTI_QL_STATEMENT),
        optional("Parameters", &PREPARED_STATEMENT_PARAMETERS),
        optional("ConsistentRead", &CONSISTENT_READ),
        optional("NextToken", &PARTI_QL_NEXT_TOKEN),
        optional("ReturnConsumedCapacity", &RETURN_CONSUMED_CAPACITY),
        optional("Limit", &POSITIVE_INTEGER_OBJECT),
        optional("ReturnValuesOnConditionCheckFailure", &RETURN_VALUES_ON_CONDITION_CHECK_FAILURE),
    ],
);
pub(in crate::shapes) static EXECUTE_TRANSACTION_INPUT: Shape = Shape::structure(
    "ExecuteTransactionInput",
    &[
        required("TransactStatements", &PARAMETERIZED_STATEMENTS),
        optional("ClientRequestToken", &CLIENT_REQUEST_TOKEN),
        optional("ReturnConsumedCapacity", &RETURN_CONSUMED_CAPACITY),
    ],
);
pub(in crate::shapes) static EXPORT_TABLE_TO_POINT_IN_TIME_INPUT: Shape = Shape::structure(
    "ExportTableToPointInTimeInput",
    &[
        required("TableArn", &TABLE_ARN),
        optional("ExportTime", &EXPORT_TIME),
        optional("ClientToken", &CLIENT_TOKEN),
        required("S3Bucket", &S3_BUCKET),
        optional("S3BucketOwner", &S3_BUCKET_OWNER),
        optional("S3Prefix", &S3_PREFIX),
        optional("S3SseAlgorithm", &S3_SSE_ALGORITHM),
        optional("S3SseKmsKeyId", &S3_SSE_KMS_KEY_ID),
        optional("ExportFormat", &EXPORT_FORMAT),
        optional("ExportType", &EXPORT_TYPE),
        optional("IncrementalExportSpecification", &INCREMENTAL_EXPORT_SPECIFICATION),
        optional("FilterSpecification", &FILTER_SPECIFICATION),
    ],
);
pub(in crate::shapes) static GET_ITEM_INPUT: Shape = Shape::structure(
    "GetItemInput",
    &[
        required("TableName", &TABLE_ARN),
        required("Key", &KEY),
        optional("AttributesToGet", &ATTRIBUTE_NAME_LIST),
        optional("ConsistentRead", &CONSISTENT_READ),
        optional("ReturnConsumedCapacity", &RETURN_CONSUMED_CAPACITY),
        optional("ProjectionExpression", &PROJECTION_EXPRESSION),
        optional("ExpressionAttributeNames", &EXPRESSION_ATTRIBUTE_NAME_MAP),
    ],
);
pub(in crate::shapes) static GET_RESOURCE_POLICY_INPUT: Shape =
    Shape::structure("GetResourcePolicyInput", &[required("ResourceArn", &RESOURCE_ARN_STRING)]);
pub(in crate::shapes) static IMPORT_TABLE_INPUT: Shape = Shape::structure(
    "ImportTableInput",
    &[
        optional("ClientToken", &CLIENT_TOKEN),
        required("S3BucketSource", &S3_BUCKET_SOURCE),
        required("InputFormat", &INPUT_FORMAT),
        optional("InputFormatOptions", &INPUT_FORMAT_OPTIONS),
        optional("InputCompressionType", &INPUT_COMPRESSION_TYPE),
        required("TableCreationParameters", &TABLE_CREATION_PARAMETERS),
    ],
);
pub(in crate::shapes) static KINESIS_STREAMING_DESTINATION_INPUT: Shape = Shape::structure(
    "KinesisStreamingDestinationInput",
    &[
        required("TableName", &TABLE_ARN),
        required("StreamArn", &STREAM_ARN),
        optional("EnableKinesisStreamingConfiguration", &ENABLE_KINESIS_STREAMING_CONFIGURATION),
    ],
);
pub(in crate::shapes) static LIST_BACKUPS_INPUT: Shape = Shape::structure(
    "ListBackupsInput",
    &[
        optional("TableName", &TABLE_ARN),
        optional("Limit", &BACKUPS_INPUT_LIMIT),
        optional("TimeRangeLowerBound", &TIME_RANGE_LOWER_BOUND),
        optional("TimeRangeUpperBound", &TIME_RANGE_UPPER_BOUND),
        optional("ExclusiveStartBackupArn", &BACKUP_ARN),
        optional("BackupType", &BACKUP_TYPE_FILTER),
    ],
);
pub(in crate::shapes) static LIST_BULK_OPERATIONS_INPUT: Shape = Shape::structure(
    "ListBulkOperationsInput",
    &[
        optional("MaxResults", &LIST_BULK_OPERATIONS_MAX_LIMIT),
        optional("NextToken", &BULK_OPERATION_NEXT_TOKEN),
    ],
);
pub(in crate::shapes) static LIST_CONTRIBUTOR_INSIGHTS_INPUT: Shape = Shape::structure(
    "ListContributorInsightsInput",
    &[
        optional("TableName", &TABLE_ARN),
        optional("NextToken", &NEXT_TOKEN_STRING),
        optional("MaxResults", &LIST_CONTRIBUTOR_INSIGHTS_LIMIT),
    ],
);
pub(in crate::shapes) static LIST_EXPORTS_INPUT: Shape = Shape::structure(
    "ListExportsInput",
    &[
        optional("TableArn", &TABLE_ARN),
        optional("MaxResults", &LIST_EXPORTS_MAX_LIMIT),
        optional("NextToken", &EXPORT_NEXT_TOKEN),
    ],
);
pub(in crate::shapes) static LIST_GLOBAL_TABLES_INPUT: Shape = Shape::structure(
    "ListGlobalTablesInput",
    &[
        optional("ExclusiveStartGlobalTableName", &TABLE_NAME),
        optional("Limit", &POSITIVE_INTEGER_OBJECT),
        optional("RegionName", &REGION_NAME),
    ],
);
pub(in crate::shapes) static LIST_IMPORTS_INPUT: Shape = Shape::structure(
    "ListImportsInput",
    &[
        optional("TableArn", &TABLE_ARN),
        optional("PageSize", &LIST_IMPORTS_MAX_LIMIT),
        optional("NextToken", &IMPORT_NEXT_TOKEN),
    ],
);
pub(in crate::shapes) static LIST_TABLES_INPUT: Shape = Shape::structure(
    "ListTablesInput",
    &[optional("ExclusiveStartTableName", &TABLE_NAME), optional("Limit", &LIST_TABLES_INPUT_LIMIT)],
);
pub(in crate::shapes) static LIST_TAGS_OF_RESOURCE_INPUT: Shape = Shape::structure(
    "ListTagsOfResourceInput",
    &[required("ResourceArn", &RESOURCE_ARN_STRING), optional("NextToken", &NEXT_TOKEN_STRING)],
);
pub(in crate::shapes) static PUT_ITEM_INPUT: Shape = Shape::structure(
    "PutItemInput",
    &[
        required("TableName", &TABLE_ARN),
        required("Item", &PUT_ITEM_INPUT_ATTRIBUTE_MAP),
        optional("Expected", &EXPECTED_ATTRIBUTE_MAP),
        optional("ReturnValues", &RETURN_VALUE),
        optional("ReturnConsumedCapacity", &RETURN_CONSUMED_CAPACITY),
        optional("ReturnItemCollectionMetrics", &RETURN_ITEM_COLLECTION_METRICS),
        optional("ConditionalOperator", &CONDITIONAL_OPERATOR),
        optional("ConditionExpression", &CONDITION_EXPRESSION),
        optional("ExpressionAttributeNames", &EXPRESSION_ATTRIBUTE_NAME_MAP),
        optional("ExpressionAttributeValues", &EXPRESSION_ATTRIBUTE_VALUE_MAP),
        optional("ReturnValuesOnConditionCheckFailure", &RETURN_VALUES_ON_CONDITION_CHECK_FAILURE),
    ],
);
pub(in crate::shapes) static PUT_RESOURCE_POLICY_INPUT: Shape = Shape::structure(
    "PutResourcePolicyInput",
    &[
        required("ResourceArn", &RESOURCE_ARN_STRING),
        required("Policy", &RESOURCE_POLICY),
        optional("ExpectedRevisionId", &POLICY_REVISION_ID),
        optional("ConfirmRemoveSelfResourceAccess", &CONFIRM_REMOVE_SELF_RESOURCE_ACCESS),
    ],
);
pub(in crate::shapes) static QUERY_INPUT: Shape = Shape::structure(
    "QueryInput",
    &[
        required("TableName", &TABLE_ARN),
        optional("IndexName", &INDEX_NAME),
        optional("Select", &SELECT),
        optional("AttributesToGet", &ATTRIBUTE_NAME_LIST),
        optional("Limit", &POSITIVE_INTEGER_OBJECT),
        optional("ConsistentRead", &CONSISTENT_READ),
        optional("KeyConditions", &KEY_CONDITIONS),
        optional("QueryFilter", &FILTER_CONDITION_MAP),
        optional("ConditionalOperator", &CONDITIONAL_OPERATOR),
        optional("ScanIndexForward", &BOOLEAN_OBJECT),
        optional("ExclusiveStartKey", &KEY),
        optional("ReturnConsumedCapacity", &RETURN_CONSUMED_CAPACITY),
        optional("ProjectionExpression", &PROJECTION_EXPRESSION),
        optional("FilterExpression", &CONDITION_EXPRESSION),
        optional("KeyConditionExpression", &KEY_EXPRESSION),
        optional("ExpressionAttributeNames", &EXPRESSION_ATTRIBUTE_NAME_MAP),
        optional("ExpressionAttributeValues", &EXPRESSION_ATTRIBUTE_VALUE_MAP),
    ],
);
pub(in crate::shapes) static RESTORE_TABLE_FROM_BACKUP_INPUT: Shape = Shape::structure(
    "RestoreTableFromBackupInput",
    &[
        required("TargetTableName", &TABLE_NAME),
        required("BackupArn", &BACKUP_ARN),
        optional("BillingModeOverride", &BILLING_MODE),
        optional("GlobalSecondaryIndexOverride", &GLOBAL_SECONDARY_INDEX_LIST),
        optional("LocalSecondaryIndexOverride", &LOCAL_SECONDARY_INDEX_LIST),
        optional("ProvisionedThroughputOverride", &PROVISIONED_THROUGHPUT),
        optional("OnDemandThroughputOverride", &ON_DEMAND_THROUGHPUT),
        optional("SSESpecificationOverride", &SSE_SPECIFICATION),
        optional("VectorIndexOverride", &VECTOR_INDEX_LIST),
    ],
);
pub(in crate::shapes) static RESTORE_TABLE_TO_POINT_IN_TIME_INPUT: Shape = Shape::structure(
    "RestoreTableToPointInTimeInput",
    &[
        optional("SourceTableArn", &TABLE_ARN),
        optional("SourceTableName", &TABLE_NAME),
        required("TargetTableName", &TABLE_NAME),
        optional("UseLatestRestorableTime", &BOOLEAN_OBJECT),
        optional("RestoreDateTime", &DATE),
        optional("BillingModeOverride", &BILLING_MODE),
        optional("GlobalSecondaryIndexOverride", &GLOBAL_SECONDARY_INDEX_LIST),
        optional("LocalSecondaryIndexOverride", &LOCAL_SECONDARY_INDEX_LIST),
        optional("ProvisionedThroughputOverride", &PROVISIONED_THROUGHPUT),
        optional("OnDemandThroughputOverride", &ON_DEMAND_THROUGHPUT),
        optional("SSESpecificationOverride", &SSE_SPECIFICATION),
        optional("VectorIndexOverride", &VECTOR_INDEX_LIST),
    ],
);
pub(in crate::shapes) static SCAN_INPUT: Shape = Shape::structure(
    "ScanInput",
    &[
        required("TableName", &TABLE_ARN),
        optional("IndexName", &INDEX_NAME),
        optional("AttributesToGet", &ATTRIBUTE_NAME_LIST),
        optional("Limit", &POSITIVE_INTEGER_OBJECT),
        optional("Select", &SELECT),
        optional("ScanFilter", &FILTER_CONDITION_MAP),
        optional("ConditionalOperator", &CONDITIONAL_OPERATOR),
        optional("ExclusiveStartKey", &KEY),
        optional("ReturnConsumedCapacity", &RETURN_CONSUMED_CAPACITY),
        optional("TotalSegments", &SCAN_TOTAL_SEGMENTS),
        optional("Segment", &SCAN_SEGMENT),
        optional("ProjectionExpression", &PROJECTION_EXPRESSION),
        optional("FilterExpression", &CONDITION_EXPRESSION),
        optional("ExpressionAttributeNames", &EXPRESSION_ATTRIBUTE_NAME_MAP),
        optional("ExpressionAttributeValues", &EXPRESSION_ATTRIBUTE_VALUE_MAP),
        optional("ConsistentRead", &CONSISTENT_READ),
    ],
);
pub(in crate::shapes) static SEARCH_VECTORS_INPUT: Shape = Shape::structure(
    "SearchVectorsInput",
    &[
        required("TableName", &TABLE_ARN),
        required("IndexName", &INDEX_NAME),
        optional("ReturnConsumedCapacity", &RETURN_CONSUMED_CAPACITY),
        optional("ExpressionAttributeNames", &EXPRESSION_ATTRIBUTE_NAME_MAP),
        optional("ExpressionAttributeValues", &EXPRESSION_ATTRIBUTE_VALUE_MAP),
        optional("ProjectionExpression", &PROJECTION_EXPRESSION),
        required("SearchVector", &SEARCH_VECTOR_LIST),
        optional("SearchConditionExpression", &STRING),
        required("TopK", &TOP_K_INTEGER),
    ],
);
pub(in crate::shapes) static START_BULK_PUT_ITEMS_INPUT: Shape = Shape::structure(
    "StartBulkPutItemsInput",
    &[
        optional("ClientToken", &CLIENT_TOKEN),
        required("InputS3Configuration", &INPUT_S3_CONFIGURATION),
        required("OutputS3Configuration", &OUTPUT_S3_CONFIGURATION),
        required("TableName", &TABLE_ARN),
        optional("MaxWriteRequestUnits", &BULK_OPERATION_MAX_WRITE_REQUEST_UNITS),
        optional("PerformanceTier", &BULK_OPERATION_PERFORMANCE_TIER),
    ],
);
pub(in crate::shapes) static TAG_RESOURCE_INPUT: Shape = Shape::structure(
    "TagResourceInput",
    &[required("ResourceArn", &RESOURCE_ARN_STRING), required("Tags", &TAG_LIST)],
);
pub(in crate::shapes) static TRANSACT_GET_ITEMS_INPUT: Shape = Shape::structure(
    "TransactGetItemsInput",
    &[
        required("TransactItems", &TRANSACT_GET_ITEM_LIST),
        optional("ReturnConsumedCapacity", &RETURN_CONSUMED_CAPACITY),
    ],
);
pub(in crate::shapes) static TRANSACT_WRITE_ITEMS_INPUT: Shape = Shape::structure(
    "TransactWriteItemsInput",
    &[
        required("TransactItems", &TRANSACT_WRITE_ITEM_LIST),
        optional("ReturnConsumedCapacity", &RETURN_CONSUMED_CAPACITY),
        optional("ReturnItemCollectionMetrics", &RETURN_ITEM_COLLECTION_METRICS),
        optional("ClientRequestToken", &CLIENT_REQUEST_TOKEN),
    ],
);
pub(in crate::shapes) static UNTAG_RESOURCE_INPUT: Shape = Shape::structure(
    "UntagResourceInput",
    &[required("ResourceArn", &RESOURCE_ARN_STRING), required("TagKeys", &TAG_KEY_LIST)],
);
pub(in crate::shapes) static UPDATE_CONTINUOUS_BACKUPS_INPUT: Shape = Shape::structure(
    "UpdateContinuousBackupsInput",
    &[
        required("TableName", &TABLE_ARN),
        required("PointInTimeRecoverySpecification", &POINT_IN_TIME_RECOVERY_SPECIFICATION),
    ],
);
pub(in crate::shapes) static UPDATE_CONTRIBUTOR_INSIGHTS_INPUT: Shape = Shape::structure(
    "UpdateContributorInsightsInput",
    &[
        required("TableName", &TABLE_ARN),
        optional("IndexName", &INDEX_NAME),
        required("ContributorInsightsAction", &CONTRIBUTOR_INSIGHTS_ACTION),
        optional("ContributorInsightsMode", &CONTRIBUTOR_INSIGHTS_MODE),
    ],
);
pub(in crate::shapes) static UPDATE_GLOBAL_TABLE_INPUT: Shape = Shape::structure(
    "UpdateGlobalTableInput",
    &[required("GlobalTableName", &TABLE_NAME), required("ReplicaUpdates", &REPLICA_UPDATE_LIST)],
);
pub(in crate::shapes) static UPDATE_GLOBAL_TABLE_SETTINGS_INPUT: Shape = Shape::structure(
    "UpdateGlobalTableSettingsInput",
    &[
        required("GlobalTableName", &TABLE_NAME),
        optional("GlobalTableBillingMode", &BILLING_MODE),
        optional("GlobalTableProvisionedWriteCapacityUnits", &POSITIVE_LONG_OBJECT),
        optional(
            "GlobalTableProvisionedWriteCapacityAutoScalingSettingsUpdate",
            &AUTO_SCALING_SETTINGS_UPDATE,
        ),
        optional(
            "GlobalTableGlobalSecondaryIndexSettingsUpdate",
            &GLOBAL_TABLE_GLOBAL_SECONDARY_INDEX_SETTINGS_UPDATE_LIST,
        ),
        optional("ReplicaSettingsUpdate", &REPLICA_SETTINGS_UPDATE_LIST),
    ],
);
pub(in crate::shapes) static UPDATE_ITEM_INPUT: Shape = Shape::structure(
    "UpdateItemInput",
    &[
        required("TableName", &TABLE_ARN),
        required("Key", &KEY),
        optional("AttributeUpdates", &ATTRIBUTE_UPDATES),
        optional("Expected", &EXPECTED_ATTRIBUTE_MAP),
        optional("ConditionalOperator", &CONDITIONAL_OPERATOR),
        optional("ReturnValues", &RETURN_VALUE),
        optional("ReturnConsumedCapacity", &RETURN_CONSUMED_CAPACITY),
        optional("ReturnItemCollectionMetrics", &RETURN_ITEM_COLLECTION_METRICS),
        optional("UpdateExpression", &UPDATE_EXPRESSION),
        optional("ConditionExpression", &CONDITION_EXPRESSION),
        optional("ExpressionAttributeNames", &EXPRESSION_ATTRIBUTE_NAME_MAP),
        optional("ExpressionAttributeValues", &EXPRESSION_ATTRIBUTE_VALUE_MAP),
        optional("ReturnValuesOnConditionCheckFailure", &RETURN_VALUES_ON_CONDITION_CHECK_FAILURE),
    ],
);
pub(in crate::shapes) static UPDATE_KINESIS_STREAMING_DESTINATION_INPUT: Shape = Shape::structure(
    "UpdateKinesisStreamingDestinationInput",
    &[
        required("TableName", &TABLE_ARN),
        required("StreamArn", &STREAM_ARN),
        optional("UpdateKinesisStreamingConfiguration", &UPDATE_KINESIS_STREAMING_CONFIGURATION),
    ],
);
pub(in crate::shapes) static UPDATE_TABLE_INPUT: Shape = Shape::structure(
    "UpdateTableInput",
    &[
        optional("AttributeDefinitions", &ATTRIBUTE_DEFINITIONS),
        required("TableName", &TABLE_ARN),
        optional("BillingMode", &BILLING_MODE),
        optional("ProvisionedThroughput", &PROVISIONED_THROUGHPUT),
        optional("GlobalSecondaryIndexUpdates", &GLOBAL_SECONDARY_INDEX_UPDATE_LIST),
        optional("StreamSpecification", &STREAM_SPECIFICATION),
        optional("SSESpecification", &SSE_SPECIFICATION),
        optional("ReplicaUpdates", &REPLICATION_GROUP_UPDATE_LIST),
        optional("TableClass", &TABLE_CLASS),
        optional("DeletionProtectionEnabled", &DELETION_PROTECTION_ENABLED),
        optional("MultiRegionConsistency", &MULTI_REGION_CONSISTENCY),
        optional("GlobalTableWitnessUpdates", &GLOBAL_TABLE_WITNESS_GROUP_UPDATE_LIST),
        optional("OnDemandThroughput", &ON_DEMAND_THROUGHPUT),
        optional("WarmThroughput", &WARM_THROUGHPUT),
        optional("GlobalTableSettingsReplicationMode", &GLOBAL_TABLE_SETTINGS_REPLICATION_MODE),
        optional("DisassociationProtectionEnabled", &DISASSOCIATION_PROTECTION_ENABLED),
        optional("VectorIndexUpdates", &VECTOR_INDEX_UPDATE_LIST),
    ],
);
pub(in crate::shapes) static UPDATE_TABLE_REPLICA_AUTO_SCALING_INPUT: Shape = Shape::structure(
    "UpdateTableReplicaAutoScalingInput",
    &[
        optional("GlobalSecondaryIndexUpdates", &GLOBAL_SECONDARY_INDEX_AUTO_SCALING_UPDATE_LIST),
        required("TableName", &TABLE_ARN),
        optional("ProvisionedWriteCapacityAutoScalingUpdate", &AUTO_SCALING_SETTINGS_UPDATE),
        optional("ReplicaUpdates", &REPLICA_AUTO_SCALING_UPDATE_LIST),
    ],
);
pub(in crate::shapes) static UPDATE_TIME_TO_LIVE_INPUT: Shape = Shape::structure(
    "UpdateTimeToLiveInput",
    &[required("TableName", &TABLE_ARN), required("TimeToLiveSpecification", &TIME_TO_LIVE_SPECIFICATION)],
);
