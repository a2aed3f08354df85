//! Versions of the link protocol: what was released stays as it was, old and new ends work together, strangers part in
//! words.

use bytes::Bytes;
use graticule_replication::{
    Address, Body, Changes, Frame, LinkError, PROTOCOL_VERSION, Reply, Request, Transport, WireChange,
    WireDigest, WireKey, WireRoad, WireStretch, WireTable, WireVersion,
    tcp::{CodecError, PROTOCOL_VERSIONS, decode, encode},
};

use crate::{
    cluster::{equal, members},
    linked::{Authority, assert_works, listener, region_name, serve, transport},
};

fn change(new: Option<&'static [u8]>, expired: bool) -> WireChange {
    WireChange {
        time: 0x0123_4567_89ab_cdef,
        region: "us-east-1".to_owned(),
        key: Bytes::from_static(br#"{"pk":{"S":"k"}}"#),
        new: new.map(Bytes::from_static),
        expired,
    }
}

fn to(replica: &str) -> Address {
    Address { table: "orders".to_owned(), group: "group".to_owned(), replica: replica.to_owned() }
}

fn changes(replica: &str, born: Option<WireVersion>, road: WireRoad, watermark: Option<u64>) -> Request {
    let changes = match road {
        WireRoad::Log(_) => {
            vec![change(Some(br#"{"pk":{"S":"k"},"v":{"N":"1"}}"#), false), change(None, true)]
        }
        WireRoad::Snapshot(_) | WireRoad::Resync | WireRoad::Repair(_) => Vec::new(),
    };
    let settled = watermark.filter(|_| born.is_some());
    Request::Changes(Changes {
        to: to(replica),
        log: "log".to_owned(),
        born,
        changes,
        road,
        watermark,
        settled,
    })
}

fn numbered(requests: Vec<Request>, replies: Vec<Reply>) -> Vec<Frame> {
    let bodies = requests.into_iter().map(Body::Request).chain(replies.into_iter().map(Body::Reply));
    bodies.enumerate().map(|(id, body)| Frame { id: id as u64 + 200, body }).collect()
}

/// One of every message that version 1 knows, as it comes back from there.
fn messages_of_version_1() -> Vec<Frame> {
    let requests = vec![
        Request::Table { table: "orders".to_owned() },
        Request::Settings { shared: Bytes::from_static(br#"{"name":"orders"}"#) },
        Request::Position { table: "orders".to_owned(), log: "log".to_owned() },
        changes("", None, WireRoad::Log(300), Some(u64::MAX)),
        changes("", None, WireRoad::Snapshot(0), None),
    ];
    let replies = vec![
        Reply::Table(None),
        Reply::Table(Some(WireTable { deletion_protection: true })),
        Reply::SettingsMerged { known_since: 77, more: None },
        Reply::Foreign,
        Reply::Position { replica: Some(String::new()), applied: None },
        Reply::Position { replica: Some(String::new()), applied: Some(1) },
        Reply::Applied,
        Reply::Failed("a reason".to_owned()),
    ];
    numbered(requests, replies)
}

fn stretch(end: Option<&'static [u8]>) -> WireStretch {
    WireStretch { start: Bytes::from_static(b"a"), end: end.map(Bytes::from_static) }
}

/// One of every message of version 2.
fn messages_of_version_2() -> Vec<Frame> {
    let version = || WireVersion { time: 99, region: "eu-west-1".to_owned() };
    let requests = vec![
        Request::Table { table: "orders".to_owned() },
        Request::Settings { shared: Bytes::from_static(br#"{"name":"orders"}"#) },
        Request::Position { table: "orders".to_owned(), log: "log".to_owned() },
        changes("replica", Some(version()), WireRoad::Log(300), Some(u64::MAX)),
        changes("replica", None, WireRoad::Snapshot(1 << 40), None),
        changes("replica", None, WireRoad::Resync, None),
        changes("replica", None, WireRoad::Repair(1 << 40), None),
        Request::Digests { to: to("replica"), stretches: vec![stretch(None), stretch(Some(b"b"))] },
        Request::Keys { to: to("replica"), stretch: stretch(None) },
        Request::Items { to: to("replica"), keys: vec![Bytes::from_static(b"k")] },
        Request::Settled { to: to("replica"), time: 1 << 40 },
    ];
    let key = WireKey { key: Bytes::from_static(b"k"), version: version(), hash: 1 << 100 };
    let replies = vec![
        Reply::Table(None),
        Reply::Table(Some(WireTable { deletion_protection: true })),
        Reply::SettingsMerged { known_since: 77, more: Some(Bytes::from_static(br#"{"name":"orders"}"#)) },
        Reply::Absent,
        Reply::Foreign,
        Reply::Position { replica: None, applied: None },
        Reply::Position { replica: Some("replica".to_owned()), applied: Some(1) },
        Reply::Applied,
        Reply::Failed("a reason".to_owned()),
        Reply::Digests(vec![WireDigest { items: 7, hash: 1 << 100 }]),
        Reply::Keys { keys: vec![key], left: Some(stretch(None)) },
        Reply::Items { items: vec![change(None, false)], keys: 3 },
        Reply::Settled(true),
    ];
    numbered(requests, replies)
}

/// What version 1 has no words for is refused, not sent as something else.
#[test]
fn what_version_1_cannot_say_is_not_said() {
    let frames = messages_of_version_2();
    let unsaid = frames.into_iter().filter(|frame| encode(frame.clone(), 1) == Err(CodecError::Unsayable(1)));
    assert_eq!(unsaid.count(), 10, "a comparison's requests and replies, and what it sends");
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// `tests/golden/link-vN.txt` has a line per message. A version that was released never changes: a test that fails here
/// asks for a new version. `GOLDEN_REWRITE=1` writes the file of the newest version, as long as it is not released.
#[test]
fn released_encodings_stay_as_they_are() {
    for version in PROTOCOL_VERSIONS {
        let path = format!("{}/tests/golden/link-v{version}.txt", env!("CARGO_MANIFEST_DIR"));
        let messages = match version {
            1 => messages_of_version_1(),
            2 => messages_of_version_2(),
            other => panic!("version {other} has no golden bytes yet"),
        };
        let now: Vec<String> = messages
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
