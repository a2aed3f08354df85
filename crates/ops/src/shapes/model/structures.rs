//! Structures inside requests of DynamoDB. Written by `scripts/api-model`, not by hand.

use super::super::departures::{
    ATTRIBUTE_NAME, COMPARISON_OPERATOR, PROJECTION_TYPE, SCALAR_ATTRIBUTE_TYPE, TABLE_ARN, TABLE_CLASS,
};
use super::super::table::{Shape, optional, required};
use super::collections::{
    ATTRIBUTE_DEFINITIONS, ATTRIBUTE_NAME_LIST, ATTRIBUTE_VALUE_LIST, CSV_HEADER_LIST,
    EXPRESSION_ATTRIBUTE_NAME_MAP, EXPRESSION_ATTRIBUTE_VALUE_MAP, GLOBAL_SECONDARY_INDEX_LIST, KEY,
    KEY_LIST, KEY_SCHEMA, NON_KEY_ATTRIBUTE_NAME_LIST, OUTPUT_TYPE_LIST, PREPARED_STATEMENT_PARAMETERS,
    PUT_ITEM_INPUT_ATTRIBUTE_MAP, REPLICA_GLOBAL_SECONDARY_INDEX_AUTO_SCALING_UPDATE_LIST,
    REPLICA_GLOBAL_SECONDARY_INDEX_LIST, REPLICA_GLOBAL_SECONDARY_INDEX_SETTINGS_UPDATE_LIST, SEARCH_SCHEMA,
    VECTOR_INDEX_LIST,
};
use super::values::{
    APPROXIMATE_CREATION_DATE_TIME_PRECISION, ATTRIBUTE_ACTION, AUTO_SCALING_POLICY_NAME,
    AUTO_SCALING_ROLE_ARN, BILLING_MODE, BOOLEAN_OBJECT, BULK_OPERATION_INPUT_FORMAT, CONDITION_EXPRESSION,
    CONSISTENT_READ, CSV_DELIMITER, DISASSOCIATION_MODE, DOUBLE_OBJECT, EXPORT_FROM_TIME, EXPORT_TO_TIME,
    EXPORT_VIEW_TYPE, INDEX_NAME, INPUT_COMPRESSION_TYPE, INTEGER_OBJECT, KEY_EXPRESSION,
    KEY_SCHEMA_ATTRIBUTE_NAME, KEY_TYPE, KMS_MASTER_KEY_ID, LONG_OBJECT, PARTI_QL_STATEMENT,
    POSITIVE_LONG_OBJECT, PROJECTION_EXPRESSION, RECOVERY_PERIOD_IN_DAYS, REGION_NAME,
    RETURN_VALUES_ON_CONDITION_CHECK_FAILURE, S3_BUCKET, S3_BUCKET_OWNER, S3_PREFIX, S3_SSE_ALGORITHM,
    S3_SSE_KMS_KEY_ID, SEARCH_SCHEMA_ELEMENT_TYPE, SSE_ENABLED, SSE_TYPE, STREAM_ENABLED, STREAM_VIEW_TYPE,
    TABLE_NAME, TAG_KEY_STRING, TAG_VALUE_STRING, TIME_TO_LIVE_ATTRIBUTE_NAME, TIME_TO_LIVE_ENABLED,
    UPDATE_EXPRESSION, VECTOR_ATTRIBUTE_NAME, VECTOR_DISTANCE_FUNCTION,
};

