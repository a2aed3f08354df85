//! Links over TCP: they work, and whoever has no good certificate, or does not speak the protocol, gets nowhere.

use std::{sync::Arc, time::Duration};

use graticule_replication::{LinkError, Transport, tcp::CredentialFiles};
use rustls::{
    ClientConfig, RootCertStore,
    crypto::ring,
    pki_types::{CertificateDer, ServerName, pem::PemObject},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::{
    cluster::{DEADLINE, env, equal, members},
    linked::{Authority, answers, assert_works, links_of, listener, region_name, serve, transport},
};

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
    let authority = Authority::new();
    let (at_a, address_a) = listener().await;
    let (at_b, address_b) = listener().await;
    let a = serve("a", authority.links("a"), at_a, &[("b", &address_b)]).await;
    let b = serve("b", authority.links("b"), at_b, &[("a", &address_a)]).await;
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
    let status = a.replicator.status().await.unwrap().links.remove(0);
    assert_eq!(status.address.as_ref(), Some(&address_b), "{status:?}");
    let connection = status.connection.clone().unwrap();
    let traffic = |name: &str| connection["Traffic"][name].as_u64().unwrap();
    assert!(traffic("BytesBeforeCompression") > 800 * 3000, "{status:?}");
    assert!(traffic("BytesSent") < traffic("BytesBeforeCompression") / 4, "{status:?}");
    assert!(
        traffic("FramesSent") > 0 && traffic("FramesReceived") > 0 && traffic("Connects") > 0,
        "{status:?}"
    );
}

/// Every connection is damaged after a while; what was damaged is not taken, and goes over the next one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn damaged_bytes_are_not_taken() {
    let authority = Authority::new();
    let (at_a, address_a) = listener().await;
    let (at_b, address_b) = listener().await;
    let (proxy, address_proxy) = listener().await;
    let a = serve("a", authority.links("a"), at_a, &[("b", &address_proxy)]).await;
    let b = serve("b", authority.links("b"), at_b, &[("a", &address_a)]).await;
    env().spawn("proxy", async move {
        for connection in 0_u64.. {
            let Ok((client, _)) = proxy.accept().await else { return };
            let Ok(server) = TcpStream::connect(&address_b).await else { return };
            // Well after the handshake; later for later connections, so that they get somewhere.
            let damage_at = (connection < 6).then_some(3_000 + connection * 20_000);
            tokio::spawn(relay(client, server, damage_at));
        }
    });
    a.create().await;
    for n in 0..300 {
        a.put(&format!("old {n}"), &noise(1000)).await.unwrap();
    }
    a.add(&b.name).await;
    members(&[&a, &b], &[&a.name, &b.name]).await;
    a.put("k", "v").await.unwrap();
    assert_eq!(equal(&[&a, &b]).await.len(), 301);
}

