//! Links over TCP: they work, and whoever does not know the secret, or does not speak the protocol, gets nowhere.

use std::{collections::HashMap, sync::Arc, time::Duration};

use graticule_env::Env;
use graticule_kv::memory::MemoryEngine;
use graticule_model::RegionName;
use graticule_replication::{
    Body, Frame, LinkError, PROTOCOL_VERSION, Policy, Replicator, Request, Transport,
    tcp::{Secret, TcpTransport, serve_links},
};
use graticule_tables::Region;
use serde::{Deserialize, Serialize};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use crate::cluster::{DEADLINE, Node, env, equal, members};

const SECRET: &[u8] = b"a secret of both ends";

fn region_name(name: &str) -> RegionName {
    name.parse().unwrap()
}

async fn listener() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    (listener, address)
}

/// A Region that is served on `listener` and reaches others at `peers`.
async fn serve(name: &str, listener: TcpListener, peers: &[(&str, &str)]) -> Node {
    let env = env();
    let region = Region::open(region_name(name), Arc::new(MemoryEngine::new()), env.clone()).await.unwrap();
    region.start_jobs();
    let peers = peers.iter().map(|(name, address)| (region_name(name), (*address).to_owned())).collect();
    let transport = Arc::new(TcpTransport::new(env.clone(), Secret::new(SECRET), peers));
    let replicator = Replicator::start(Arc::clone(&region), transport, Policy::default());
    let (here, found) = (name.to_owned(), Arc::clone(&replicator));
    let find = move |name: &str| (*name == *here).then(|| Arc::clone(&found));
    env.spawn("listener", serve_links(env.clone(), Secret::new(SECRET), listener, Arc::new(find)));
    Node::of(region, replicator)
}

/// A transport that reaches only `to`.
fn transport(secret: &[u8], to: &str, address: &str) -> TcpTransport {
    let peers = HashMap::from([(region_name(to), address.to_owned())]);
    TcpTransport::new(Env::real(), Secret::new(secret), peers)
}

async fn assert_works(address: &str) {
    let here = region_name("tester");
    let transport = transport(SECRET, "b", address);
    let mut wire = transport.connect(&here, &region_name("b")).await.unwrap();
    let request = Request::Table { table: "orders".to_owned() };
    wire.sender.send(Frame { id: 7, body: Body::Request(request) }).await.unwrap();
    let reply = tokio::time::timeout(DEADLINE, wire.receiver.recv()).await.unwrap();
    assert!(matches!(reply, Some(Frame { id: 7, body: Body::Reply(_) })), "{reply:?}");
}

/// The other end hangs up within the deadline; gives what it said before.
async fn hangs_up(mut stream: TcpStream) -> Vec<u8> {
    let mut said = Vec::new();
    let ended = tokio::time::timeout(DEADLINE, stream.read_to_end(&mut said)).await;
    // A reset is as good as a close.
    let _ = ended.unwrap_or_else(|_| panic!("the connection was left open"));
    said
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tables_are_replicated_over_tcp() {
    let (at_a, address_a) = listener().await;
    let (at_b, address_b) = listener().await;
    let a = serve("a", at_a, &[("b", &address_b)]).await;
    let b = serve("b", at_b, &[("a", &address_a)]).await;
    a.create().await;
    for n in 0..800 {
        a.put(&format!("old {n}"), &"x".repeat(3000)).await.unwrap();
    }
    a.add(&b.name).await;
    members(&[&a, &b], &[&a.name, &b.name]).await;
    for n in 0..200 {
        b.put(&format!("k{n}"), "of b").await.unwrap();
        a.put(&format!("k{}", n + 100), "of a").await.unwrap();
    }
    assert_eq!(equal(&[&a, &b]).await.len(), 1100);
}

/// Every connection is damaged after a while; what was damaged is not taken, and goes over the next one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn damaged_frames_are_not_taken() {
    let (at_a, address_a) = listener().await;
    let (at_b, address_b) = listener().await;
    let (proxy, address_proxy) = listener().await;
    let a = serve("a", at_a, &[("b", &address_proxy)]).await;
    let b = serve("b", at_b, &[("a", &address_a)]).await;
    env().spawn("proxy", async move {
        for connection in 0_u64.. {
            let Ok((client, _)) = proxy.accept().await else { return };
            let Ok(server) = TcpStream::connect(&address_b).await else { return };
            // Well after the handshake; later for later connections, so that they get somewhere.
            let damage_at = (connection < 6).then_some(2_000 + connection * 20_000);
            tokio::spawn(relay(client, server, damage_at));
        }
    });
    a.create().await;
    for n in 0..300 {
        a.put(&format!("old {n}"), &"x".repeat(1000)).await.unwrap();
    }
    a.add(&b.name).await;
    members(&[&a, &b], &[&a.name, &b.name]).await;
    a.put("k", "v").await.unwrap();
    assert_eq!(equal(&[&a, &b]).await.len(), 301);
}

