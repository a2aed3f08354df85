//! Several tables share a wire: one with a huge backlog does not stand in the way of another one's fresh changes.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU64, Ordering},
};

use bytes::Bytes;
use futures_util::FutureExt;
use graticule_replication::{
    Address, Body, Changes, Frame, Reply, Request, Transport, WireChange, WireRoad, frames,
};
use socket2::SockRef;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::Semaphore,
};

use crate::{
    bounds::noise,
    cluster::DEADLINE,
    linked::{Authority, listener, region_name, serve, transport},
};

const MEGABYTE: usize = 1 << 20;

fn batch(id: u64, table: &str, bytes: usize) -> Frame {
    let new = Some(Bytes::from(noise(bytes)));
    let change =
        WireChange { time: id, region: "a".to_owned(), key: Bytes::from_static(b"{}"), new, expired: false };
    let request = Request::Changes(Changes {
        to: Address { table: table.to_owned(), group: "group".to_owned(), replica: String::new() },
        log: "log".to_owned(),
        born: None,
        changes: vec![change],
        road: WireRoad::Log(id),
        watermark: None,
        settled: None,
    });
    Frame { id, body: Body::Request(request) }
}

fn table_of(frame: &Frame) -> &str {
    match &frame.body {
        Body::Request(Request::Changes(changes)) => &changes.to.table,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn lanes_take_turns_and_are_bounded() {
    let (sender, mut receiver) = frames();
    // One lane takes little ...
    let mut taken = 0;
    while sender.send(batch(taken, "huge", MEGABYTE / 2)).now_or_never().is_some() {
        taken += 1;
    }
    assert!((2..=4).contains(&taken), "{taken} half megabytes of one lane");
    // ... and all lanes together take a bounded amount.
    let mut others = 0;
    for n in 0..100 {
        if sender.send(batch(n, &format!("big{n}"), MEGABYTE)).now_or_never().is_some() {
            others += 1;
        }
    }
    assert!((10..=16).contains(&others), "{others} megabytes of other lanes");
    // A fresh change has room all the same, and passes what waits: every other lane has one turn before it.
    sender.send(batch(1, "fresh", 100)).now_or_never().expect("room for a small frame").unwrap();
    for turn in 0.. {
        assert!(turn <= others + 1, "the fresh change waits for more than one turn of the others");
        if table_of(&receiver.recv().await.unwrap()) == "fresh" {
            break;
        }
    }
    // Frames of one lane stay in order; the queue ends when its senders do.
    drop(sender);
    let mut last = None;
    while let Some(frame) = receiver.recv().await {
        if table_of(&frame) == "huge" {
            assert!(last < Some(frame.id), "{last:?} before {}", frame.id);
            last = Some(frame.id);
        }
    }
    assert_eq!(last, Some(taken - 1));
}

#[tokio::test]
async fn whoever_waits_for_room_learns_that_nobody_takes_any_more() {
    let (sender, receiver) = frames();
    while sender.send(batch(0, "huge", MEGABYTE)).now_or_never().is_some() {}
    let waiting = tokio::spawn(async move { sender.send(batch(1, "huge", MEGABYTE)).await });
    tokio::task::yield_now().await;
    drop(receiver);
    assert!(tokio::time::timeout(DEADLINE, waiting).await.unwrap().unwrap().is_err());
}

/// Passes bytes on slowly and counts them.
async fn slow(from: TcpStream, to: TcpStream, passed: Arc<AtomicU64>) {
    let (mut from_source, mut to_source) = from.into_split();
    let (mut from_target, mut to_target) = to.into_split();
    let forth = async {
        let mut buffer = vec![0; 32 * 1024];
        loop {
            let Ok(read @ 1..) = from_source.read(&mut buffer).await else { return };
            passed.fetch_add(read as u64, Ordering::SeqCst);
            if to_target.write_all(&buffer[..read]).await.is_err() {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        }
    };
    let back = tokio::io::copy(&mut from_target, &mut to_source);
    tokio::select! {
        () = forth => {}
        _ = back => {}
    }
}

/// Counted in bytes that pass between the question of a fresh table and its answer, not in time.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backlog_of_one_table_does_not_delay_another_table() {
    let authority = Authority::new();
    let (at_b, address_b) = listener().await;
    let _b = serve("b", authority.links("b"), at_b, &[]).await;
    let (proxy, address) = listener().await;
    // What waits in the proxy's kernel is beyond anybody's reach: keep it small.
    SockRef::from(&proxy).set_recv_buffer_size(64 * 1024).unwrap();
    let passed = Arc::new(AtomicU64::new(0));
    let counter = Arc::clone(&passed);
    tokio::spawn(async move {
        let (client, _) = proxy.accept().await.unwrap();
        let server = TcpStream::connect(&address_b).await.unwrap();
        slow(client, server, counter).await;
    });
    let transport = transport(authority.links("a"), &[("b", &address)]);
    let mut wire = transport.connect(&region_name("a"), &region_name("b")).await.unwrap();

    // The backlog: batches of a megabyte, as many on their way as a link ever has.
    let (stop, window) = (Arc::new(AtomicBool::new(false)), Arc::new(Semaphore::new(4)));
    let (sender, stopped, room) = (wire.sender.clone(), Arc::clone(&stop), Arc::clone(&window));
    let backlog = tokio::spawn(async move {
        for id in 1_000_000.. {
            room.acquire().await.unwrap().forget();
            if stopped.load(Ordering::SeqCst) || sender.send(batch(id, "huge", MEGABYTE)).await.is_err() {
                return;
            }
        }
    });
    let mut worst = 0;
    for id in 0..12 {
        // Well into the backlog, and the backlog goes on between questions.
        let target = passed.load(Ordering::SeqCst) + 6 * MEGABYTE as u64;
        while passed.load(Ordering::SeqCst) < target {
            let reply = tokio::time::timeout(DEADLINE, wire.receiver.recv()).await.unwrap().unwrap();
            assert_eq!(reply.body, Body::Reply(Reply::Foreign));
            window.add_permits(1);
        }
        let before = passed.load(Ordering::SeqCst);
        let question = Request::Position { table: "fresh".to_owned(), log: "log".to_owned() };
        wire.sender.send(Frame { id, body: Body::Request(question) }).await.unwrap();
        loop {
            let reply = tokio::time::timeout(DEADLINE, wire.receiver.recv()).await.unwrap().unwrap();
            if reply.id == id {
                break;
            }
            window.add_permits(1);
        }
        worst = worst.max(passed.load(Ordering::SeqCst) - before);
    }
    stop.store(true, Ordering::SeqCst);
    window.add_permits(1);
    let _ = tokio::time::timeout(DEADLINE, backlog).await;
    // Two chunks, what waits in the kernels, and what passes while the answer comes back.
    assert!(worst < MEGABYTE as u64, "{worst} bytes passed before an answer");
}
