//! Certificates change while links are open: nobody restarts, and what is no longer believed is no longer used.

use std::time::Duration;

use graticule_env::Env;
use graticule_replication::{
    LinkError, Transport,
    tcp::{Credentials, CredentialsError, Limits},
};
use serde_json::Value;

use crate::{
    cluster::{Node, equal, eventually, share},
    linked::{Authority, answers, links_of, listener, region_name, serve, transport},
};

fn soon() -> Limits {
    Limits { renewal_spread: Duration::from_millis(50), ..Limits::default() }
}

async fn connection(node: &Node) -> Value {
    let first = async || node.replicator.status().await.unwrap().links.into_iter().next();
    eventually("a link", first).await.connection.unwrap()
}

async fn connects(node: &Node) -> u64 {
    connection(node).await["Traffic"]["Connects"].as_u64().unwrap()
}

/// Waits until connections were opened anew after `before` and the tables are equal again.
async fn renewed(nodes: &[&Node], before: u64, what: &str) {
    eventually(what, async || (connects(nodes[0]).await > before).then_some(())).await;
    equal(nodes).await;
}

/// The whole way from one CA to another, as an operator goes it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn certificates_and_cas_change_without_a_restart() {
    let (old, new) = (Authority::new(), Authority::new());
    let ((at_a, address_a), (at_b, address_b)) = (listener().await, listener().await);
    let a = serve("a", old.links("a").with_limits(soon()), at_a, &[("b", &address_b)]).await;
    let b = serve("b", old.links("b").with_limits(soon()), at_b, &[("a", &address_a)]).await;
    share(&[&a, &b]).await;
    a.put("k", "under the old CA").await.unwrap();
    equal(&[&a, &b]).await;

    let before = connects(&a).await;
    old.write("ca.pem", &format!("{}{}", new.pem(), old.pem()));
    a.put("k", "under both CAs").await.unwrap();
    renewed(&[&a, &b], before, "connections with both CAs").await;

    let before = connects(&a).await;
    for region in ["a", "b"] {
        let (certificate, key) = new.certificate(&[region], 2021, 2199);
        old.write(&format!("{region}.pem"), &certificate);
        old.write(&format!("{region}-key.pem"), &key);
    }
    b.put("k", "with new certificates").await.unwrap();
    renewed(&[&a, &b], before, "connections with new certificates").await;

    // Until now, a certificate of the old CA is still good for a link; afterwards it is not.
    let (certificate, key) = old.certificate(&["c"], 2021, 2199);
    old.write("c.pem", &certificate);
    old.write("c-key.pem", &key);
    old.write("both.pem", &format!("{}{}", new.pem(), old.pem()));
    let files = graticule_replication::tcp::CredentialFiles {
        certificate: old.path("c.pem"),
        key: old.path("c-key.pem"),
        ca: old.path("both.pem"),
    };
    let late = transport(links_of("c", files), &[("b", &address_b)]);
    let mut wire = late.connect(&region_name("c"), &region_name("b")).await.unwrap();
    assert!(answers(&mut wire).await);
    let before = connects(&a).await;
    old.write("ca.pem", new.pem());
    renewed(&[&a, &b], before, "connections with the new CA only").await;
    eventually("the old CA is refused", async || {
        let error = late.connect(&region_name("c"), &region_name("b")).await.err()?;
        assert!(matches!(&error, LinkError::Certificate(_)), "{error:?}");
        Some(())
    })
    .await;
    // Its open connection does not outlive the change.
    eventually("the connection of the old CA ends", async || (!answers(&mut wire).await).then_some(())).await;
    a.put("k", "under the new CA").await.unwrap();
    equal(&[&a, &b]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn broken_new_files_are_reported_and_the_old_ones_stay() {
    let authority = Authority::new();
    let ((at_a, _), (at_b, address_b)) = (listener().await, listener().await);
    let a = serve("a", authority.links("a").with_limits(soon()), at_a, &[("b", &address_b)]).await;
    let b = serve("b", authority.links("b"), at_b, &[]).await;
    a.create().await;
    a.add(&b.name).await;
    let good = std::fs::read_to_string(authority.path("a.pem")).unwrap();
    let problem = async |wanted: &str| {
        eventually(&format!("the problem {wanted:?}"), async || {
            let problem = connection(&a).await["Certificate"]["Problem"].as_str().map(str::to_owned);
            problem.unwrap_or_default().contains(wanted).then_some(())
        })
        .await;
    };
    authority.write("a.pem", "not a certificate");
    problem("holds no PEM certificate").await;
    let (other, _) = authority.certificate(&["a"], 2021, 2199);
    authority.write("a.pem", &other);
    problem("does not belong to the certificate").await;
    let before = connects(&a).await;
    a.put("k", "v").await.unwrap();
    assert_eq!(connects(&a).await, before, "connections stay as they are");
    authority.write("a.pem", &good);
    eventually("no problem", async || connection(&a).await["Certificate"]["Problem"].is_null().then_some(()))
        .await;
}

#[test]
fn files_that_cannot_be_used_say_why() {
    let (authority, other) = (Authority::new(), Authority::new());
    let load = |files| Credentials::load(Env::real(), files, vec![region_name("a")]).unwrap_err();
    let mut files = authority.files("a");
    files.ca = authority.path("missing.pem");
    let error = load(files);
    assert!(matches!(error, CredentialsError::Read { flag: "--link-ca", .. }), "{error}");
    let mut files = authority.files("a");
    files.ca = authority.path("a-key.pem");
    assert!(matches!(load(files), CredentialsError::Nothing { flag: "--link-ca", .. }));
    let mut files = authority.files("a");
    files.key = files.certificate.clone();
    assert!(matches!(load(files), CredentialsError::Nothing { flag: "--link-key", .. }));
    let mut files = authority.files("a");
    files.key = other.files("a").key;
    assert!(matches!(load(files), CredentialsError::KeyMismatch { .. }));
    let mut files = authority.files("a");
    files.ca = other.path("ca.pem");
    assert!(matches!(load(files), CredentialsError::OtherCa { .. }));
    let error = load(authority.files("b"));
    assert!(error.to_string().contains("names b, not a, which is hosted here"), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn old_connections_are_opened_anew() {
    let authority = Authority::new();
    let ((at_a, address_a), (at_b, address_b)) = (listener().await, listener().await);
    let limits = Limits { connection_age_max: Duration::from_millis(500), ..soon() };
    let a = serve("a", authority.links("a").with_limits(limits), at_a, &[("b", &address_b)]).await;
    let b = serve("b", authority.links("b"), at_b, &[("a", &address_a)]).await;
    share(&[&a, &b]).await;
    for n in 0..3 {
        let before = connects(&a).await;
        a.put("k", &format!("{n}")).await.unwrap();
        renewed(&[&a, &b], before, "a connection instead of the old one").await;
    }
}
