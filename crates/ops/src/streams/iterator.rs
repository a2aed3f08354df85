//! Shard iterators: where reading goes on, in a token that says everything, so that it outlives the server's process.

use graticule_model::{Error, limits::SHARD_ITERATOR_AGE_MS_MAX};

/// Form of the token.
const FORMAT: &str = "1";

/// A place in a shard, and when it was handed out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ShardIterator {
    /// The stream.
    pub(super) stream_arn: String,
    /// When its shard was opened, which tells it from the stream's others.
    pub(super) shard_ms: u64,
    /// The log position to go on at.
    pub(super) position: u64,
    /// When it was handed out, in milliseconds since the epoch.
    pub(super) created_ms: u64,
}

/// A token that was never handed out.
pub(super) fn invalid() -> Error {
    Error::Validation("Invalid ShardIterator.".to_owned())
}

impl ShardIterator {
    /// The token that clients are given.
    pub(super) fn token(&self) -> String {
        let ShardIterator { stream_arn, shard_ms, position, created_ms } = self;
        format!("{stream_arn}|{FORMAT}|{shard_ms:016x}{position:016x}{created_ms:016x}")
    }

    /// Reads a token.
    ///
    /// # Errors
    /// If it is none.
    pub(super) fn read(token: &str) -> Result<ShardIterator, Error> {
        let read = || {
            let mut parts = token.splitn(3, '|');
            let (stream_arn, format, place) = (parts.next()?, parts.next()?, parts.next()?);
            let (shard, place) = place.split_at_checked(16)?;
            let (position, created) = place.split_at_checked(16)?;
            let number = |hex: &str| {
                let is_hex = hex.len() == 16 && hex.bytes().all(|digit| digit.is_ascii_hexdigit());
                is_hex.then(|| u64::from_str_radix(hex, 16).ok()).flatten()
            };
            (format == FORMAT).then_some(())?;
            Some(ShardIterator {
                stream_arn: stream_arn.to_owned(),
                shard_ms: number(shard)?,
                position: number(position)?,
                created_ms: number(created)?,
            })
        };
        read().ok_or_else(invalid)
    }

    /// Refuses an iterator that is too old.
    ///
    /// # Errors
    /// [`Error::ExpiredIterator`].
    pub(super) fn check_age(&self, now_ms: u64) -> Result<(), Error> {
        if now_ms.saturating_sub(self.created_ms) > SHARD_ITERATOR_AGE_MS_MAX {
            Err(Error::ExpiredIterator)
        } else {
            Ok(())
        }
    }
}
