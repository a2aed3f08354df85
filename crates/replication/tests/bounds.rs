//! What strangers and broken peers can make this end spend is bounded.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use graticule_replication::{
    Address, Body, Changes, Frame, LinkError, PROTOCOL_VERSION, Reply, Request, Transport, WireChange,
    WireRoad,
    tcp::{FRAME_BYTES_MAX, Limits, encode},
};
use rustls::{
    ClientConfig, RootCertStore,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tokio_rustls::{TlsConnector, client::TlsStream};

use crate::{
    cluster::DEADLINE,
    linked::{A_WHILE, Authority, assert_works, ends, listener, region_name, serve, transport},
};

const LAST: u32 = 1 << 31;
const COMPRESSED: u32 = 1 << 30;

/// A source `a` that has been welcomed and now says what it likes.
async fn welcomed(authority: &Authority, address: &str) -> TlsStream<TcpStream> {
    let (certificate, key) = authority.certificate(&["a"], 2021, 2199);
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(authority.pem().as_bytes()).unwrap()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .with_root_certificates(roots)
        .with_client_auth_cert(
            vec![CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap()],
            PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap(),
        )
        .unwrap();
    let name = ServerName::try_from("b.link.graticule").unwrap();
    let stream = TcpStream::connect(address).await.unwrap();
    let mut stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await.unwrap();
    let hello = br#"{"versions":[1,2],"from":"a","to":"b","compression":["lz4"],"more":"to come"}"#;
    stream.write_all(&(hello.len() as u32).to_be_bytes()).await.unwrap();
    stream.write_all(hello).await.unwrap();
    let length = stream.read_u32().await.unwrap() as usize;
    let mut welcome = vec![0; length];
    stream.read_exact(&mut welcome).await.unwrap();
    assert!(String::from_utf8(welcome).unwrap().contains(r#""compression":"lz4""#));
    stream
}

fn chunk(number: u32, flags: u32, bytes: &[u8]) -> Vec<u8> {
    [&number.to_be_bytes(), &(flags | bytes.len() as u32).to_be_bytes(), bytes].concat()
}

/// Writes until the other end hangs up; gives how much it took.
async fn hangs_up_on(mut stream: TlsStream<TcpStream>, chunks: impl Iterator<Item = Vec<u8>>) -> usize {
    let written = async {
        let mut written = 0;
        for chunk in chunks {
            if stream.write_all(&chunk).await.is_err() {
                return written;
            }
            written += chunk.len();
        }
        let _ = stream.flush().await;
        let mut rest = Vec::new();
        let _ = stream.read_to_end(&mut rest).await;
        written
    };
    tokio::time::timeout(DEADLINE, written).await.expect("the connection is closed in time")
}

fn question(id: u64) -> Vec<u8> {
    let request = Request::Table { table: "orders".to_owned() };
    encode(Frame { id, body: Body::Request(request) }, PROTOCOL_VERSION).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn frames_that_break_the_rules_end_the_connection() {
    let authority = Authority::new();
    let (at_b, address) = listener().await;
    let _b = serve("b", authority.links("b"), at_b, &[]).await;
    // Of the rules: a question in two chunks, the second one compressed, is answered.
    let mut good = welcomed(&authority, &address).await;
    let words = question(5);
    good.write_all(&chunk(1, 0, &words[..3])).await.unwrap();
    good.write_all(&chunk(1, LAST | COMPRESSED, &lz4_flex::block::compress(&words[3..]))).await.unwrap();
    good.read_u32().await.unwrap();
    let length = (good.read_u32().await.unwrap() & !(LAST | COMPRESSED)) as usize;
    let mut reply = vec![0; length];
    good.read_exact(&mut reply).await.unwrap();
    let expected = Frame { id: 5, body: Body::Reply(Reply::Table(None)) };
    assert_eq!(reply, encode(expected, PROTOCOL_VERSION).unwrap());

    let many = |chunk: Vec<u8>| std::iter::once(chunk);
    let stream = || welcomed(&authority, &address);
    // A chunk that is too long.
    hangs_up_on(stream().await, many(chunk(1, LAST, &[0; 70_000]))).await;
    // One that would expand beyond its bound.
    hangs_up_on(stream().await, many(chunk(1, LAST | COMPRESSED, &lz4_flex::block::compress(&[0; 1 << 20]))))
        .await;
    // Nothing that could be decompressed, and nothing that is a frame.
    hangs_up_on(stream().await, many(chunk(1, LAST | COMPRESSED, &[0xff; 100]))).await;
    hangs_up_on(stream().await, many(chunk(1, LAST, &[0xff; 100]))).await;
    // A frame without an end, and frames without ends.
    let endless = || (0..1 << 20).map(|_| chunk(1, 0, &[7; 65_536]));
    let taken = hangs_up_on(stream().await, endless()).await;
    assert!((FRAME_BYTES_MAX..3 * FRAME_BYTES_MAX).contains(&taken), "{taken}");
    hangs_up_on(stream().await, (0..1 << 20).map(|number| chunk(number, 0, b"x"))).await;
    let taken =
        hangs_up_on(stream().await, (0..1 << 20).map(|number| chunk(number % 100, 0, &[7; 65_536]))).await;
    assert!(taken < 4 * FRAME_BYTES_MAX, "{taken}");
    assert_works(&authority, &address).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn handshakes_in_progress_are_bounded_and_time_out() {
    let authority = Authority::new();
    let (at_b, address) = listener().await;
    let limits = Limits {
        handshakes_per_address_max: 4,
        handshake_timeout: Duration::from_secs(2),
        ..Limits::default()
    };
    let _b = serve("b", authority.links("b").with_limits(limits), at_b, &[]).await;
    let mut slow = Vec::new();
    for _ in 0..4 {
        let mut stream = TcpStream::connect(&address).await.unwrap();
        stream.write_all(&[0x16, 3, 1]).await.unwrap();
        slow.push(stream);
    }
    let mut turned_away = TcpStream::connect(&address).await.unwrap();
    let mut nothing = [0; 1];
    // Turned away at once, not when its time is up: those that came before it are still there.
    let mut early = [0; 1];
    let ended = tokio::select! {
        biased;
        _ = slow[0].read(&mut early) => panic!("the first one was hung up on before the one too many"),
        ended = tokio::time::timeout(DEADLINE, turned_away.read(&mut nothing)) => ended.expect("an end in time"),
    };
    assert!(matches!(ended, Ok(0) | Err(_)), "{ended:?}");
    // Those that dawdle are hung up on, and then there is room.
    for mut stream in slow {
        let mut said = Vec::new();
        let _ = tokio::time::timeout(DEADLINE, stream.read_to_end(&mut said)).await.expect("an end in time");
    }
    assert_works(&authority, &address).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_of_one_peer_are_bounded() {
    let authority = Authority::new();
    let (at_b, address) = listener().await;
    let limits = Limits { connections_per_peer_max: 2, ..Limits::default() };
    let _b = serve("b", authority.links("b").with_limits(limits), at_b, &[]).await;
    let transport = transport(authority.links("a"), &[("b", &address)]);
    let (a, b) = (region_name("a"), region_name("b"));
    let one = transport.connect(&a, &b).await.unwrap();
    let _two = transport.connect(&a, &b).await.unwrap();
    let error = transport.connect(&a, &b).await.unwrap_err();
    assert!(
        matches!(&error, LinkError::Refused(reason) if reason.contains("2 connections from a")),
        "{error:?}"
    );
    // Others are not held up, and room comes back.
    assert_works(&authority, &address).await;
    drop(one);
    let again = async {
        while transport.connect(&a, &b).await.is_err() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(DEADLINE, again).await.expect("room for another connection");
}

/// A peer that takes nothing any more: what is sent waits, and does not pile up.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_peer_that_stops_reading_costs_bounded_memory() {
    let authority = Authority::new();
    let (at_b, address_b) = listener().await;
    let _b = serve("b", authority.links("b"), at_b, &[]).await;
    let (proxy, address) = listener().await;
    tokio::spawn(async move {
        let (mut client, _) = proxy.accept().await.unwrap();
        let mut server = TcpStream::connect(&address_b).await.unwrap();
        let (mut from_client, mut to_client) = client.split();
        let (mut from_server, mut to_server) = server.split();
        // The handshake and a little more passes, and nothing after that.
        let mut first = (&mut from_client).take(100_000);
        let forth = async {
            let _ = tokio::io::copy(&mut first, &mut to_server).await;
            std::future::pending::<()>().await;
        };
        let back = tokio::io::copy(&mut from_server, &mut to_client);
        tokio::select! {
            () = forth => {}
            _ = back => {}
        }
    });
    let transport = transport(authority.links("a"), &[("b", &address)]);
    let mut wire = transport.connect(&region_name("a"), &region_name("b")).await.unwrap();
    let mut taken = 0;
    for n in 0..200 {
        let changes = vec![WireChange {
            time: n,
            region: "a".to_owned(),
            key: Bytes::from_static(b"{}"),
            new: Some(Bytes::from(noise(1 << 20))),
            expired: false,
        }];
        let request = Request::Changes(Changes {
            to: Address { table: format!("table{n}"), group: "group".to_owned(), replica: String::new() },
            log: "log".to_owned(),
            born: None,
            changes,
            road: WireRoad::Log(n),
            watermark: None,
            settled: None,
        });
        let sent = wire.sender.send(Frame { id: n, body: Body::Request(request) });
        if tokio::time::timeout(A_WHILE, sent).await.is_err() {
            // The kernel gives the connection up in the end.
            ends(&mut wire).await;
            assert!((8..40).contains(&taken), "{taken} MB were taken");
            return;
        }
        taken += 1;
    }
    panic!("{taken} MB were taken by a peer that does not read");
}

/// Bytes that cannot be compressed.
pub(crate) fn noise(length: usize) -> Vec<u8> {
    let env = graticule_env::Env::real();
    let mut state = env.random_u64() | 1;
    let mut noise = Vec::with_capacity(length + 8);
    while noise.len() < length {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        noise.extend_from_slice(&state.to_le_bytes());
    }
    noise
}
