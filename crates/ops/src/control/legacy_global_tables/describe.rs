//! DescribeGlobalTable: there is none.

use graticule_model::{Absent, Error};
use serde::Deserialize;

use crate::parameters::parse;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Request {
    global_table_name: String,
}

/// Tells that there is no such global table.
///
/// # Errors
/// [`Absent::DescribedGlobalTable`], always.
pub(crate) fn call(body: &[u8]) -> Result<Vec<u8>, Error> {
    let request: Request = parse(body)?;
    Err(Error::Absent(Absent::DescribedGlobalTable(request.global_table_name)))
}
