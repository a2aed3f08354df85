//! The operations on items.

mod batches;
mod capacity;
mod collections;
mod items;
mod operations;
mod paging;
mod properties;
mod reads;
mod rejections;
mod transactions;

use graticule_model::KeyType;
use graticule_tables::schema::Projection;

use crate::support::TableSpec;

/// `simple` with the key `pk`; `ranged` with `pk`, `sk` and indexes of every kind.
pub(crate) fn tables() -> [TableSpec; 2] {
    let include = || Projection::Include(vec!["extra".to_owned()]);
    [
        TableSpec::new("simple", ("pk", KeyType::S)),
        TableSpec::new("ranged", ("pk", KeyType::S))
            .sort("sk", KeyType::N)
            .local("local-keys", ("lsk", KeyType::S), Projection::KeysOnly)
            .local("local-all", ("lsk", KeyType::S), Projection::All)
            .global("global-keys", ("gpk", KeyType::S), Some(("gsk", KeyType::N)), Projection::KeysOnly)
            .global("global-include", ("gpk", KeyType::S), None, include())
            .global("global-all", ("gpk", KeyType::S), Some(("gsk", KeyType::N)), Projection::All),
    ]
}
