//! Texts, numbers and flags in requests of DynamoDB. Written by `scripts/api-model`, not by hand.

use super::super::table::Shape;

pub(in crate::shapes) static APPROXIMATE_CREATION_DATE_TIME_PRECISION: Shape =
    Shape::choice(&["MILLISECOND", "MICROSECOND"]);
pub(in crate::shapes) static ATTRIBUTE_ACTION: Shape = Shape::choice(&["ADD", "PUT", "DELETE"]);
pub(in crate::shapes) static AUTO_SCALING_POLICY_NAME: Shape =
    Shape::text().length(1, 256).pattern("\\p{Print}+");
pub(in crate::shapes) static AUTO_SCALING_ROLE_ARN: Shape = Shape::text()
    .length(1, 1600)
    .pattern("[\\u0020-\\uD7FF\\uE000-\\uFFFD\\uD800\\uDC00-\\uDBFF\\uDFFF\\r\\n\\t]*");
pub(in crate::shapes) static BACKUP_ARN: Shape = Shape::text().length(37, 1024);
pub(in crate::shapes) static BACKUP_NAME: Shape = Shape::text().length(3, 255).pattern("[a-zA-Z0-9_.-]+");
pub(in crate::shapes) static BACKUP_TYPE_FILTER: Shape =
    Shape::choice(&["USER", "SYSTEM", "AWS_BACKUP", "ALL"]);
pub(in crate::shapes) static BACKUPS_INPUT_LIMIT: Shape = Shape::integer().range(1, 100);
pub(in crate::shapes) static BILLING_MODE: Shape = Shape::choice(&["PROVISIONED", "PAY_PER_REQUEST"]);
pub(in crate::shapes) static BOOLEAN_OBJECT: Shape = Shape::boolean();
pub(in crate::shapes) static BULK_OPERATION_ARN: Shape = Shape::text().length(37, 1024);
pub(in crate::shapes) static BULK_OPERATION_INPUT_FORMAT: Shape = Shape::choice(&["DYNAMODB_JSON", "ION"]);
pub(in crate::shapes) static BULK_OPERATION_MAX_WRITE_REQUEST_UNITS: Shape =
    Shape::long().range(1024, i64::MAX);
pub(in crate::shapes) static BULK_OPERATION_NEXT_TOKEN: Shape =
    Shape::text().length(1, 1024).pattern("([0-9a-f]{16})+");
pub(in crate::shapes) static BULK_OPERATION_PERFORMANCE_TIER: Shape =
    Shape::choice(&["STANDARD", "ACCELERATED"]);
pub(in crate::shapes) static CLIENT_REQUEST_TOKEN: Shape = Shape::text().length(1, 36);
pub(in crate::shapes) static CLIENT_TOKEN: Shape = Shape::text().pattern("^[^\\$]+$");
pub(in crate::shapes) static CONDITION_EXPRESSION: Shape = Shape::text();
pub(in crate::shapes) static CONFIRM_REMOVE_SELF_RESOURCE_ACCESS: Shape = Shape::boolean();
pub(in crate::shapes) static CONSISTENT_READ: Shape = Shape::boolean();
pub(in crate::shapes) static CONTRIBUTOR_INSIGHTS_ACTION: Shape = Shape::choice(&["ENABLE", "DISABLE"]);
pub(in crate::shapes) static CONTRIBUTOR_INSIGHTS_MODE: Shape =
    Shape::choice(&["ACCESSED_AND_THROTTLED_KEYS", "THROTTLED_KEYS"]);
pub(in crate::shapes) static CSV_DELIMITER: Shape = Shape::text().length(1, 1).pattern("[,;:|\\t ]");
pub(in crate::shapes) static CSV_HEADER: Shape =
    Shape::text().length(1, 65536).pattern("[\\x20-\\x21\\x23-\\x2B\\x2D-\\x7E]*");