pub(in crate::shapes) static ATTRIBUTE_DEFINITION: Shape = Shape::structure(
    "AttributeDefinition",
    &[
        required("AttributeName", &KEY_SCHEMA_ATTRIBUTE_NAME),
        required("AttributeType", &SCALAR_ATTRIBUTE_TYPE),
    ],
);
pub(in crate::shapes) static ATTRIBUTE_VALUE: Shape = Shape::attribute_value();
pub(in crate::shapes) static ATTRIBUTE_VALUE_UPDATE: Shape = Shape::structure(
    "AttributeValueUpdate",
    &[optional("Value", &ATTRIBUTE_VALUE), optional("Action", &ATTRIBUTE_ACTION)],
);
pub(in crate::shapes) static AUTO_SCALING_POLICY_UPDATE: Shape = Shape::structure(
    "AutoScalingPolicyUpdate",
    &[
        optional("PolicyName", &AUTO_SCALING_POLICY_NAME),
        required(
            "TargetTrackingScalingPolicyConfiguration",
            &AUTO_SCALING_TARGET_TRACKING_SCALING_POLICY_CONFIGURATION_UPDATE,
        ),
    ],
);
pub(in crate::shapes) static AUTO_SCALING_SETTINGS_UPDATE: Shape = Shape::structure(
    "AutoScalingSettingsUpdate",
    &[
        optional("MinimumUnits", &POSITIVE_LONG_OBJECT),
        optional("MaximumUnits", &POSITIVE_LONG_OBJECT),
        optional("AutoScalingDisabled", &BOOLEAN_OBJECT),
        optional("AutoScalingRoleArn", &AUTO_SCALING_ROLE_ARN),
        optional("ScalingPolicyUpdate", &AUTO_SCALING_POLICY_UPDATE),
    ],
);
pub(in crate::shapes) static AUTO_SCALING_TARGET_TRACKING_SCALING_POLICY_CONFIGURATION_UPDATE: Shape =
    Shape::structure(
        "AutoScalingTargetTrackingScalingPolicyConfigurationUpdate",
        &[
            optional("DisableScaleIn", &BOOLEAN_OBJECT),
            optional("ScaleInCooldown", &INTEGER_OBJECT),
            optional("ScaleOutCooldown", &INTEGER_OBJECT),
            required("TargetValue", &DOUBLE_OBJECT),
        ],
    );
pub(in crate::shapes) static BATCH_STATEMENT_REQUEST: Shape = Shape::structure(
    "BatchStatementRequest",
    &[
        required("Statement", &PARTI_QL_STATEMENT),
        optional("Parameters", &PREPARED_STATEMENT_PARAMETERS),
        optional("ConsistentRead", &CONSISTENT_READ),
        optional("ReturnValuesOnConditionCheckFailure", &RETURN_VALUES_ON_CONDITION_CHECK_FAILURE),
    ],
);
pub(in crate::shapes) static CONDITION: Shape = Shape::structure(
    "Condition",
    &[
        optional("AttributeValueList", &ATTRIBUTE_VALUE_LIST),
        required("ComparisonOperator", &COMPARISON_OPERATOR),
    ],
);
pub(in crate::shapes) static CONDITION_CHECK: Shape = Shape::structure(
    "ConditionCheck",
    &[
        required("Key", &KEY),
        required("TableName", &TABLE_ARN),
        required("ConditionExpression", &CONDITION_EXPRESSION),
        optional("ExpressionAttributeNames", &EXPRESSION_ATTRIBUTE_NAME_MAP),
        optional("ExpressionAttributeValues", &EXPRESSION_ATTRIBUTE_VALUE_MAP),
        optional("ReturnValuesOnConditionCheckFailure", &RETURN_VALUES_ON_CONDITION_CHECK_FAILURE),
    ],
);
pub(in crate::shapes) static CREATE_GLOBAL_SECONDARY_INDEX_ACTION: Shape = Shape::structure(
    "CreateGlobalSecondaryIndexAction",
    &[
        required("IndexName", &INDEX_NAME),
        required("KeySchema", &KEY_SCHEMA),
        required("Projection", &PROJECTION),
        optional("ProvisionedThroughput", &PROVISIONED_THROUGHPUT),
        optional("OnDemandThroughput", &ON_DEMAND_THROUGHPUT),
        optional("WarmThroughput", &WARM_THROUGHPUT),
    ],
);
pub(in crate::shapes) static CREATE_GLOBAL_TABLE_WITNESS_GROUP_MEMBER_ACTION: Shape =
    Shape::structure("CreateGlobalTableWitnessGroupMemberAction", &[required("RegionName", &REGION_NAME)]);
