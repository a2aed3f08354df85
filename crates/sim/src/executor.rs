//! A single-threaded executor with virtual time, driven by a seed.
//!
//! Which runnable task is polled next is drawn from the seed. When nothing can run, time jumps to the next timer. A poll
//! costs a few microseconds, so that nothing runs for ever at one moment.
//!
//! Invariant: what happens depends on the seed alone. Runnable tasks are a sorted set, so the order in which tasks were
//! woken plays no part: some primitives wake in an order of their own.
//!
//! Tasks belong to an *owner*, an incarnation of a Region or the world around them, and die with it.

use std::{
    collections::{BTreeMap, BTreeSet},
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Wake, Waker},
    time::Duration,
};

use graticule_env::BoxTask;
use parking_lot::Mutex;

use crate::{
    random::Random,
    trace::{Event, Trace},
};

/// Whose a task is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Owner(pub(crate) u64);

/// Clients, network, faults and checks: whatever never crashes.
pub(crate) const WORLD: Owner = Owner(0);

type TaskId = u64;

/// Most polls of one run; more means that something turns in circles.
const STEPS_MAX: u64 = 20_000_000;

struct Task {
    owner: Owner,
    name: &'static str,
    /// Away while it is being polled.
    future: Option<BoxTask>,
    waker: Waker,
}

/// Polls that are left, and what happens after them.
type Fuse = (u64, Box<dyn FnOnce() + Send>);

struct Inner {
    tasks: BTreeMap<TaskId, Task>,
    next_task: TaskId,
    timers: BTreeMap<(Duration, u64), Waker>,
    next_timer: u64,
    now: Duration,
    random: Random,
    steps: u64,
    /// Owners that do nothing until a certain time, as if their machine were suspended.
    stalled: BTreeMap<Owner, Duration>,
    /// Owners that something happens to after so many more polls of their tasks.
    fuses: BTreeMap<Owner, Fuse>,
}

/// The tasks that can run.
type Ready = Arc<Mutex<BTreeSet<TaskId>>>;

struct TaskWaker {
    id: TaskId,
    ready: Ready,
}

impl Wake for TaskWaker {
    fn wake(self: Arc<TaskWaker>) {
        self.ready.lock().insert(self.id);
    }
}

/// The executor.
pub(crate) struct Executor {
    inner: Mutex<Inner>,
    ready: Ready,
    trace: Mutex<Trace>,
}

/// Why a run cannot go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Stuck {
    /// Nothing can run and no timer is set.
    Idle,
    /// It has taken too many steps.
    Endless,
}

impl Executor {
    pub(crate) fn new(seed: u64, print: bool) -> Arc<Executor> {
        Arc::new(Executor {
            inner: Mutex::new(Inner {
                tasks: BTreeMap::new(),
                next_task: 1,
                timers: BTreeMap::new(),
                next_timer: 0,
                now: Duration::ZERO,
                random: Random::new(seed, "executor"),
                steps: 0,
                stalled: BTreeMap::new(),
                fuses: BTreeMap::new(),
            }),
            ready: Ready::default(),
            trace: Mutex::new(Trace::new(print)),
        })
    }

    /// True time since the start.
    pub(crate) fn now(&self) -> Duration {
        self.inner.lock().now
    }

    /// Notes an event of the world.
    pub(crate) fn tell(&self, event: Event, bytes: &[u8], words: impl FnOnce() -> String) {
        let now = self.now();
        self.trace.lock().tell(event, bytes, now, words);
    }

    /// The hash of everything that has happened, and how many events that was.
    pub(crate) fn trace_sum(&self) -> (u64, u64) {
        self.trace.lock().sum()
    }

    /// Adds a task.
    pub(crate) fn spawn(&self, owner: Owner, name: &'static str, future: BoxTask) {
        let mut inner = self.inner.lock();
        let id = inner.next_task;
        inner.next_task += 1;
        let waker = Waker::from(Arc::new(TaskWaker { id, ready: Arc::clone(&self.ready) }));
        inner.tasks.insert(id, Task { owner, name, future: Some(future), waker });
        drop(inner);
        self.ready.lock().insert(id);
    }

    /// Ends all tasks of an owner where they are.
    pub(crate) fn kill(&self, owner: Owner) {
        let mut inner = self.inner.lock();
        let ids: Vec<TaskId> =
            inner.tasks.iter().filter(|(_, task)| task.owner == owner).map(|(id, _)| *id).collect();
        let killed: Vec<Task> = ids.iter().filter_map(|id| inner.tasks.remove(id)).collect();
        inner.stalled.remove(&owner);
        inner.fuses.remove(&owner);
        drop(inner);
        let mut ready = self.ready.lock();
        for id in &ids {
            ready.remove(id);
        }
        drop(ready);
        // Outside all locks: what a task holds may wake others or touch timers when it goes.
        drop(killed);
    }

    /// Ends everything, in the order of the tasks.
    pub(crate) fn shut_down(&self) {
        loop {
            let tasks = std::mem::take(&mut self.inner.lock().tasks);
            if tasks.is_empty() {
                return;
            }
            drop(tasks);
        }
    }

