//! Lists and maps in requests of DynamoDB. Written by `scripts/api-model`, not by hand.

use super::super::departures::{ATTRIBUTE_NAME, LOCAL_SECONDARY_INDEX};
use super::super::table::{Shape, UNBOUNDED};
use super::structures::{
    ATTRIBUTE_DEFINITION, ATTRIBUTE_VALUE, ATTRIBUTE_VALUE_UPDATE, BATCH_STATEMENT_REQUEST, CONDITION,
    EXPECTED_ATTRIBUTE_VALUE, GLOBAL_SECONDARY_INDEX, GLOBAL_SECONDARY_INDEX_AUTO_SCALING_UPDATE,
    GLOBAL_SECONDARY_INDEX_UPDATE, GLOBAL_TABLE_GLOBAL_SECONDARY_INDEX_SETTINGS_UPDATE,
    GLOBAL_TABLE_WITNESS_GROUP_UPDATE, KEY_SCHEMA_ELEMENT, PARAMETERIZED_STATEMENT, REPLICA,
    REPLICA_AUTO_SCALING_UPDATE, REPLICA_GLOBAL_SECONDARY_INDEX,
    REPLICA_GLOBAL_SECONDARY_INDEX_AUTO_SCALING_UPDATE, REPLICA_GLOBAL_SECONDARY_INDEX_SETTINGS_UPDATE,
    REPLICA_SETTINGS_UPDATE, REPLICA_UPDATE, REPLICATION_GROUP_UPDATE, SEARCH_SCHEMA_ELEMENT, TAG,
    TRANSACT_GET_ITEM, TRANSACT_WRITE_ITEM, VECTOR_INDEX, VECTOR_INDEX_UPDATE, WRITE_REQUEST,
};
use super::values::{
    CSV_HEADER, EXPRESSION_ATTRIBUTE_NAME_VARIABLE, EXPRESSION_ATTRIBUTE_VALUE_VARIABLE,
    NON_KEY_ATTRIBUTE_NAME, OUTPUT_TYPE_ENUM, TAG_KEY_STRING,
};

pub(in crate::shapes) static ATTRIBUTE_DEFINITIONS: Shape = Shape::list(&ATTRIBUTE_DEFINITION);
pub(in crate::shapes) static ATTRIBUTE_NAME_LIST: Shape = Shape::list(&ATTRIBUTE_NAME).length(1, UNBOUNDED);
pub(in crate::shapes) static ATTRIBUTE_UPDATES: Shape = Shape::map(&ATTRIBUTE_NAME, &ATTRIBUTE_VALUE_UPDATE);
pub(in crate::shapes) static ATTRIBUTE_VALUE_LIST: Shape = Shape::list(&ATTRIBUTE_VALUE);
pub(in crate::shapes) static CSV_HEADER_LIST: Shape = Shape::list(&CSV_HEADER).length(1, 255);
pub(in crate::shapes) static EXPECTED_ATTRIBUTE_MAP: Shape =
    Shape::map(&ATTRIBUTE_NAME, &EXPECTED_ATTRIBUTE_VALUE);
pub(in crate::shapes) static EXPRESSION_ATTRIBUTE_NAME_MAP: Shape =
    Shape::map(&EXPRESSION_ATTRIBUTE_NAME_VARIABLE, &ATTRIBUTE_NAME);
pub(in crate::shapes) static EXPRESSION_ATTRIBUTE_VALUE_MAP: Shape =
    Shape::map(&EXPRESSION_ATTRIBUTE_VALUE_VARIABLE, &ATTRIBUTE_VALUE);
pub(in crate::shapes) static FILTER_CONDITION_MAP: Shape = Shape::map(&ATTRIBUTE_NAME, &CONDITION);
pub(in crate::shapes) static GLOBAL_SECONDARY_INDEX_AUTO_SCALING_UPDATE_LIST: Shape =
    Shape::list(&GLOBAL_SECONDARY_INDEX_AUTO_SCALING_UPDATE).length(1, UNBOUNDED);
pub(in crate::shapes) static GLOBAL_SECONDARY_INDEX_LIST: Shape = Shape::list(&GLOBAL_SECONDARY_INDEX);
pub(in crate::shapes) static GLOBAL_SECONDARY_INDEX_UPDATE_LIST: Shape =
    Shape::list(&GLOBAL_SECONDARY_INDEX_UPDATE);
pub(in crate::shapes) static GLOBAL_TABLE_GLOBAL_SECONDARY_INDEX_SETTINGS_UPDATE_LIST: Shape =
    Shape::list(&GLOBAL_TABLE_GLOBAL_SECONDARY_INDEX_SETTINGS_UPDATE).length(1, 20);
pub(in crate::shapes) static GLOBAL_TABLE_WITNESS_GROUP_UPDATE_LIST: Shape =
    Shape::list(&GLOBAL_TABLE_WITNESS_GROUP_UPDATE).length(1, 1);