pub(in crate::shapes) static CREATE_REPLICA_ACTION: Shape =
    Shape::structure("CreateReplicaAction", &[required("RegionName", &REGION_NAME)]);
pub(in crate::shapes) static CREATE_REPLICATION_GROUP_MEMBER_ACTION: Shape = Shape::structure(
    "CreateReplicationGroupMemberAction",
    &[
        required("RegionName", &REGION_NAME),
        optional("KMSMasterKeyId", &KMS_MASTER_KEY_ID),
        optional("ProvisionedThroughputOverride", &PROVISIONED_THROUGHPUT_OVERRIDE),
        optional("OnDemandThroughputOverride", &ON_DEMAND_THROUGHPUT_OVERRIDE),
        optional("GlobalSecondaryIndexes", &REPLICA_GLOBAL_SECONDARY_INDEX_LIST),
        optional("TableClassOverride", &TABLE_CLASS),
    ],
);
pub(in crate::shapes) static CREATE_VECTOR_INDEX_ACTION: Shape = Shape::structure(
    "CreateVectorIndexAction",
    &[
        required("IndexName", &INDEX_NAME),
        required("VectorAttribute", &VECTOR_ATTRIBUTE_DEFINITION),
        optional("SearchSchema", &SEARCH_SCHEMA),
        required("Projection", &PROJECTION),
        required("Dimensions", &POSITIVE_LONG_OBJECT),
        required("DistanceFunction", &VECTOR_DISTANCE_FUNCTION),
    ],
);
pub(in crate::shapes) static CSV_OPTIONS: Shape = Shape::structure(
    "CsvOptions",
    &[optional("Delimiter", &CSV_DELIMITER), optional("HeaderList", &CSV_HEADER_LIST)],
);
pub(in crate::shapes) static DELETE: Shape = Shape::structure(
    "Delete",
    &[
        required("Key", &KEY),
        required("TableName", &TABLE_ARN),
        optional("ConditionExpression", &CONDITION_EXPRESSION),
        optional("ExpressionAttributeNames", &EXPRESSION_ATTRIBUTE_NAME_MAP),
        optional("ExpressionAttributeValues", &EXPRESSION_ATTRIBUTE_VALUE_MAP),
        optional("ReturnValuesOnConditionCheckFailure", &RETURN_VALUES_ON_CONDITION_CHECK_FAILURE),
    ],
);
pub(in crate::shapes) static DELETE_GLOBAL_SECONDARY_INDEX_ACTION: Shape =
    Shape::structure("DeleteGlobalSecondaryIndexAction", &[required("IndexName", &INDEX_NAME)]);
pub(in crate::shapes) static DELETE_GLOBAL_TABLE_WITNESS_GROUP_MEMBER_ACTION: Shape =
    Shape::structure("DeleteGlobalTableWitnessGroupMemberAction", &[required("RegionName", &REGION_NAME)]);
pub(in crate::shapes) static DELETE_REPLICA_ACTION: Shape =
    Shape::structure("DeleteReplicaAction", &[required("RegionName", &REGION_NAME)]);
pub(in crate::shapes) static DELETE_REPLICATION_GROUP_MEMBER_ACTION: Shape =
    Shape::structure("DeleteReplicationGroupMemberAction", &[required("RegionName", &REGION_NAME)]);
pub(in crate::shapes) static DELETE_REQUEST: Shape =
    Shape::structure("DeleteRequest", &[required("Key", &KEY)]);
pub(in crate::shapes) static DELETE_VECTOR_INDEX_ACTION: Shape =
    Shape::structure("DeleteVectorIndexAction", &[required("IndexName", &INDEX_NAME)]);
