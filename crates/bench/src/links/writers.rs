//! Connections that put items into the first Region: as many as asked for, as quickly as they are answered; or at a rate,
//! whatever the server does.
//!
//! At a rate, each put has a time at which it is due, and its latency counts from there: a server that stalls is charged
//! for everything that had to wait.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    time::{Duration, Instant},
};

use tokio::task::JoinSet;

use crate::{
    control::{REGION, join_before, simple_item},
    http::{Connection, Endpoint},
    report::Recorder,
    requests::{PayloadPool, Random, Request},
};

/// How long an answer may take after the last put was due.
const LAST_ANSWER_WAIT: Duration = Duration::from_secs(60);

/// What is put, and over how many connections.
#[derive(Clone, Debug)]
pub(super) struct Puts {
    pub(super) endpoint: Endpoint,
    pub(super) table: String,
    pub(super) item_bytes: usize,
    pub(super) connections: u16,
    pub(super) pool: Rc<PayloadPool>,
}

/// When puts are sent, and for which items.
#[derive(Clone, Copy, Debug)]
pub(super) enum Pace {
    /// One put of each item below this number, in turn.
    Each(u64),
    /// Puts of random items.
    Rate { per_second: u32, keys: u64, measured_from: Instant, end: Instant },
}

impl Puts {
    /// A PutItem with places for key and payload.
    pub(super) fn request(&self) -> Request {
        let item = simple_item(self.item_bytes);
        let body = format!(r#"{{"TableName":"{}","Item":{item}}}"#, self.table);
        Request::new(&self.endpoint, REGION, "PutItem", &body)
    }

    /// Puts until the pace is through; the latencies, and how long it took from now.
    pub(super) async fn run(&self, pace: Pace) -> Result<(Recorder, Duration), String> {
        let mut connections = Vec::with_capacity(usize::from(self.connections));
        for _ in 0..self.connections {
            connections.push(Connection::open(&self.endpoint).await?);
        }
        let started = Instant::now();
        let recorder = Rc::new(RefCell::new(Recorder::new()));
        let next = Rc::new(Cell::new(0_u64));
        let mut workers = JoinSet::new();
        for (index, mut connection) in connections.into_iter().enumerate() {
            let (next, recorder, pool) = (Rc::clone(&next), Rc::clone(&recorder), Rc::clone(&self.pool));
            let (mut request, mut random) = (self.request(), Random::new(index as u64));
            workers.spawn_local(async move {
                loop {
                    let turn = next.replace(next.get() + 1);
                    let Some((key, due)) = pace.turn(turn, started, &mut random) else { return };
                    request.set_keys(key, 0);
                    request.set_payloads(&pool, &mut random);
                    let now = Instant::now();
                    let due = due.unwrap_or(now);
                    if due > now {
                        tokio::time::sleep_until(due.into()).await;
                    }
                    let failure = match connection.exchange(request.bytes()).await {
                        Ok(answer) if answer.status == 200 => {
                            if pace.is_measured(due) {
                                recorder.borrow_mut().success(due.elapsed());
                            }
                            continue;
                        }
                        Ok(answer) => answer.describe(),
                        Err(error) => error,
                    };
                    recorder.borrow_mut().failure(failure);
                    if !connection.is_open() && connection.reopen().await.is_err() {
                        return;
                    }
                }
            });
        }
        match pace {
            Pace::Rate { end, .. } => join_before(workers, end + LAST_ANSWER_WAIT).await?,
            Pace::Each(_) => {
                while let Some(joined) = workers.join_next().await {
                    joined.map_err(|error| format!("a worker of the benchmark failed: {error}"))?;
                }
            }
        }
        let elapsed = started.elapsed();
        let recorder = Rc::into_inner(recorder).expect("the workers that shared it have ended").into_inner();
        Ok((recorder, elapsed))
    }
}

impl Pace {
    /// The item of a turn, and when it is due if not at once; `None` when all is done.
    fn turn(self, turn: u64, started: Instant, random: &mut Random) -> Option<(u64, Option<Instant>)> {
        match self {
            Self::Each(count) => (turn < count).then_some((turn, None)),
            Self::Rate { per_second, keys, end, .. } => {
                let due = started + Duration::from_secs_f64(turn as f64 / f64::from(per_second));
                (due < end).then(|| (random.below(keys), Some(due)))
            }
        }
    }

    fn is_measured(self, due: Instant) -> bool {
        match self {
            Self::Each(_) => true,
            Self::Rate { measured_from, .. } => due >= measured_from,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn puts_are_due_at_their_rate_whatever_happens() {
        let started = Instant::now();
        let second = Duration::from_secs(1);
        let pace = Pace::Rate {
            per_second: 200,
            keys: 10,
            measured_from: started + second,
            end: started + second * 3,
        };
        let mut random = Random::new(1);
        let turns: Vec<_> = (0..).map_while(|turn| pace.turn(turn, started, &mut random)).collect();
        assert_eq!(turns.len(), 600);
        assert!(turns.iter().all(|(key, _)| *key < 10));
        let due: Vec<Instant> = turns.into_iter().filter_map(|(_, due)| due).collect();
        assert_eq!(due[100], started + second / 2);
        assert_eq!(due.into_iter().filter(|due| pace.is_measured(*due)).count(), 400);
    }

    #[test]
    fn each_item_has_one_turn() {
        let mut random = Random::new(1);
        let turns = (0..).map_while(|turn| Pace::Each(5).turn(turn, Instant::now(), &mut random));
        assert_eq!(turns.map(|(key, _)| key).collect::<Vec<_>>(), [0, 1, 2, 3, 4]);
    }
}