pub(in crate::shapes) static DATE: Shape = Shape::timestamp();
pub(in crate::shapes) static DELETION_PROTECTION_ENABLED: Shape = Shape::boolean();
pub(in crate::shapes) static DISASSOCIATION_MODE: Shape = Shape::choice(&["WAIT_FOR_REPLICATION"]);
pub(in crate::shapes) static DISASSOCIATION_PROTECTION_ENABLED: Shape = Shape::boolean();
pub(in crate::shapes) static DOUBLE_OBJECT: Shape = Shape::double();
pub(in crate::shapes) static EXPORT_ARN: Shape = Shape::text().length(37, 1024);
pub(in crate::shapes) static EXPORT_FORMAT: Shape = Shape::choice(&["DYNAMODB_JSON", "ION"]);
pub(in crate::shapes) static EXPORT_FROM_TIME: Shape = Shape::timestamp();
pub(in crate::shapes) static EXPORT_NEXT_TOKEN: Shape = Shape::text();
pub(in crate::shapes) static EXPORT_TIME: Shape = Shape::timestamp();
pub(in crate::shapes) static EXPORT_TO_TIME: Shape = Shape::timestamp();
pub(in crate::shapes) static EXPORT_TYPE: Shape = Shape::choice(&["FULL_EXPORT", "INCREMENTAL_EXPORT"]);
pub(in crate::shapes) static EXPORT_VIEW_TYPE: Shape = Shape::choice(&["NEW_IMAGE", "NEW_AND_OLD_IMAGES"]);
pub(in crate::shapes) static EXPRESSION_ATTRIBUTE_NAME_VARIABLE: Shape = Shape::text();
pub(in crate::shapes) static EXPRESSION_ATTRIBUTE_VALUE_VARIABLE: Shape = Shape::text();
pub(in crate::shapes) static GLOBAL_TABLE_SETTINGS_REPLICATION_MODE: Shape =
    Shape::choice(&["ENABLED", "DISABLED", "ENABLED_WITH_OVERRIDES"]);
pub(in crate::shapes) static IMPORT_ARN: Shape = Shape::text().length(37, 1024);
pub(in crate::shapes) static IMPORT_NEXT_TOKEN: Shape =
    Shape::text().length(112, 1024).pattern("([0-9a-f]{16})+");
pub(in crate::shapes) static INDEX_NAME: Shape = Shape::text().length(3, 255).pattern("[a-zA-Z0-9_.-]+");
pub(in crate::shapes) static INPUT_COMPRESSION_TYPE: Shape = Shape::choice(&["GZIP", "ZSTD", "NONE"]);
pub(in crate::shapes) static INPUT_FORMAT: Shape = Shape::choice(&["DYNAMODB_JSON", "ION", "CSV"]);
pub(in crate::shapes) static INTEGER_OBJECT: Shape = Shape::integer();
pub(in crate::shapes) static KMS_MASTER_KEY_ID: Shape = Shape::text();
pub(in crate::shapes) static KEY_EXPRESSION: Shape = Shape::text();
pub(in crate::shapes) static KEY_SCHEMA_ATTRIBUTE_NAME: Shape = Shape::text().length(1, 255);
pub(in crate::shapes) static KEY_TYPE: Shape = Shape::choice(&["HASH", "RANGE"]);
pub(in crate::shapes) static LIST_BULK_OPERATIONS_MAX_LIMIT: Shape = Shape::integer().range(1, 25);
pub(in crate::shapes) static LIST_CONTRIBUTOR_INSIGHTS_LIMIT: Shape = Shape::integer().range(i64::MIN, 100);
pub(in crate::shapes) static LIST_EXPORTS_MAX_LIMIT: Shape = Shape::integer().range(1, 25);
pub(in crate::shapes) static LIST_IMPORTS_MAX_LIMIT: Shape = Shape::integer().range(1, 25);
pub(in crate::shapes) static LIST_TABLES_INPUT_LIMIT: Shape = Shape::integer().range(1, 100);
pub(in crate::shapes) static LONG_OBJECT: Shape = Shape::long();
pub(in crate::shapes) static MULTI_REGION_CONSISTENCY: Shape = Shape::choice(&["EVENTUAL", "STRONG"]);
pub(in crate::shapes) static NEXT_TOKEN_STRING: Shape = Shape::text();
pub(in crate::shapes) static NON_KEY_ATTRIBUTE_NAME: Shape = Shape::text().length(1, 255);
pub(in crate::shapes) static OUTPUT_TYPE_ENUM: Shape = Shape::choice(&["ERROR", "CONDITION_CHECK_FAILURE"]);
pub(in crate::shapes) static PARTI_QL_NEXT_TOKEN: Shape = Shape::text().length(1, 32768);
pub(in crate::shapes) static PARTI_QL_STATEMENT: Shape = Shape::text().length(1, 8192);
pub(in crate::shapes) static POLICY_REVISION_ID: Shape = Shape::text().length(1, 255);
pub(in crate::shapes) static POSITIVE_INTEGER_OBJECT: Shape = Shape::integer().range(1, i64::MAX);
pub(in crate::shapes) static POSITIVE_LONG_OBJECT: Shape = Shape::long().range(1, i64::MAX);
pub(in crate::shapes) static PROJECTION_EXPRESSION: Shape = Shape::text();
pub(in crate::shapes) static RECOVERY_PERIOD_IN_DAYS: Shape = Shape::integer().range(1, 35);
pub(in crate::shapes) static REGION_NAME: Shape = Shape::text();
pub(in crate::shapes) static RESOURCE_ARN_STRING: Shape = Shape::text().length(1, 1283);
pub(in crate::shapes) static RESOURCE_POLICY: Shape = Shape::text();
pub(in crate::shapes) static RETURN_CONSUMED_CAPACITY: Shape = Shape::choice(&["INDEXES", "TOTAL", "NONE"]);
pub(in crate::shapes) static RETURN_ITEM_COLLECTION_METRICS: Shape = Shape::choice(&["SIZE", "NONE"]);
pub(in crate::shapes) static RETURN_VALUES_ON_CONDITION_CHECK_FAILURE: Shape =
    Shape::choice(&["ALL_OLD", "NONE"]);
