//! Versions of the link protocol: what was released stays as it was, old and new ends work together, strangers part in
//! words.

use bytes::Bytes;
use graticule_replication::{
    Body, Frame, LinkError, PROTOCOL_VERSION, Reply, Request, Transport, WireChange, WireTable,
    tcp::{PROTOCOL_VERSIONS, decode, encode},
};

use crate::{
    cluster::{equal, members},
    linked::{Authority, assert_works, listener, region_name, serve, transport},
};

/// One of every message that version 1 knows.
fn messages_of_version_1() -> Vec<Frame> {
    let table = || "orders".to_owned();
    let change = |new: Option<&'static [u8]>, expired| WireChange {
        time: 0x0123_4567_89ab_cdef,
        region: "us-east-1".to_owned(),
        key: Bytes::from_static(br#"{"pk":{"S":"k"}}"#),
        new: new.map(Bytes::from_static),
        expired,
    };
    let requests = [
        Request::Table { table: table() },
        Request::Settings { shared: Bytes::from_static(br#"{"name":"orders"}"#) },
        Request::Position { table: table(), log: "log".to_owned() },
        Request::Changes {
            table: table(),
            group: "group".to_owned(),
            log: "log".to_owned(),
            changes: vec![change(Some(br#"{"pk":{"S":"k"},"v":{"N":"1"}}"#), false), change(None, true)],
            position: Some(300),
            watermark: Some(u64::MAX),
        },
        Request::Changes {
            table: table(),
            group: "group".to_owned(),
            log: "log".to_owned(),
            changes: Vec::new(),
            position: None,
            watermark: None,
        },
    ];
    let replies = [
        Reply::Table(None),
        Reply::Table(Some(WireTable { deletion_protection: true })),
        Reply::SettingsMerged { known_since: 77 },
        Reply::Foreign,
        Reply::Position(None),
        Reply::Position(Some(1)),
        Reply::Applied,
        Reply::Failed("a reason".to_owned()),
    ];
    let bodies = requests.into_iter().map(Body::Request).chain(replies.into_iter().map(Body::Reply));
    bodies.enumerate().map(|(id, body)| Frame { id: id as u64 + 200, body }).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// `tests/golden/link-vN.txt` has a line per message. A version that was released never changes: a test that fails here
/// asks for a new version. `GOLDEN_REWRITE=1` writes the file of the newest version, as long as it is not released.
#[test]
fn released_encodings_stay_as_they_are() {
    for version in PROTOCOL_VERSIONS.rev() {
        let path = format!("{}/tests/golden/link-v{version}.txt", env!("CARGO_MANIFEST_DIR"));
        let now: Vec<String> = messages_of_version_1()
            .into_iter()
            .map(|frame| {
                let bytes = encode(frame.clone(), version).unwrap();
                assert_eq!(decode(&bytes, version).unwrap(), frame, "there and back in version {version}");
                hex(&bytes)
            })
            .collect();
        let rewrite = std::env::var("GOLDEN_REWRITE").is_ok_and(|value| value == "1");
        if rewrite && version == PROTOCOL_VERSION {
            std::fs::write(&path, now.join("\n") + "\n").unwrap();
        }
        let golden = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
        assert_eq!(now, golden.lines().collect::<Vec<_>>(), "the bytes of version {version}");
    }
}

#[test]
fn what_is_no_frame_is_told_apart() {
    let frame = Frame { id: 1, body: Body::Reply(Reply::Applied) };
    assert!(encode(frame, PROTOCOL_VERSION + 1).is_err(), "a version that does not exist");
    assert!(decode(&[0xff; 40], 1).is_err());
    assert!(decode(&[], PROTOCOL_VERSION).is_err());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_end_of_version_1_and_a_new_one_replicate() {
    let authority = Authority::new();
    let (at_a, address_a) = listener().await;
    let (at_b, address_b) = listener().await;
    let a = serve("a", authority.links("a"), at_a, &[("b", &address_b)]).await;
    let old = authority.links("b").with_versions(1..=1);
    let b = serve("b", old, at_b, &[("a", &address_a)]).await;
    a.create().await;
    for n in 0..50 {
        a.put(&format!("old {n}"), "x").await.unwrap();
    }
    a.add(&b.name).await;
    members(&[&a, &b], &[&a.name, &b.name]).await;
    for n in 0..50 {
        b.put(&format!("k{n}"), "of b").await.unwrap();
        a.put(&format!("k{}", n + 25), "of a").await.unwrap();
    }
    a.delete("old 0").await.unwrap();
    assert_eq!(equal(&[&a, &b]).await.len(), 124);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ends_without_a_common_version_part_in_words() {
    let authority = Authority::new();
    let (at_b, address) = listener().await;
    let _b = serve("b", authority.links("b"), at_b, &[]).await;
    for versions in [PROTOCOL_VERSION + 1..=PROTOCOL_VERSION + 3, 0..=0] {
        let stranger = transport(authority.links("a").with_versions(versions.clone()), &[("b", &address)]);
        let error = stranger.connect(&region_name("a"), &region_name("b")).await.unwrap_err();
        let LinkError::Refused(reason) = &error else { panic!("{error:?}") };
        assert!(reason.contains("no version in common") && reason.contains("upgrade"), "{reason}");
        assert!(reason.contains(&format!("{} to {}", versions.start(), versions.end())), "{reason}");
    }
    assert_works(&authority, &address).await;
}
