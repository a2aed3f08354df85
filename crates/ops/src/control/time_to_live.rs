//! Time to live.

use graticule_model::Error;

use crate::Context;

pub(crate) async fn update(_context: &Context, _body: &[u8]) -> Result<Vec<u8>, Error> {
    Err(Error::UnknownOperation)
}

pub(crate) async fn describe(_context: &Context, _body: &[u8]) -> Result<Vec<u8>, Error> {
    Err(Error::UnknownOperation)
}
