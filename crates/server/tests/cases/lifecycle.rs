//! Binding, and stopping.

use std::{sync::Arc, time::Duration};

use graticule_env::Env;
use graticule_server::{AdminAnswer, AdminRequest, BoxFuture, Caller, Handler, Options, Server, Target};
use tokio::net::TcpStream;

use super::harness::{request, start};

#[tokio::test]
async fn a_graceful_stop_lets_requests_in_flight_finish() {
    let mut server = start(Options::default());
    let mut busy = server.connect().await;
    let mut idle = server.connect().await;
    let mut fresh = server.connect().await;
    let mut halfway = server.connect().await;
    idle.send(request("Echo", "{}")).await;
    assert_eq!(idle.answer().await.status, 200);
    busy.send(request("Slow", "{}")).await;
    halfway.send("GET /health HT").await;
    server.env.sleep(Duration::from_millis(100)).await;

    server.stop();
    assert!(idle.is_ended().await, "idle connections are closed");
    assert!(fresh.is_ended().await, "unused connections are closed");
    assert!(TcpStream::connect(server.addr).await.is_err(), "nobody new is let in");
    halfway.send("TP/1.1\r\nHost: x\r\n\r\n").await;
    assert_eq!(halfway.answer().await.status, 503);
    let answer = busy.answer().await;
    assert_eq!((answer.status, answer.headers["connection"].as_str()), (200, "close"));
    assert!(busy.is_ended().await);
    server.stopped().await;
}

#[tokio::test]
async fn a_graceful_stop_does_not_wait_for_ever() {
    let mut server = start(Options { drain_timeout: Duration::from_millis(100), ..Options::default() });
    let mut busy = server.connect().await;
    busy.send(request("Slow", "{}")).await;
    server.env.sleep(Duration::from_millis(100)).await;
    server.stop();
    assert!(busy.is_ended().await);
    server.stopped().await;
}

#[tokio::test]
async fn a_port_in_use_is_said_to_be() {
    struct Nothing;
    impl Handler for Nothing {
        fn call<'a>(
            &'a self,
            _: Caller,
            _: Target<'a>,
            _: bytes::Bytes,
        ) -> BoxFuture<'a, Result<bytes::Bytes, graticule_model::Error>> {
            unreachable!("nobody asks")
        }
        fn health(&self) -> serde_json::Value {
            unreachable!("nobody asks")
        }
        fn admin<'a>(&'a self, _: AdminRequest<'a>) -> BoxFuture<'a, Option<AdminAnswer>> {
            unreachable!("nobody asks")
        }
    }
    let server = start(Options::default());
    let again = Server::bind(server.addr, Arc::new(Nothing), Env::real(), Options::default());
    let error = again.err().expect("the port is taken");
    assert_eq!(error.source.kind(), std::io::ErrorKind::AddrInUse);
    assert!(error.to_string().starts_with(&format!("cannot listen on {}: ", server.addr)), "{error}");
}
