//! What every operation is given: the Region that was asked, and where clients find this server.

use std::sync::Arc;

use graticule_model::{Error, TableName, names::parse_table_reference};
use graticule_tables::Region;

/// The surroundings of one request.
#[derive(Debug, Clone)]
pub struct Context {
    /// The Region that the request was signed for.
    pub region: Arc<Region>,
    /// `host:port` where clients reach this server, for DescribeEndpoints.
    pub endpoint: Arc<str>,
}

impl Context {
    /// Reads a `TableName` parameter: a name, or an ARN of this Region.
    pub(crate) fn table_name(&self, reference: &str) -> Result<TableName, Error> {
        parse_table_reference(reference, self.region.name())
    }
}
