//! Operations on tables: the control plane.

pub(crate) mod create_table;
pub(crate) mod delete_table;
pub(crate) mod describe_continuous_backups;
pub(crate) mod describe_endpoints;
pub(crate) mod describe_limits;
pub(crate) mod describe_table;
pub(crate) mod list_tables;
pub(crate) mod tags;
pub(crate) mod time_to_live;
pub(crate) mod update_table;