pub(in crate::shapes) static DISASSOCIATE_REPLICATION_GROUP_MEMBER_ACTION: Shape = Shape::structure(
    "DisassociateReplicationGroupMemberAction",
    &[required("RegionName", &REGION_NAME), required("DisassociationMode", &DISASSOCIATION_MODE)],
);
pub(in crate::shapes) static ENABLE_KINESIS_STREAMING_CONFIGURATION: Shape = Shape::structure(
    "EnableKinesisStreamingConfiguration",
    &[optional("ApproximateCreationDateTimePrecision", &APPROXIMATE_CREATION_DATE_TIME_PRECISION)],
);
pub(in crate::shapes) static EXPECTED_ATTRIBUTE_VALUE: Shape = Shape::structure(
    "ExpectedAttributeValue",
    &[
        optional("Value", &ATTRIBUTE_VALUE),
        optional("Exists", &BOOLEAN_OBJECT),
        optional("ComparisonOperator", &COMPARISON_OPERATOR),
        optional("AttributeValueList", &ATTRIBUTE_VALUE_LIST),
    ],
);
pub(in crate::shapes) static FILTER_SPECIFICATION: Shape = Shape::structure(
    "FilterSpecification",
    &[
        optional("FilterExpression", &CONDITION_EXPRESSION),
        optional("ProjectionExpression", &PROJECTION_EXPRESSION),
        optional("KeyConditionExpression", &KEY_EXPRESSION),
        optional("ExpressionAttributeNames", &EXPRESSION_ATTRIBUTE_NAME_MAP),
        optional("ExpressionAttributeValues", &EXPRESSION_ATTRIBUTE_VALUE_MAP),
    ],
);
pub(in crate::shapes) static GET: Shape = Shape::structure(
    "Get",
    &[
        required("Key", &KEY),
        required("TableName", &TABLE_ARN),
        optional("ProjectionExpression", &PROJECTION_EXPRESSION),
        optional("ExpressionAttributeNames", &EXPRESSION_ATTRIBUTE_NAME_MAP),
    ],
);
pub(in crate::shapes) static GLOBAL_SECONDARY_INDEX: Shape = Shape::structure(
    "GlobalSecondaryIndex",
    &[
        required("IndexName", &INDEX_NAME),
        required("KeySchema", &KEY_SCHEMA),
        required("Projection", &PROJECTION),
        optional("ProvisionedThroughput", &PROVISIONED_THROUGHPUT),
        optional("OnDemandThroughput", &ON_DEMAND_THROUGHPUT),
        optional("WarmThroughput", &WARM_THROUGHPUT),
    ],
);
pub(in crate::shapes) static GLOBAL_SECONDARY_INDEX_AUTO_SCALING_UPDATE: Shape = Shape::structure(
    "GlobalSecondaryIndexAutoScalingUpdate",
    &[
        optional("IndexName", &INDEX_NAME),
        optional("ProvisionedWriteCapacityAutoScalingUpdate", &AUTO_SCALING_SETTINGS_UPDATE),
    ],
);
pub(in crate::shapes) static GLOBAL_SECONDARY_INDEX_UPDATE: Shape = Shape::structure(
    "GlobalSecondaryIndexUpdate",
    &[
        optional("Update", &UPDATE_GLOBAL_SECONDARY_INDEX_ACTION),
        optional("Create", &CREATE_GLOBAL_SECONDARY_INDEX_ACTION),
        optional("Delete", &DELETE_GLOBAL_SECONDARY_INDEX_ACTION),
    ],
);
pub(in crate::shapes) static GLOBAL_TABLE_GLOBAL_SECONDARY_INDEX_SETTINGS_UPDATE: Shape = Shape::structure(
    "GlobalTableGlobalSecondaryIndexSettingsUpdate",
    &[
        required("IndexName", &INDEX_NAME),
        optional("ProvisionedWriteCapacityUnits", &POSITIVE_LONG_OBJECT),
        optional("ProvisionedWriteCapacityAutoScalingSettingsUpdate", &AUTO_SCALING_SETTINGS_UPDATE),
    ],
);
pub(in crate::shapes) static GLOBAL_TABLE_WITNESS_GROUP_UPDATE: Shape = Shape::structure(
    "GlobalTableWitnessGroupUpdate",
    &[
        optional("Create", &CREATE_GLOBAL_TABLE_WITNESS_GROUP_MEMBER_ACTION),
        optional("Delete", &DELETE_GLOBAL_TABLE_WITNESS_GROUP_MEMBER_ACTION),
    ],
);
pub(in crate::shapes) static INCREMENTAL_EXPORT_SPECIFICATION: Shape = Shape::structure(
    "IncrementalExportSpecification",
    &[
        optional("ExportFromTime", &EXPORT_FROM_TIME),
        optional("ExportToTime", &EXPORT_TO_TIME),
        optional("ExportViewType", &EXPORT_VIEW_TYPE),
    ],
);
pub(in crate::shapes) static INPUT_FORMAT_OPTIONS: Shape =
    Shape::structure("InputFormatOptions", &[optional("Csv", &CSV_OPTIONS)]);
