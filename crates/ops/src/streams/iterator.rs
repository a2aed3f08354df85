//! Shard iterators: where reading goes on, in a token that says everything, so that it outlives the server's process.

use graticule_model::{Error, limits::SHARD_ITERATOR_AGE_MS_MAX};

/// Form of the token.
const FORMAT: &str = "1";

/// A place in a stream, and when it was handed out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ShardIterator {
    /// The stream.
    pub(super) stream_arn: String,
    /// The log position to go on at.
    pub(super) position: u64,
    /// When it was handed out, in milliseconds since the epoch.
    pub(super) created_ms: u64,
}

/// A token that was never handed out.
pub(super) fn invalid() -> Error {
    Error::Validation("Invalid ShardIterator".to_owned())
}

impl ShardIterator {
    /// The token that clients are given.
    pub(super) fn token(&self) -> String {
        format!("{}|{FORMAT}|{:016x}{:016x}", self.stream_arn, self.position, self.created_ms)
    }

    /// Reads a token.
    ///
    /// # Errors
    /// If it is none.
    pub(super) fn read(token: &str) -> Result<ShardIterator, Error> {
        let read = || {
            let mut parts = token.splitn(3, '|');
            let (stream_arn, format, place) = (parts.next()?, parts.next()?, parts.next()?);
            let (position, created) = place.split_at_checked(16)?;
            let number = |hex: &str| {
                let is_hex = hex.len() == 16 && hex.bytes().all(|digit| digit.is_ascii_hexdigit());
                is_hex.then(|| u64::from_str_radix(hex, 16).ok()).flatten()
            };
            (format == FORMAT).then_some(())?;
            Some(ShardIterator {
                stream_arn: stream_arn.to_owned(),
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