async fn relay(client: TcpStream, server: TcpStream, damage_at: Option<u64>) {
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let forth = async {
        let (mut seen, mut buffer) = (0_u64, vec![0; 4096]);
        loop {
            let Ok(read) = from_client.read(&mut buffer).await else { return };
            if read == 0 {
                return;
            }
            if let Some(at) = damage_at
                && (seen..seen + read as u64).contains(&at)
            {
                buffer[(at - seen) as usize] ^= 0x10;
            }
            seen += read as u64;
            if to_server.write_all(&buffer[..read]).await.is_err() {
                return;
            }
        }
    };
    let back = tokio::io::copy(&mut from_server, &mut to_client);
    tokio::select! {
        () = forth => {}
        _ = back => {}
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_source_with_another_secret_sees_that_it_is_another() {
    let (at_b, address) = listener().await;
    let _b = serve("b", at_b, &[]).await;
    let wrong = transport(b"something else", "b", &address);
    let error = wrong.connect(&region_name("a"), &region_name("b")).await.unwrap_err();
    assert_eq!(error, LinkError::Secret);
    assert_works(&address).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_region_that_is_not_there_is_refused() {
    let (at_b, address) = listener().await;
    let _b = serve("b", at_b, &[]).await;
    let error = transport(SECRET, "c", &address).connect(&region_name("a"), &region_name("c")).await;
    assert!(matches!(&error, Err(LinkError::Refused(reason)) if reason.contains('c')), "{error:?}");
    let unknown = transport(SECRET, "c", &address).connect(&region_name("a"), &region_name("d")).await;
    assert_eq!(unknown.unwrap_err(), LinkError::Unknown(region_name("d")));
    assert_works(&address).await;
}

#[derive(Serialize)]
struct Hello {
    version: u16,
    from: String,
    to: String,
    nonce: [u8; 32],
}

#[derive(Debug, Deserialize)]
enum Welcome {
    Ok { nonce: [u8; 32], proof: [u8; 32] },
    Refused(String),
}

/// Says hello as a source of `version` would.
async fn hello(address: &str, version: u16) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let hello = Hello { version, from: "a".to_owned(), to: "b".to_owned(), nonce: [7; 32] };
    let hello = postcard::to_stdvec(&hello).unwrap();
    stream.write_all(b"GRATICULE LINK\n").await.unwrap();
    stream.write_all(&(hello.len() as u32).to_be_bytes()).await.unwrap();
    stream.write_all(&hello).await.unwrap();
    stream
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_version_is_refused_in_words() {
    let (at_b, address) = listener().await;
    let _b = serve("b", at_b, &[]).await;
    let said = hangs_up(hello(&address, PROTOCOL_VERSION + 1).await).await;
    let welcome: Welcome = postcard::from_bytes(&said[4..]).unwrap();
    assert!(matches!(&welcome, Welcome::Refused(reason) if reason.contains("version")), "{welcome:?}");
    assert_works(&address).await;
}

/// A source that does not care what the target proves must prove something itself.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_source_that_cannot_prove_itself_is_refused() {
    let (at_b, address) = listener().await;
    let _b = serve("b", at_b, &[]).await;
    let mut stream = hello(&address, PROTOCOL_VERSION).await;
    let length = stream.read_u32().await.unwrap() as usize;
    let mut said = vec![0; length];
    stream.read_exact(&mut said).await.unwrap();
    let Welcome::Ok { nonce, proof } = postcard::from_bytes(&said).unwrap() else {
        panic!("refused at once")
    };
    assert_ne!((nonce, proof), ([0; 32], [0; 32]));
    // Its own proof, sent back, is of no use either.
    let answer = postcard::to_stdvec(&proof).unwrap();
    stream.write_all(&(answer.len() as u32).to_be_bytes()).await.unwrap();
    stream.write_all(&answer).await.unwrap();
    assert!(hangs_up(stream).await.is_empty(), "nothing more is said");
    assert_works(&address).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_does_not_speak_the_protocol_is_hung_up_on() {
    let (at_b, address) = listener().await;
    let _b = serve("b", at_b, &[]).await;
    let huge = [&b"GRATICULE LINK\n"[..], &u32::MAX.to_be_bytes()].concat();
    let nonsense = [&b"GRATICULE LINK\n"[..], &40_u32.to_be_bytes(), &[0xff; 40]].concat();
    for words in [&b"GET / HTTP/1.1\r\nHost: b\r\n\r\n"[..], &huge, &nonsense, &[0; 64]] {
        let mut stream = TcpStream::connect(&address).await.unwrap();
        stream.write_all(words).await.unwrap();
        hangs_up(stream).await;
    }
    // Half a greeting, then silence from a client that went away.
    let mut stream = TcpStream::connect(&address).await.unwrap();
    stream.write_all(b"GRATI").await.unwrap();
    drop(stream);
    assert_works(&address).await;
}

/// A target that says nothing, or nonsense, does not hold up its source for ever.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_target_that_speaks_nonsense_is_given_up() {
    let (fake, address) = listener().await;
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = fake.accept().await.unwrap();
            stream.write_all(&[0x5a; 4096]).await.unwrap();
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    });
    let error = transport(SECRET, "b", &address).connect(&region_name("a"), &region_name("b")).await;
    assert!(matches!(error, Err(LinkError::Broken(_))), "{error:?}");
}