pub(in crate::shapes) static INPUT_S3_CONFIGURATION: Shape = Shape::structure(
    "InputS3Configuration",
    &[
        optional("S3BucketOwner", &S3_BUCKET_OWNER),
        required("S3Bucket", &S3_BUCKET),
        optional("S3KeyPrefix", &S3_PREFIX),
        required("InputFormat", &BULK_OPERATION_INPUT_FORMAT),
        optional("InputCompressionType", &INPUT_COMPRESSION_TYPE),
    ],
);
pub(in crate::shapes) static KEY_SCHEMA_ELEMENT: Shape = Shape::structure(
    "KeySchemaElement",
    &[required("AttributeName", &KEY_SCHEMA_ATTRIBUTE_NAME), required("KeyType", &KEY_TYPE)],
);
pub(in crate::shapes) static KEYS_AND_ATTRIBUTES: Shape = Shape::structure(
    "KeysAndAttributes",
    &[
        required("Keys", &KEY_LIST),
        optional("AttributesToGet", &ATTRIBUTE_NAME_LIST),
        optional("ConsistentRead", &CONSISTENT_READ),
        optional("ProjectionExpression", &PROJECTION_EXPRESSION),
        optional("ExpressionAttributeNames", &EXPRESSION_ATTRIBUTE_NAME_MAP),
    ],
);
pub(in crate::shapes) static ON_DEMAND_THROUGHPUT: Shape = Shape::structure(
    "OnDemandThroughput",
    &[optional("MaxReadRequestUnits", &LONG_OBJECT), optional("MaxWriteRequestUnits", &LONG_OBJECT)],
);
pub(in crate::shapes) static ON_DEMAND_THROUGHPUT_OVERRIDE: Shape =
    Shape::structure("OnDemandThroughputOverride", &[optional("MaxReadRequestUnits", &LONG_OBJECT)]);
pub(in crate::shapes) static OUTPUT_S3_CONFIGURATION: Shape = Shape::structure(
    "OutputS3Configuration",
    &[
        optional("S3BucketOwner", &S3_BUCKET_OWNER),
        optional("S3Bucket", &S3_BUCKET),
        optional("S3KeyPrefix", &S3_PREFIX),
        optional("S3SseAlgorithm", &S3_SSE_ALGORITHM),
        optional("S3SseKmsKeyId", &S3_SSE_KMS_KEY_ID),
        required("OutputType", &OUTPUT_TYPE_LIST),
    ],
);
pub(in crate::shapes) static PARAMETERIZED_STATEMENT: Shape = Shape::structure(
    "ParameterizedStatement",
    &[
        required("Statement", &PARTI_QL_STATEMENT),
        optional("Parameters", &PREPARED_STATEMENT_PARAMETERS),
        optional("ReturnValuesOnConditionCheckFailure", &RETURN_VALUES_ON_CONDITION_CHECK_FAILURE),
    ],
);
pub(in crate::shapes) static POINT_IN_TIME_RECOVERY_SPECIFICATION: Shape = Shape::structure(
    "PointInTimeRecoverySpecification",
    &[
        required("PointInTimeRecoveryEnabled", &BOOLEAN_OBJECT),
        optional("RecoveryPeriodInDays", &RECOVERY_PERIOD_IN_DAYS),
    ],
);
pub(in crate::shapes) static PROJECTION: Shape = Shape::structure(
    "Projection",
    &[
        optional("ProjectionType", &PROJECTION_TYPE),
        optional("NonKeyAttributes", &NON_KEY_ATTRIBUTE_NAME_LIST),
    ],
);
pub(in crate::shapes) static PROVISIONED_THROUGHPUT: Shape = Shape::structure(
    "ProvisionedThroughput",
    &[
        required("ReadCapacityUnits", &POSITIVE_LONG_OBJECT),
        required("WriteCapacityUnits", &POSITIVE_LONG_OBJECT),
    ],
);
pub(in crate::shapes) static PROVISIONED_THROUGHPUT_OVERRIDE: Shape = Shape::structure(
    "ProvisionedThroughputOverride",
    &[optional("ReadCapacityUnits", &POSITIVE_LONG_OBJECT)],
);
pub(in crate::shapes) static PUT: Shape = Shape::structure(
    "Put",
    &[
        required("Item", &PUT_ITEM_INPUT_ATTRIBUTE_MAP),
        required("TableName", &TABLE_ARN),
        optional("ConditionExpression", &CONDITION_EXPRESSION),
        optional("ExpressionAttributeNames", &EXPRESSION_ATTRIBUTE_NAME_MAP),
        optional("ExpressionAttributeValues", &EXPRESSION_ATTRIBUTE_VALUE_MAP),
        optional("ReturnValuesOnConditionCheckFailure", &RETURN_VALUES_ON_CONDITION_CHECK_FAILURE),
    ],
);
pub(in crate::shapes) static PUT_REQUEST: Shape =
    Shape::structure("PutRequest", &[required("Item", &PUT_ITEM_INPUT_ATTRIBUTE_MAP)]);
