//! A peer has several addresses, and names that stop being resolved: one that works is enough.

use std::{
    collections::BTreeMap,
    io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use graticule_replication::{
    LinkError, Transport,
    tcp::{Resolve, TcpTransport},
};
use graticule_tables::BoxFuture;

use crate::linked::{Authority, answers, listener, region_name, serve, transport};

/// An address at which nothing listens.
async fn dead() -> String {
    listener().await.1
}

async fn connects(transport: &TcpTransport) -> bool {
    match transport.connect(&region_name("a"), &region_name("b")).await {
        Ok(mut wire) => answers(&mut wire).await,
        Err(error) => panic!("{error}"),
    }
}

fn in_use(transport: &TcpTransport) -> String {
    transport.address(&region_name("b")).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_address_is_tried() {
    let authority = Authority::new();
    let (at_b, address) = listener().await;
    let _b = serve("b", authority.links("b"), at_b, &[]).await;
    let (one, two) = (dead().await, dead().await);
    let several = transport(authority.links("a"), &[("b", &one), ("b", &address), ("b", &two)]);
    assert_eq!(
        in_use(&several),
        format!("{one},{address},{two}"),
        "all of them as long as none is known to work"
    );
    for _ in 0..5 {
        assert!(connects(&several).await);
        assert_eq!(in_use(&several), address);
    }
    let none = transport(authority.links("a"), &[("b", &one), ("b", &two)]);
    let error = none.connect(&region_name("a"), &region_name("b")).await.unwrap_err();
    let LinkError::Broken(reason) = error else { panic!("{error:?}") };
    assert!(reason.contains(&one) && reason.contains(&two), "every address is named: {reason}");
}

/// The address that worked last is the first to be tried; the others are there when it goes away.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_address_that_worked_comes_first() {
    let authority = Authority::new();
    let ((at_one, one), (at_two, two)) = (listener().await, listener().await);
    // Both count who comes; nobody gets in at `one` as long as the real server is at `two`.
    let came = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&came);
    let decoy = tokio::spawn(async move {
        loop {
            let (stream, _) = at_one.accept().await.unwrap();
            counter.fetch_add(1, Ordering::SeqCst);
            drop(stream);
        }
    });
    let _b = serve("b", authority.links("b"), at_two, &[]).await;
    let both = transport(authority.links("a"), &[("b", &one), ("b", &two)]);
    assert!(connects(&both).await);
    let tried = came.load(Ordering::SeqCst);
    for _ in 0..6 {
        assert!(connects(&both).await);
    }
    assert_eq!(in_use(&both), two);
    assert_eq!(came.load(Ordering::SeqCst), tried, "the other address was not tried again");
    decoy.abort();
}

/// Answers as long as it is told to.
struct Moody {
    address: SocketAddr,
    answering: AtomicBool,
}

impl Resolve for Moody {
    fn resolve<'a>(&'a self, name: &'a str) -> BoxFuture<'a, io::Result<Vec<SocketAddr>>> {
        Box::pin(async move {
            assert_eq!(name, "b.example:9000");
            if self.answering.load(Ordering::SeqCst) {
                return Ok(vec![self.address]);
            }
            Err(io::Error::other("no such name"))
        })
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_name_that_is_no_longer_resolved_stands_for_what_it_was() {
    let authority = Authority::new();
    let (at_b, address) = listener().await;
    let _b = serve("b", authority.links("b"), at_b, &[]).await;
    let resolver = Arc::new(Moody { address: address.parse().unwrap(), answering: AtomicBool::new(false) });
    let links = authority.links("a").with_resolver(Arc::clone(&resolver) as _);
    let peers = BTreeMap::from([(region_name("b"), vec!["b.example:9000".to_owned()])]);
    let named = TcpTransport::new(Arc::new(links), peers);
    let error = named.connect(&region_name("a"), &region_name("b")).await.unwrap_err().to_string();
    assert!(error.contains("b.example:9000 cannot be resolved: no such name"), "{error}");
    resolver.answering.store(true, Ordering::SeqCst);
    assert!(connects(&named).await);
    resolver.answering.store(false, Ordering::SeqCst);
    assert!(connects(&named).await);
}