    /// How many tasks an owner has, by name.
    pub(crate) fn tasks_of(&self, owner: Owner) -> BTreeMap<&'static str, usize> {
        let mut count = BTreeMap::new();
        for task in self.inner.lock().tasks.values().filter(|task| task.owner == owner) {
            *count.entry(task.name).or_default() += 1;
        }
        count
    }

    /// Lets an owner do nothing for some time.
    pub(crate) fn stall(&self, owner: Owner, duration: Duration) {
        let mut inner = self.inner.lock();
        let until = inner.now + duration;
        inner.stalled.insert(owner, until);
    }

    /// Lets all owners go on.
    pub(crate) fn resume_all(&self) {
        self.inner.lock().stalled.clear();
    }

    /// Calls `then` right after so many more polls of an owner's tasks.
    pub(crate) fn after_polls(&self, owner: Owner, polls: u64, then: impl FnOnce() + Send + 'static) {
        self.inner.lock().fuses.insert(owner, (polls.max(1), Box::new(then)));
    }

    /// Removes what waits for polls.
    pub(crate) fn clear_fuses(&self) {
        let fuses = std::mem::take(&mut self.inner.lock().fuses);
        drop(fuses);
    }

    /// Resolves after `duration` of true time.
    pub(crate) fn sleep(self: &Arc<Executor>, duration: Duration) -> Sleep {
        Sleep { executor: Arc::clone(self), deadline: self.now() + duration, registered: None }
    }

    /// Runs everything until `future` has an output.
    pub(crate) fn block_on<T: Send + 'static>(
        self: &Arc<Executor>,
        future: impl Future<Output = T> + Send + 'static,
    ) -> Result<T, Stuck> {
        let slot = Arc::new(Mutex::new(None));
        let result = Arc::clone(&slot);
        self.spawn(WORLD, "main", Box::pin(async move { *result.lock() = Some(future.await) }));
        loop {
            if let Some(output) = slot.lock().take() {
                return Ok(output);
            }
            self.step()?;
        }
    }

    /// Polls one task, or lets time pass until one can run.
    fn step(&self) -> Result<(), Stuck> {
        let Some(id) = self.choose()? else { return Ok(()) };
        let mut inner = self.inner.lock();
        // It may have ended since it was woken.
        let Some(task) = inner.tasks.get_mut(&id) else { return Ok(()) };
        let Some(mut future) = task.future.take() else { return Ok(()) };
        let (waker, owner) = (task.waker.clone(), task.owner);
        inner.steps += 1;
        if inner.steps > STEPS_MAX {
            return Err(Stuck::Endless);
        }
        let cost = inner.random.micros(1, 20);
        inner.now += cost;
        let now = inner.now;
        drop(inner);
        self.trace.lock().note(Event::Poll, id, now);
        let polled = future.as_mut().poll(&mut Context::from_waker(&waker));
        if polled.is_ready() {
            let task = self.inner.lock().tasks.remove(&id);
            drop((task, future));
        } else {
            let mut inner = self.inner.lock();
            match inner.tasks.get_mut(&id) {
                Some(task) => task.future = Some(future),
                // Killed while it was polled.
                None => {
                    drop(inner);
                    drop(future);
                }
            }
        }
        self.burn(owner);
        Ok(())
    }

    /// Counts a poll of an owner's task.
    fn burn(&self, owner: Owner) {
        let mut inner = self.inner.lock();
        let Some((left, _)) = inner.fuses.get_mut(&owner) else { return };
        *left -= 1;
        if *left > 0 {
            return;
        }
        let then = inner.fuses.remove(&owner);
        drop(inner);
        if let Some((_, then)) = then {
            then();
        }
    }

    /// A runnable task, or `None` if time had to pass first.
    fn choose(&self) -> Result<Option<TaskId>, Stuck> {
        let mut inner = self.inner.lock();
        let now = inner.now;
        inner.stalled.retain(|_, until| *until > now);
        let mut due = Vec::new();
        while let Some(entry) = inner.timers.first_entry()
            && entry.key().0 <= now
        {
            due.push(entry.remove());
        }
        // Waking takes the lock of the runnable tasks only.
        due.into_iter().for_each(Waker::wake);
        let mut ready = self.ready.lock();
        let chosen = if inner.stalled.is_empty() {
            let count = ready.len();
            if count == 0 { None } else { ready.iter().nth(inner.random.below(count)).copied() }
        } else {
            let able: Vec<TaskId> = ready
                .iter()
                .copied()
                .filter(|id| inner.tasks.get(id).is_none_or(|task| !inner.stalled.contains_key(&task.owner)))
                .collect();
            if able.is_empty() { None } else { Some(able[inner.random.below(able.len())]) }
        };
        if let Some(id) = chosen {
            ready.remove(&id);
            return Ok(Some(id));
        }
        drop(ready);
        let next_timer = inner.timers.keys().next().map(|(at, _)| *at);
        let next_resume = inner.stalled.values().min().copied();
        let Some(next) = next_timer.into_iter().chain(next_resume).min() else { return Err(Stuck::Idle) };
        inner.now = inner.now.max(next);
        let now = inner.now;
        drop(inner);
        self.trace.lock().note(Event::Timer, 0, now);
        Ok(None)
    }
}

/// A timer.
pub(crate) struct Sleep {
    executor: Arc<Executor>,
    deadline: Duration,
    registered: Option<(Duration, u64)>,
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let executor = Arc::clone(&self.executor);
        let mut inner = executor.inner.lock();
        if inner.now >= self.deadline {
            if let Some(key) = self.registered.take() {
                inner.timers.remove(&key);
            }
            return Poll::Ready(());
        }
        let key = match self.registered {
            Some(key) => key,
            None => {
                let key = (self.deadline, inner.next_timer);
                inner.next_timer += 1;
                self.registered = Some(key);
                key
            }
        };
        inner.timers.insert(key, context.waker().clone());
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        if let Some(key) = self.registered.take() {
            // A waker that goes may free its task's last handle, which takes no lock of ours.
            let waker = self.executor.inner.lock().timers.remove(&key);
            drop(waker);
        }
    }
}

/// Lets others run first.
pub(crate) async fn yield_once() {
    let mut yielded = false;
    std::future::poll_fn(|context| {
        if yielded {
            return Poll::Ready(());
        }
        yielded = true;
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}