pub(in crate::shapes) static REPLICA: Shape =
    Shape::structure("Replica", &[optional("RegionName", &REGION_NAME)]);
pub(in crate::shapes) static REPLICA_AUTO_SCALING_UPDATE: Shape = Shape::structure(
    "ReplicaAutoScalingUpdate",
    &[
        required("RegionName", &REGION_NAME),
        optional(
            "ReplicaGlobalSecondaryIndexUpdates",
            &REPLICA_GLOBAL_SECONDARY_INDEX_AUTO_SCALING_UPDATE_LIST,
        ),
        optional("ReplicaProvisionedReadCapacityAutoScalingUpdate", &AUTO_SCALING_SETTINGS_UPDATE),
    ],
);
pub(in crate::shapes) static REPLICA_GLOBAL_SECONDARY_INDEX: Shape = Shape::structure(
    "ReplicaGlobalSecondaryIndex",
    &[
        required("IndexName", &INDEX_NAME),
        optional("ProvisionedThroughputOverride", &PROVISIONED_THROUGHPUT_OVERRIDE),
        optional("OnDemandThroughputOverride", &ON_DEMAND_THROUGHPUT_OVERRIDE),
    ],
);
pub(in crate::shapes) static REPLICA_GLOBAL_SECONDARY_INDEX_AUTO_SCALING_UPDATE: Shape = Shape::structure(
    "ReplicaGlobalSecondaryIndexAutoScalingUpdate",
    &[
        optional("IndexName", &INDEX_NAME),
        optional("ProvisionedReadCapacityAutoScalingUpdate", &AUTO_SCALING_SETTINGS_UPDATE),
    ],
);
pub(in crate::shapes) static REPLICA_GLOBAL_SECONDARY_INDEX_SETTINGS_UPDATE: Shape = Shape::structure(
    "ReplicaGlobalSecondaryIndexSettingsUpdate",
    &[
        required("IndexName", &INDEX_NAME),
        optional("ProvisionedReadCapacityUnits", &POSITIVE_LONG_OBJECT),
        optional("ProvisionedReadCapacityAutoScalingSettingsUpdate", &AUTO_SCALING_SETTINGS_UPDATE),
    ],
);
pub(in crate::shapes) static REPLICA_SETTINGS_UPDATE: Shape = Shape::structure(
    "ReplicaSettingsUpdate",
    &[
        required("RegionName", &REGION_NAME),
        optional("ReplicaProvisionedReadCapacityUnits", &POSITIVE_LONG_OBJECT),
        optional("ReplicaProvisionedReadCapacityAutoScalingSettingsUpdate", &AUTO_SCALING_SETTINGS_UPDATE),
        optional(
            "ReplicaGlobalSecondaryIndexSettingsUpdate",
            &REPLICA_GLOBAL_SECONDARY_INDEX_SETTINGS_UPDATE_LIST,
        ),
        optional("ReplicaTableClass", &TABLE_CLASS),
    ],
);
pub(in crate::shapes) static REPLICA_UPDATE: Shape = Shape::structure(
    "ReplicaUpdate",
    &[optional("Create", &CREATE_REPLICA_ACTION), optional("Delete", &DELETE_REPLICA_ACTION)],
);
pub(in crate::shapes) static REPLICATION_GROUP_UPDATE: Shape = Shape::structure(
    "ReplicationGroupUpdate",
    &[
        optional("Create", &CREATE_REPLICATION_GROUP_MEMBER_ACTION),
        optional("Update", &UPDATE_REPLICATION_GROUP_MEMBER_ACTION),
        optional("Delete", &DELETE_REPLICATION_GROUP_MEMBER_ACTION),
        optional("Disassociate", &DISASSOCIATE_REPLICATION_GROUP_MEMBER_ACTION),
    ],
);
pub(in crate::shapes) static S3_BUCKET_SOURCE: Shape = Shape::structure(
    "S3BucketSource",
    &[
        optional("S3BucketOwner", &S3_BUCKET_OWNER),
        required("S3Bucket", &S3_BUCKET),
        optional("S3KeyPrefix", &S3_PREFIX),
    ],
);
pub(in crate::shapes) static SSE_SPECIFICATION: Shape = Shape::structure(
    "SSESpecification",
    &[
        optional("Enabled", &SSE_ENABLED),
        optional("SSEType", &SSE_TYPE),
        optional("KMSMasterKeyId", &KMS_MASTER_KEY_ID),
    ],
);
pub(in crate::shapes) static SEARCH_SCHEMA_ELEMENT: Shape = Shape::structure(
    "SearchSchemaElement",
    &[
        required("AttributeName", &ATTRIBUTE_NAME),
        required("SearchSchemaElementType", &SEARCH_SCHEMA_ELEMENT_TYPE),
    ],
);
pub(in crate::shapes) static STREAM_SPECIFICATION: Shape = Shape::structure(
    "StreamSpecification",
    &[required("StreamEnabled", &STREAM_ENABLED), optional("StreamViewType", &STREAM_VIEW_TYPE)],
);
pub(in crate::shapes) static TABLE_CREATION_PARAMETERS: Shape = Shape::structure(
    "TableCreationParameters",
    &[
        required("TableName", &TABLE_NAME),
        required("AttributeDefinitions", &ATTRIBUTE_DEFINITIONS),
        required("KeySchema", &KEY_SCHEMA),
        optional("BillingMode", &BILLING_MODE),
        optional("ProvisionedThroughput", &PROVISIONED_THROUGHPUT),
        optional("OnDemandThroughput", &ON_DEMAND_THROUGHPUT),
        optional("SSESpecification", &SSE_SPECIFICATION),
        optional("GlobalSecondaryIndexes", &GLOBAL_SECONDARY_INDEX_LIST),
        optional("VectorIndexes", &VECTOR_INDEX_LIST),
    ],
);
pub(in crate::shapes) static TAG: Shape =
    Shape::structure("Tag", &[required("Key", &TAG_KEY_STRING), required("Value", &TAG_VALUE_STRING)]);