/// Text that cannot be compressed much.
fn noise(length: usize) -> String {
    let env = env();
    (0..length / 16).map(|_| format!("{:016x}", env.random_u64())).collect()
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

/// What a source `a` with these files is told by `b`.
async fn refusal(files: CredentialFiles, address: &str) -> LinkError {
    let transport = transport(links_of("a", files), &[("b", address)]);
    transport.connect(&region_name("a"), &region_name("b")).await.unwrap_err()
}

fn assert_certificate(error: &LinkError, words: &[&str]) {
    let LinkError::Certificate(reason) = error else { panic!("{error:?}") };
    for word in words {
        assert!(reason.contains(word), "{word}: {reason}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_of_another_ca_is_refused_by_either_end() {
    let (authority, other) = (Authority::new(), Authority::new());
    let (at_b, address) = listener().await;
    let _b = serve("b", authority.links("b"), at_b, &[]).await;
    // The source does not believe the target ...
    let error = refusal(other.files("a"), &address).await;
    assert_certificate(&error, &["b at", &address, "was not made by a CA in", "add that end's CA"]);
    // ... or the target does not believe the source.
    other.write("ca.pem", &format!("{}{}", other.pem(), authority.pem()));
    let error = refusal(other.files("a"), &address).await;
    assert_certificate(&error, &[&address, "refuses the certificate of this end", "--link-ca"]);
    assert_works(&authority, &address).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_out_of_its_time_is_refused_by_either_end() {
    let authority = Authority::new();
    let (at_b, address) = listener().await;
    let _b = serve("b", authority.links("b"), at_b, &[]).await;
    // It is 2026 or later, and not 2190 yet.
    let error = refusal(authority.files_from_to("a", 2021, 2022), &address).await;
    assert_certificate(&error, &["not valid at the time", "graticule certificates", "clock"]);
    for (from, to, words) in [(2021, 2022, "ended at 2022-01-01"), (2190, 2191, "valid from 2190-01-01")] {
        let (at_b, address) = listener().await;
        let _old = serve("b", links_of("b", authority.files_from_to("b", from, to)), at_b, &[]).await;
        let error = refusal(authority.files("a"), &address).await;
        assert_certificate(&error, &["b at", words, "clock"]);
    }
}

/// Whoever has a good certificate may speak for the Regions that it names, and for no other.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_speaks_for_the_regions_that_it_names() {
    let authority = Authority::new();
    let (at_b, address) = listener().await;
    let _b = serve("b", authority.links("b"), at_b, &[]).await;
    // A source that claims to be `c`.
    let thief = transport(authority.links("a"), &[("b", &address)]);
    let error = thief.connect(&region_name("c"), &region_name("b")).await.unwrap_err();
    let refused = matches!(&error, LinkError::Refused(reason) if reason.contains("does not name c, but a"));
    assert!(refused, "{error:?}");
    // A target that is not the Region that was looked for.
    let strayed = transport(authority.links("a"), &[("c", &address)]);
    let error = strayed.connect(&region_name("a"), &region_name("c")).await.unwrap_err();
    assert_certificate(&error, &["c at", "does not name that Region, but b", "--peer"]);
    // One process with two Regions.
    let (certificate, key) = authority.certificate(&["a", "d"], 2021, 2199);
    let files = authority.files("a");
    authority.write("a.pem", &certificate);
    authority.write("a-key.pem", &key);
    let both = transport(links_of("a", files), &[("b", &address)]);
    for from in ["a", "d"] {
        let mut wire = both.connect(&region_name(from), &region_name("b")).await.unwrap();
        assert!(answers(&mut wire).await);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_region_that_is_not_there_is_refused() {
    let authority = Authority::new();
    let (at_b, address) = listener().await;
    let (certificate, key) = authority.certificate(&["b", "c"], 2021, 2199);
    let files = authority.files("b");
    authority.write("b.pem", &certificate);
    authority.write("b-key.pem", &key);
    let _b = serve("b", links_of("b", files), at_b, &[]).await;
    let transport = transport(authority.links("a"), &[("c", &address)]);
    let error = transport.connect(&region_name("a"), &region_name("c")).await;
    assert!(
        matches!(&error, Err(LinkError::Refused(reason)) if reason.contains("c is not here")),
        "{error:?}"
    );
    let unknown = transport.connect(&region_name("a"), &region_name("d")).await;
    assert_eq!(unknown.unwrap_err(), LinkError::Unknown(region_name("d")));
    assert_works(&authority, &address).await;
}

/// A source without a certificate of its own, which believes the target's.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_source_without_a_certificate_is_refused() {
    let authority = Authority::new();
    let (at_b, address) = listener().await;
    let _b = serve("b", authority.links("b"), at_b, &[]).await;
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(authority.pem().as_bytes()).unwrap()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let connector = tokio_rustls::TlsConnector::from(Arc::new(config));
    let name = ServerName::try_from("b.link.graticule").unwrap();
    let mut stream = connector.connect(name, TcpStream::connect(&address).await.unwrap()).await.unwrap();
    let hello = br#"{"versions":[1,2],"from":"a","to":"b"}"#;
    let _ = stream.write_all(&(hello.len() as u32).to_be_bytes()).await;
    let _ = stream.write_all(hello).await;
    let mut said = Vec::new();
    let ended = tokio::time::timeout(DEADLINE, stream.read_to_end(&mut said)).await.expect("an end in time");
    assert!(ended.is_err_and(|error| error.to_string().contains("CertificateRequired")), "{said:?}");
    assert!(said.is_empty(), "nothing is said to strangers");
    assert_works(&authority, &address).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_does_not_speak_tls_is_hung_up_on() {
    let authority = Authority::new();
    let (at_b, address) = listener().await;
    let _b = serve("b", authority.links("b"), at_b, &[]).await;
    for words in [&b"GET / HTTP/1.1\r\nHost: b\r\n\r\n"[..], b"GRATICULE LINK\n", &[0; 64], &[0x16; 70_000]] {
        let mut stream = TcpStream::connect(&address).await.unwrap();
        let _ = stream.write_all(words).await;
        hangs_up(stream).await;
    }
    // Half a greeting, then silence from a client that went away.
    let mut stream = TcpStream::connect(&address).await.unwrap();
    stream.write_all(&[0x16, 3, 1]).await.unwrap();
    drop(stream);
    assert_works(&authority, &address).await;
}

/// A target that says nothing, or nonsense, does not hold up its source for ever.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_target_that_speaks_nonsense_is_given_up() {
    let authority = Authority::new();
    let (fake, address) = listener().await;
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = fake.accept().await.unwrap();
            stream.write_all(&[0x5a; 4096]).await.unwrap();
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    });
    let transport = transport(authority.links("a"), &[("b", &address)]);
    let error = transport.connect(&region_name("a"), &region_name("b")).await;
    assert!(
        matches!(&error, Err(LinkError::Broken(reason)) if reason.contains("--link-listen")),
        "{error:?}"
    );
}
