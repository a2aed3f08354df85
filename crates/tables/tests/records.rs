//! Stored forms: what is written is read back, and damaged bytes are an error, never a panic.

use std::sync::Arc;

use bytes::Bytes;
use graticule_model::{Version, version::HybridTime};
use graticule_tables::{Change, Record};
use proptest::prelude::*;

fn version() -> impl Strategy<Value = Version> {
    (any::<u64>(), "[a-z][a-z0-9-]{0,31}")
        .prop_map(|(time, region)| Version { time: HybridTime::from_bits(time), region: Arc::from(region) })
}

fn blob() -> impl Strategy<Value = Bytes> {
    prop::collection::vec(any::<u8>(), 0..80).prop_map(Bytes::from)
}

fn record() -> impl Strategy<Value = Record> {
    (version(), any::<bool>(), any::<u32>(), blob())
        .prop_map(|(version, tombstone, size_bytes, json)| Record { version, tombstone, size_bytes, json })
}

fn change() -> impl Strategy<Value = Change> {
    let images = (blob(), prop::option::of(blob()), prop::option::of(blob()));
    (version(), images, any::<u64>(), any::<bool>(), any::<bool>()).prop_map(
        |(version, (key, old, new), written_ms, expired, silent)| Change {
            version,
            key,
            old,
            new,
            written_ms,
            expired,
            silent,
        },
    )
}

/// Damages bytes: cuts them short, or changes one.
fn damage(mut bytes: Vec<u8>, at: prop::sample::Index, with: Option<u8>) -> Bytes {
    let at = at.index(bytes.len());
    match with {
        Some(with) => bytes[at] = with,
        None => bytes.truncate(at),
    }
    Bytes::from(bytes)
}

proptest! {
    #[test]
    fn records_are_read_back(record in record()) {
        prop_assert_eq!(Record::decode(Bytes::from(record.encode())).unwrap(), record);
    }

    #[test]
    fn changes_are_read_back(change in change()) {
        prop_assert_eq!(Change::decode(Bytes::from(change.encode())).unwrap(), change);
    }

    #[test]
    fn damaged_bytes_do_not_panic(
        record in record(),
        change in change(),
        at in any::<prop::sample::Index>(),
        with in prop::option::of(any::<u8>()),
        noise in prop::collection::vec(any::<u8>(), 0..60),
    ) {
        for bytes in [damage(record.encode(), at, with), Bytes::from(noise.clone())] {
            if let Ok(record) = Record::decode(bytes) {
                let _ = record.item();
            }
        }
        for bytes in [damage(change.encode(), at, with), Bytes::from(noise)] {
            let _ = Change::decode(bytes);
        }
    }
}

#[test]
fn a_change_is_shipped_without_what_only_the_stream_here_needs() {
    let change = Change {
        version: Version { time: HybridTime::from_bits(7), region: Arc::from("a") },
        key: Bytes::from_static(b"{}"),
        old: Some(Bytes::from_static(b"old")),
        new: Some(Bytes::from_static(b"new")),
        written_ms: 9,
        expired: true,
        silent: false,
    };
    assert_eq!(change.clone().for_shipping(), Change { old: None, ..change });
}
