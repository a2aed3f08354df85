//! What goes wrong, and when: one task per kind of trouble, at the pace and of the kinds that the plan allows.
//!
//! Invariant: everything it breaks, [`heal`] mends.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use crate::{disk::Health, node::Node, random::Random, world::World};

/// Breaks things as long as the world is busy.
pub(crate) async fn run(world: Arc<World>) {
    let mut random = world.random("faults");
    while world.is_busy() {
        let pause = random.millis(20, world.plan.fault_ms);
        world.sleep(pause).await;
        if world.is_busy() {
            one_fault(&world, &mut random).await;
        }
    }
}

#[derive(Debug, Clone, Copy)]
enum Fault {
    Part,
    PartOneWay,
    Isolate,
    Mend,
    Cut,
    Crash,
    CrashAtStep,
    BadDisk,
    SlowDisk,
    Jump,
    Drift,
    Stall,
    SlowWay,
}

fn kinds(world: &World) -> Vec<Fault> {
    let profile = world.plan.profile;
    let mut kinds = Vec::new();
    if profile.has_partitions() {
        kinds.extend([Fault::Part, Fault::PartOneWay, Fault::Isolate, Fault::Mend, Fault::Mend, Fault::Cut]);
    }
    if profile.has_crashes() {
        kinds.extend([Fault::Crash, Fault::CrashAtStep, Fault::CrashAtStep]);
    }
    if profile.has_disk_faults() {
        kinds.push(Fault::BadDisk);
    }
    if profile.has_clocks() {
        kinds.extend([Fault::Jump, Fault::Jump, Fault::Drift]);
    }
    if profile.has_slowness() {
        kinds.extend([Fault::Stall, Fault::SlowDisk, Fault::SlowWay, Fault::Cut]);
    }
    kinds
}

async fn one_fault(world: &Arc<World>, random: &mut Random) {
    let kinds = kinds(world);
    if kinds.is_empty() {
        return;
    }
    let fault = *random.pick(&kinds);
    let one = random.below(world.nodes.len());
    let other = (one + 1 + random.below(world.nodes.len() - 1)) % world.nodes.len();
    let (one, other) = (Arc::clone(&world.nodes[one]), Arc::clone(&world.nodes[other]));
    // Mostly short, sometimes long.
    let away_ms = *random.pick(&[300, 2_000, world.plan.away_ms]);
    let away = random.millis(20, away_ms.min(world.plan.away_ms));
    let now = world.executor.now();
    world.tell(&format!("{fault:?} {} {}", one.name, other.name));
    match fault {
        Fault::Part => part(world, &[(&one, &other), (&other, &one)], away),
        Fault::PartOneWay => part(world, &[(&one, &other)], away),
        Fault::Isolate => {
            let others = world.nodes.iter().filter(|node| node.name != one.name);
            let ways: Vec<_> = others.flat_map(|other| [(&one, other), (other, &one)]).collect();
            part(world, &ways, away);
        }
        Fault::Mend => world.network.heal(),
        Fault::Cut => world.network.cut(&one.name, &other.name),
        Fault::Crash => crash(world, &one, away),
        Fault::CrashAtStep => {
            if let Some(running) = one.running() {
                let (world_inside, node) = (Arc::clone(world), Arc::clone(&one));
                let polls = random.between(1, 400);
                world.executor.after_polls(running.owner, polls, move || crash(&world_inside, &node, away));
            }
        }
        Fault::BadDisk => {
            let health = Health { aborts_permille: 30, unknown_permille: 30, ..Health::GOOD };
            set_health(world, &one, health, away);
        }
        Fault::SlowDisk => {
            let health = Health { sync_us_max: random.between(50_000, 800_000), ..Health::GOOD };
            set_health(world, &one, health, away);
        }
        Fault::Jump => {
            let by_ms = match random.below(4) {
                0 => random.between(1, 400) as i64,
                1 => random.between(400, 20_000) as i64,
                2 => -(random.between(1, 5_000) as i64),
                _ => -(random.between(5_000, 120_000) as i64),
            };
            one.clock.jump_ms(now, by_ms);
        }
        Fault::Drift => one.clock.set_drift_ppm(now, random.between(0, 20_000) as i64 - 10_000),
        Fault::Stall => one.stall(away.min(Duration::from_secs(8))),
        Fault::SlowWay => {
            let low = random.between(1_000, 400_000);
            world.network.set_latency(&one.name, &other.name, (low, low * 2));
        }
    }
}

fn part(world: &Arc<World>, ways: &[(&Arc<Node>, &Arc<Node>)], away: Duration) {
    let ways: Vec<_> = ways.iter().map(|(from, to)| (from.name.clone(), to.name.clone())).collect();
    for (from, to) in &ways {
        world.network.block(from, to);
    }
    let mender = Arc::clone(world);
    world.spawn("mender", async move {
        mender.sleep(away).await;
        for (from, to) in &ways {
            mender.network.unblock(from, to);
        }
    });
}

/// Crashes a Region and brings it back after a while.
fn crash(world: &Arc<World>, node: &Arc<Node>, away: Duration) {
    node.crash();
    let (starter, node) = (Arc::clone(world), Arc::clone(node));
    world.spawn("starter", async move {
        starter.sleep(away).await;
        node.start().await;
    });
}

fn set_health(world: &Arc<World>, node: &Arc<Node>, health: Health, away: Duration) {
    node.disk.set_health(health);
    let (mender, node) = (Arc::clone(world), Arc::clone(node));
    world.spawn("mender", async move {
        mender.sleep(away).await;
        node.disk.set_health(Health::GOOD);
    });
}

/// Ends all trouble: no more is made, and what was made is mended. Clocks are right again, within what clocks are.
pub(crate) async fn heal(world: &Arc<World>) {
    world.busy.store(false, Ordering::Relaxed);
    world.tell("everything heals");
    world.executor.clear_fuses();
    world.executor.resume_all();
    world.network.heal();
    let mut random = world.random("heal");
    for node in &world.nodes {
        let now = world.executor.now();
        node.disk.set_health(Health::GOOD);
        node.clock.set_drift_ppm(now, 0);
        node.clock.set_ahead_ms(now, random.between(0, 100) as i64);
        node.start().await;
    }
}