pub(in crate::shapes) static S3_BUCKET: Shape =
    Shape::text().length(0, 255).pattern("^[a-z0-9A-Z]+[\\.\\-\\w]*[a-z0-9A-Z]+$");
pub(in crate::shapes) static S3_BUCKET_OWNER: Shape = Shape::text().pattern("[0-9]{12}");
pub(in crate::shapes) static S3_PREFIX: Shape = Shape::text().length(0, 1024);
pub(in crate::shapes) static S3_SSE_ALGORITHM: Shape = Shape::choice(&["AES256", "KMS"]);
pub(in crate::shapes) static S3_SSE_KMS_KEY_ID: Shape = Shape::text().length(1, 2048);
pub(in crate::shapes) static SSE_ENABLED: Shape = Shape::boolean();
pub(in crate::shapes) static SSE_TYPE: Shape = Shape::choice(&["AES256", "KMS"]);
pub(in crate::shapes) static SCAN_SEGMENT: Shape = Shape::integer().range(0, 999999);
pub(in crate::shapes) static SCAN_TOTAL_SEGMENTS: Shape = Shape::integer().range(1, 1000000);
pub(in crate::shapes) static SEARCH_SCHEMA_ELEMENT_TYPE: Shape = Shape::choice(&["HASH", "INLINE_FILTER"]);
pub(in crate::shapes) static STREAM_ARN: Shape = Shape::text().length(37, 1024);
pub(in crate::shapes) static STREAM_ENABLED: Shape = Shape::boolean();
pub(in crate::shapes) static STREAM_VIEW_TYPE: Shape =
    Shape::choice(&["NEW_IMAGE", "OLD_IMAGE", "NEW_AND_OLD_IMAGES", "KEYS_ONLY"]);
pub(in crate::shapes) static STRING: Shape = Shape::text();
pub(in crate::shapes) static TABLE_NAME: Shape = Shape::text().length(3, 255).pattern("[a-zA-Z0-9_.-]+");
pub(in crate::shapes) static TAG_KEY_STRING: Shape = Shape::text().length(1, 128);
pub(in crate::shapes) static TAG_VALUE_STRING: Shape = Shape::text().length(0, 256);
pub(in crate::shapes) static TIME_RANGE_LOWER_BOUND: Shape = Shape::timestamp();
pub(in crate::shapes) static TIME_RANGE_UPPER_BOUND: Shape = Shape::timestamp();
pub(in crate::shapes) static TIME_TO_LIVE_ATTRIBUTE_NAME: Shape = Shape::text().length(1, 255);
pub(in crate::shapes) static TIME_TO_LIVE_ENABLED: Shape = Shape::boolean();
pub(in crate::shapes) static TOP_K_INTEGER: Shape = Shape::integer().range(1, i64::MAX);
pub(in crate::shapes) static UPDATE_EXPRESSION: Shape = Shape::text();
pub(in crate::shapes) static VECTOR_ATTRIBUTE_NAME: Shape = Shape::text().length(1, 255);
pub(in crate::shapes) static VECTOR_DISTANCE_FUNCTION: Shape =
    Shape::choice(&["COSINE", "DOT_PRODUCT", "EUCLIDEAN"]);
