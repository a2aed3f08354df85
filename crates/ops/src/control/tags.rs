//! Tags.

use graticule_model::Error;

use crate::Context;

pub(crate) async fn tag_resource(_context: &Context, _body: &[u8]) -> Result<Vec<u8>, Error> {
    Err(Error::UnknownOperation)
}

pub(crate) async fn untag_resource(_context: &Context, _body: &[u8]) -> Result<Vec<u8>, Error> {
    Err(Error::UnknownOperation)
}

pub(crate) async fn list_tags_of_resource(_context: &Context, _body: &[u8]) -> Result<Vec<u8>, Error> {
    Err(Error::UnknownOperation)
}