pub(in crate::shapes) static TIME_TO_LIVE_SPECIFICATION: Shape = Shape::structure(
    "TimeToLiveSpecification",
    &[required("Enabled", &TIME_TO_LIVE_ENABLED), required("AttributeName", &TIME_TO_LIVE_ATTRIBUTE_NAME)],
);
pub(in crate::shapes) static TRANSACT_GET_ITEM: Shape =
    Shape::structure("TransactGetItem", &[required("Get", &GET)]);
pub(in crate::shapes) static TRANSACT_WRITE_ITEM: Shape = Shape::structure(
    "TransactWriteItem",
    &[
        optional("ConditionCheck", &CONDITION_CHECK),
        optional("Put", &PUT),
        optional("Delete", &DELETE),
        optional("Update", &UPDATE),
    ],
);
pub(in crate::shapes) static UPDATE: Shape = Shape::structure(
    "Update",
    &[
        required("Key", &KEY),
        required("UpdateExpression", &UPDATE_EXPRESSION),
        required("TableName", &TABLE_ARN),
        optional("ConditionExpression", &CONDITION_EXPRESSION),
        optional("ExpressionAttributeNames", &EXPRESSION_ATTRIBUTE_NAME_MAP),
        optional("ExpressionAttributeValues", &EXPRESSION_ATTRIBUTE_VALUE_MAP),
        optional("ReturnValuesOnConditionCheckFailure", &RETURN_VALUES_ON_CONDITION_CHECK_FAILURE),
    ],
);
pub(in crate::shapes) static UPDATE_GLOBAL_SECONDARY_INDEX_ACTION: Shape = Shape::structure(
    "UpdateGlobalSecondaryIndexAction",
    &[
        required("IndexName", &INDEX_NAME),
        optional("ProvisionedThroughput", &PROVISIONED_THROUGHPUT),
        optional("OnDemandThroughput", &ON_DEMAND_THROUGHPUT),
        optional("WarmThroughput", &WARM_THROUGHPUT),
    ],
);
pub(in crate::shapes) static UPDATE_KINESIS_STREAMING_CONFIGURATION: Shape = Shape::structure(
    "UpdateKinesisStreamingConfiguration",
    &[optional("ApproximateCreationDateTimePrecision", &APPROXIMATE_CREATION_DATE_TIME_PRECISION)],
);
pub(in crate::shapes) static UPDATE_REPLICATION_GROUP_MEMBER_ACTION: Shape = Shape::structure(
    "UpdateReplicationGroupMemberAction",
    &[
        required("RegionName", &REGION_NAME),
        optional("KMSMasterKeyId", &KMS_MASTER_KEY_ID),
        optional("ProvisionedThroughputOverride", &PROVISIONED_THROUGHPUT_OVERRIDE),
        optional("OnDemandThroughputOverride", &ON_DEMAND_THROUGHPUT_OVERRIDE),
        optional("GlobalSecondaryIndexes", &REPLICA_GLOBAL_SECONDARY_INDEX_LIST),
        optional("TableClassOverride", &TABLE_CLASS),
    ],
);
pub(in crate::shapes) static VECTOR_ATTRIBUTE_DEFINITION: Shape =
    Shape::structure("VectorAttributeDefinition", &[required("AttributeName", &VECTOR_ATTRIBUTE_NAME)]);
