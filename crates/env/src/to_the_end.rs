//! Work that is not left halfway: it runs in its caller's task, and on its own once nobody waits for it any more.
//!
//! Invariant: a future that was polled once is polled until it ends, unless it panics or the environment ends.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use futures_util::{FutureExt, future::BoxFuture};

use crate::Env;

/// A future that goes on in the background when it is dropped before its end.
pub struct ToTheEnd<T: Send + 'static> {
    env: Env,
    name: &'static str,
    /// None after its end, and while it is polled, so that one that panics is not polled again.
    work: Option<BoxFuture<'static, T>>,
}

impl<T: Send + 'static> ToTheEnd<T> {
    pub(crate) fn new(env: Env, name: &'static str, work: BoxFuture<'static, T>) -> ToTheEnd<T> {
        ToTheEnd { env, name, work: Some(work) }
    }
}

impl<T: Send + 'static> Future for ToTheEnd<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T> {
        let mut work = self.work.take().expect("a future is not polled after its end");
        let polled = work.as_mut().poll(context);
        if polled.is_pending() {
            self.work = Some(work);
        }
        polled
    }
}

impl<T: Send + 'static> Drop for ToTheEnd<T> {
    fn drop(&mut self) {
        if let Some(work) = self.work.take() {
            self.env.spawn(self.name, work.map(drop));
        }
    }
}
