//! `GlobalTableSettingsReplicationMode`: whether a table is ready to share settings with tables of other accounts.
//!
//! There is one account, so a table can say that it is or is not, and nothing follows from it; tables of this account
//! are replicas with settings of their own, always.

use graticule_model::{Error, RegionName};
use graticule_tables::Table;

use super::{super::replica_description::REPLICATION_MODE, invalid};

/// Checks a mode that is asked for.
///
/// # Errors
/// If the table cannot have it.
pub(super) fn check(table: &Table, here: &RegionName, mode: &str) -> Result<(), Error> {
    let refuse = |mode: &str, only: &str| {
        invalid(format!(
            "Value '{mode}' at 'GlobalTableSettingsReplicationMode' failed to satisfy constraint: {only}"
        ))
    };
    if table.replicas(here).next().is_some() {
        return refuse(mode, "The settings replication of a same-account global table cannot be changed.");
    }
    if mode == REPLICATION_MODE {
        return refuse(
            mode,
            "Only ENABLED and DISABLED settings replication are supported for a Regional Table.",
        );
    }
    Ok(())
}