pub(in crate::shapes) static VECTOR_INDEX: Shape = Shape::structure(
    "VectorIndex",
    &[
        required("IndexName", &INDEX_NAME),
        required("VectorAttribute", &VECTOR_ATTRIBUTE_DEFINITION),
        optional("SearchSchema", &SEARCH_SCHEMA),
        required("Projection", &PROJECTION),
        required("Dimensions", &POSITIVE_LONG_OBJECT),
        required("DistanceFunction", &VECTOR_DISTANCE_FUNCTION),
    ],
);
pub(in crate::shapes) static VECTOR_INDEX_UPDATE: Shape = Shape::structure(
    "VectorIndexUpdate",
    &[optional("Create", &CREATE_VECTOR_INDEX_ACTION), optional("Delete", &DELETE_VECTOR_INDEX_ACTION)],
);
pub(in crate::shapes) static WARM_THROUGHPUT: Shape = Shape::structure(
    "WarmThroughput",
    &[optional("ReadUnitsPerSecond", &LONG_OBJECT), optional("WriteUnitsPerSecond", &LONG_OBJECT)],
);
pub(in crate::shapes) static WRITE_REQUEST: Shape = Shape::structure(
    "WriteRequest",
    &[optional("PutRequest", &PUT_REQUEST), optional("DeleteRequest", &DELETE_REQUEST)],
);
