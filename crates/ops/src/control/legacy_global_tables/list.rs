//! ListGlobalTables: an empty list, whatever the name to start behind, the limit and the Region. The service fails at a
//! Region that does not exist; here it has no global tables either.

use graticule_model::Error;
use serde_json::Value;

use crate::reply::Reply;

/// Answers the request.
///
/// # Errors
/// None.
pub(crate) fn call() -> Result<Vec<u8>, Error> {
    let none: [Value; 0] = [];
    let mut reply = Reply::new();
    reply.value("GlobalTables", &none);
    Ok(reply.finish())
}
