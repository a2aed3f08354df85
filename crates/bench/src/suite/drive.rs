//! Drives a server: closed loop (as fast as it answers) or open loop (at a steady rate, whatever it does).
//!
//! In the open loop a request has a time at which it is due, and its latency is counted from then, also while it waits
//! for a free connection: a server that stalls is seen with all that it keeps waiting. What is due is let go by a thread
//! of its own, since the timers of the runtime count whole milliseconds; it is late by about a tenth of one.

use std::{
    cell::{Cell, RefCell},
    path::PathBuf,
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::{sync::Semaphore, task::JoinSet};

use super::{
    client::{Client, Context},
    results::Figures,
};
use crate::{
    accounting::{CpuReading, disk_flushes, memory_of},
    control::join_before,
    report::Recorder,
};

/// How long an answer may take after the end of a measurement before the server counts as hanging.
const LAST_ANSWER_WAIT: Duration = Duration::from_secs(60);

/// The process that is measured.
#[derive(Clone, Debug)]
pub(crate) struct Subject {
    /// Its id.
    pub(crate) pid: u32,
    /// Where its data lies, if it writes any.
    pub(crate) directory: Option<PathBuf>,
}

/// How long, after how much of warming up.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Window {
    pub(crate) warm_up: Duration,
    pub(crate) measured: Duration,
}

/// Measures in a closed loop, or with `rate` operations per second in an open one.
pub(crate) async fn measure(
    context: &Rc<Context>,
    subject: &Subject,
    window: Window,
    seed: u64,
    rate: Option<f64>,
) -> Result<Figures, String> {
    let mut clients = Vec::new();
    for number in 0..context.clients {
        clients.push(Client::open(context, number, seed).await?);
    }
    let run = Rc::new(Run::new(window, rate));
    let _pacer = rate.map(|rate| Pacer::start(rate, &run));
    let mut workers = JoinSet::new();
    for client in clients {
        workers.spawn_local(Rc::clone(&run).work(client));
    }
    tokio::time::sleep_until(run.measured_from.into()).await;
    let before = Reading::take(subject);
    join_before(workers, run.end + LAST_ANSWER_WAIT).await?;
    let elapsed = run.measured_from.elapsed();
    let after = Reading::take(subject);
    let run = Rc::into_inner(run).expect("the workers that shared it have ended");
    run.finish(subject, elapsed, &before, &after)
}

struct Run {
    measured_from: Instant,
    end: Instant,
    started: Instant,
    /// In the open loop: what is due, and how often a second that is. Both the times and what is let go are worked out from
    /// the rate: were the time between two rounded, there would be more turns in the end than the pacer lets go.
    due: Option<(Arc<Semaphore>, f64)>,
    next: Cell<u32>,
    recorder: RefCell<Recorder>,
    answer_bytes: Cell<usize>,
    failed: Cell<bool>,
}

impl Run {
    fn new(window: Window, rate: Option<f64>) -> Self {
        let started = Instant::now();
        let measured_from = started + window.warm_up;
        let due = rate.map(|rate| (Arc::new(Semaphore::new(0)), rate));
        Self {
            measured_from,
            end: measured_from + window.measured,
            started,
            due,
            next: Cell::new(0),
            recorder: RefCell::new(Recorder::new()),
            answer_bytes: Cell::new(0),
            failed: Cell::new(false),
        }
    }

    /// From when the next operation counts; `None` when it would be after the end.
    async fn turn(&self) -> Option<Instant> {
        let from = match &self.due {
            None => Instant::now(),
            Some((due, rate)) => {
                let number = self.next.replace(self.next.get() + 1);
                let from = self.started + Duration::from_secs_f64(f64::from(number) / rate);
                if from < self.end {
                    due.acquire().await.ok()?.forget();
                }
                from
            }
        };
        (from < self.end && !self.failed.get()).then_some(from)
    }

    async fn work(self: Rc<Self>, mut client: Client) {
        while let Some(from) = self.turn().await {
            match client.operate().await {
                Ok(()) if from >= self.measured_from => {
                    self.recorder.borrow_mut().success(from.elapsed());
                    self.answer_bytes.set(client.answer_bytes);
                }
                Ok(()) => {}
                // One is too many: nothing that follows would mean anything.
                Err(error) => {
                    self.recorder.borrow_mut().failure(error);
                    self.failed.set(true);
                }
            }
        }
        if !self.failed.get()
            && let Err(error) = client.check_last_write().await
        {
            self.recorder.borrow_mut().failure(error);
        }
    }

    fn finish(
        self,
        subject: &Subject,
        elapsed: Duration,
        before: &Reading,
        after: &Reading,
    ) -> Result<Figures, String> {
        let recorder = self.recorder.into_inner();
        if let Some(error) = recorder.first_error() {
            return Err(error.to_owned());
        }
        let operations = recorder.operations();
        if operations == 0 {
            return Err("not one operation was finished in the time that is measured".to_owned());
        }
        let each = |used: Option<Duration>| used.map(|used| used.as_secs_f64() * 1e6 / operations as f64);
        let cpu = after.cpu.since(&before.cpu);
        let flushes = after.flushes.zip(before.flushes).map(|(after, before)| after.saturating_sub(before));
        let [p50_ms, _, p99_ms, p99_9_ms, max_ms] = recorder.latency_ms();
        Ok(Figures {
            operations,
            per_second: operations as f64 / elapsed.as_secs_f64(),
            server_us: each(cpu.server),
            bench_us: each(cpu.bench),
            p50_ms,
            p99_ms,
            p99_9_ms,
            max_ms,
            flushes_per_operation: flushes.map(|flushes| flushes as f64 / operations as f64),
            resident_bytes: memory_of(subject.pid).map(|(now, _)| now),
            answer_bytes: self.answer_bytes.get(),
        })
    }
}

struct Reading {
    cpu: CpuReading,
    flushes: Option<u64>,
}

impl Reading {
    fn take(subject: &Subject) -> Self {
        let flushes = subject.directory.as_deref().and_then(disk_flushes);
        Self { cpu: CpuReading::take(&[subject.pid]), flushes }
    }
}

/// The thread that lets go what is due. Dropping it ends it.
struct Pacer {
    ended: Arc<AtomicBool>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Pacer {
    fn start(rate: f64, run: &Run) -> Self {
        let ended = Arc::new(AtomicBool::new(false));
        let due = run.due.as_ref().map(|(due, _)| Arc::clone(due));
        let (started, end, stop) = (run.started, run.end, Arc::clone(&ended));
        let thread = due.map(|due| {
            std::thread::spawn(move || {
                let mut released = 0_u64;
                while !stop.load(Ordering::Relaxed) {
                    let now = Instant::now();
                    // At the end one more than is due, so that nobody waits for what rounding took.
                    let by_now = ((now.min(end) - started).as_secs_f64() * rate) as u64 + 1;
                    due.add_permits((by_now - released) as usize);
                    released = by_now;
                    if now >= end {
                        due.add_permits(1);
                        return;
                    }
                    let next = started + Duration::from_secs_f64(released as f64 / rate);
                    std::thread::sleep(next.saturating_duration_since(Instant::now()));
                }
            })
        });
        Self { ended, thread }
    }
}

impl Drop for Pacer {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // It sleeps for as long as two requests are apart at most.
            let _ = thread.join();
        }
    }
}