pub(in crate::shapes) static KEY: Shape = Shape::map(&ATTRIBUTE_NAME, &ATTRIBUTE_VALUE);
pub(in crate::shapes) static KEY_CONDITIONS: Shape = Shape::map(&ATTRIBUTE_NAME, &CONDITION);
pub(in crate::shapes) static KEY_LIST: Shape = Shape::list(&KEY).length(1, 100);
pub(in crate::shapes) static KEY_SCHEMA: Shape = Shape::list(&KEY_SCHEMA_ELEMENT).length(1, UNBOUNDED);
pub(in crate::shapes) static LOCAL_SECONDARY_INDEX_LIST: Shape = Shape::list(&LOCAL_SECONDARY_INDEX);
pub(in crate::shapes) static NON_KEY_ATTRIBUTE_NAME_LIST: Shape =
    Shape::list(&NON_KEY_ATTRIBUTE_NAME).length(1, 20);
pub(in crate::shapes) static OUTPUT_TYPE_LIST: Shape = Shape::list(&OUTPUT_TYPE_ENUM);
pub(in crate::shapes) static PARAMETERIZED_STATEMENTS: Shape =
    Shape::list(&PARAMETERIZED_STATEMENT).length(1, 100);
pub(in crate::shapes) static PARTI_QL_BATCH_REQUEST: Shape =
    Shape::list(&BATCH_STATEMENT_REQUEST).length(1, 25);
pub(in crate::shapes) static PREPARED_STATEMENT_PARAMETERS: Shape =
    Shape::list(&ATTRIBUTE_VALUE).length(1, UNBOUNDED);
pub(in crate::shapes) static PUT_ITEM_INPUT_ATTRIBUTE_MAP: Shape =
    Shape::map(&ATTRIBUTE_NAME, &ATTRIBUTE_VALUE);
pub(in crate::shapes) static REPLICA_AUTO_SCALING_UPDATE_LIST: Shape =
    Shape::list(&REPLICA_AUTO_SCALING_UPDATE).length(1, UNBOUNDED);
pub(in crate::shapes) static REPLICA_GLOBAL_SECONDARY_INDEX_AUTO_SCALING_UPDATE_LIST: Shape =
    Shape::list(&REPLICA_GLOBAL_SECONDARY_INDEX_AUTO_SCALING_UPDATE);
pub(in crate::shapes) static REPLICA_GLOBAL_SECONDARY_INDEX_LIST: Shape =
    Shape::list(&REPLICA_GLOBAL_SECONDARY_INDEX).length(1, UNBOUNDED);
pub(in crate::shapes) static REPLICA_GLOBAL_SECONDARY_INDEX_SETTINGS_UPDATE_LIST: Shape =
    Shape::list(&REPLICA_GLOBAL_SECONDARY_INDEX_SETTINGS_UPDATE).length(1, 20);
pub(in crate::shapes) static REPLICA_LIST: Shape = Shape::list(&REPLICA);
pub(in crate::shapes) static REPLICA_SETTINGS_UPDATE_LIST: Shape =
    Shape::list(&REPLICA_SETTINGS_UPDATE).length(1, 50);
pub(in crate::shapes) static REPLICA_UPDATE_LIST: Shape = Shape::list(&REPLICA_UPDATE);
pub(in crate::shapes) static REPLICATION_GROUP_UPDATE_LIST: Shape =
    Shape::list(&REPLICATION_GROUP_UPDATE).length(1, UNBOUNDED);
pub(in crate::shapes) static SEARCH_SCHEMA: Shape = Shape::list(&SEARCH_SCHEMA_ELEMENT).length(1, UNBOUNDED);
pub(in crate::shapes) static SEARCH_VECTOR_LIST: Shape = Shape::list(&ATTRIBUTE_VALUE).length(1, 4096);
pub(in crate::shapes) static TAG_KEY_LIST: Shape = Shape::list(&TAG_KEY_STRING);
pub(in crate::shapes) static TAG_LIST: Shape = Shape::list(&TAG);
pub(in crate::shapes) static TRANSACT_GET_ITEM_LIST: Shape = Shape::list(&TRANSACT_GET_ITEM).length(1, 100);
pub(in crate::shapes) static TRANSACT_WRITE_ITEM_LIST: Shape =
    Shape::list(&TRANSACT_WRITE_ITEM).length(1, 100);
pub(in crate::shapes) static VECTOR_INDEX_LIST: Shape = Shape::list(&VECTOR_INDEX);
pub(in crate::shapes) static VECTOR_INDEX_UPDATE_LIST: Shape = Shape::list(&VECTOR_INDEX_UPDATE);
pub(in crate::shapes) static WRITE_REQUESTS: Shape = Shape::list(&WRITE_REQUEST).length(1, 25);
