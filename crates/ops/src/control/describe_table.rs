//! describe_table

use graticule_model::Error;

use crate::Context;

pub(crate) async fn call(_context: &Context, _body: &[u8]) -> Result<Vec<u8>, Error> {
    Err(Error::UnknownOperation)
}
