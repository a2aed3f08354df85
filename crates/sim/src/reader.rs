//! A reader of streams, as an application has one: it goes from shard to shard and remembers where it was.

use std::collections::BTreeMap;

use graticule_model::{Error, Version};
use graticule_tables::{FoundStream, Region};

use crate::{model::key_of, world::table_name};

/// What a reader sees of a record.
pub(crate) type Seen = (u64, Version, String);

/// Records that a reader asks for at a time.
const PAGE: usize = 7;
/// How often it asks for one page if the stream changes under it.
const ATTEMPTS: usize = 20;

/// A reader of all streams of the table in one Region.
#[derive(Debug, Clone, Default)]
pub(crate) struct Reader {
    /// What it has seen of each table of the name, by table id.
    pub(crate) seen: BTreeMap<u64, Vec<Seen>>,
    /// Where it goes on in each stream.
    positions: BTreeMap<(u64, String), u64>,
}

impl Reader {
    /// Reads on to the present end of every stream.
    ///
    /// # Errors
    /// If a stream cannot be read.
    pub(crate) async fn read_on(mut self, region: &Region) -> Result<Reader, Error> {
        let name = table_name();
        for table in region.streamed_tables(Some(&name)).await? {
            for stream in &table.streams {
                for attempt in 0.. {
                    match region.find_stream(&name, &stream.label).await {
                        Ok(found) if self.read_stream(region, &found).await? => break,
                        Ok(_) if attempt < ATTEMPTS => {}
                        Ok(_) => return Err(Error::Internal("the stream keeps changing".to_owned())),
                        Err(Error::ResourceNotFound) => break,
                        Err(error) => return Err(error),
                    }
                }
            }
        }
        Ok(self)
    }

    /// Reads one stream to its end; tells whether it got there before the stream's shards changed.
    async fn read_stream(&mut self, region: &Region, found: &FoundStream) -> Result<bool, Error> {
        let table = found.table.id;
        let position = self.positions.entry((table, found.stream.label.clone())).or_default();
        let seen = self.seen.entry(table).or_default();
        for shard in region.shards(found).await? {
            if shard.closed && shard.next <= *position {
                continue;
            }
            *position = (*position).max(shard.oldest);
            while *position < shard.next {
                let Some(page) = region.shard_page(found, &shard, *position, PAGE).await? else {
                    return Ok(false);
                };
                let records = page.changes.into_iter();
                seen.extend(records.map(|(at, change)| (at, change.version, key_of(&change.key))));
                *position = page.next.unwrap_or(shard.next);
            }
        }
        Ok(true)
    }
}
