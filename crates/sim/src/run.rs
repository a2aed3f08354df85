//! One run: set up, trouble, rest, checks.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use crate::{
    checks,
    disk::Health,
    faults, feuds, membership,
    plan::{Plan, Profile},
    streams,
    workload::Client,
    world::World,
};

/// What a run is to be.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options {
    /// The kind of run; drawn from the seed if not given.
    pub profile: Option<Profile>,
    /// Print every event.
    pub trace: bool,
    /// Disks acknowledge commits before they are synced: to see that the checks find it.
    pub lying_disks: bool,
}

/// How a run went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The seed, which repeats it.
    pub seed: u64,
    /// What it was.
    pub profile: Profile,
    /// A hash of everything that happened, and the number of events.
    pub trace: (u64, u64),
    /// Simulated time.
    pub simulated: Duration,
    /// Outcomes of clients' requests.
    pub outcomes: BTreeMap<&'static str, u64>,
    /// Rules that were broken; none in a good run.
    pub broken: Vec<String>,
}

/// Runs one seed.
pub fn run(seed: u64, options: Options) -> Report {
    let plan = Plan::new(seed, options.profile);
    let profile = plan.profile;
    let world = World::new(seed, plan, options.trace);
    world.tell(&format!("seed {seed}: {:?}", world.plan));
    if options.lying_disks {
        for node in &world.nodes {
            node.disk.set_health(Health { sync_us_max: 50_000, lies: true, ..Health::GOOD });
        }
    }
    let scenario = scenario(Arc::clone(&world));
    let (simulated, trace) = play_out(&world, scenario);
    let mut model = world.model.lock();
    let outcomes = model.outcomes.clone();
    Report { seed, profile, trace, simulated, outcomes, broken: std::mem::take(&mut model.broken) }
}

/// Plays what happens in a world to its end. Gives how long that was and the sum of everything; what was broken is in the
/// model.
pub(crate) fn play_out(
    world: &Arc<World>,
    scenario: impl Future<Output = ()> + Send + 'static,
) -> (Duration, (u64, u64)) {
    crate::panics::watch();
    if let Err(stuck) = world.executor.block_on(scenario) {
        world.model.lock().fail(format!("the run does not end: {stuck:?}"));
    }
    let ended = (world.executor.now(), world.executor.trace_sum());
    world.executor.shut_down();
    for panic in crate::panics::take() {
        world.model.lock().fail(format!("a task panicked: {panic}"));
    }
    ended
}

async fn scenario(world: Arc<World>) {
    for node in &world.nodes {
        node.start().await;
    }
    world.create_table().await;
    for node in &world.nodes {
        for number in 0..world.plan.clients {
            world.spawn("client", Client::new(&world, node, number).run());
        }
    }
    for node in &world.nodes {
        world.spawn("reader", streams::follow(Arc::clone(&world), Arc::clone(node)));
    }
    let mut random = world.random("scenario");
    // Trouble may begin while members are being added.
    let early = world.plan.members_change || random.percent(20);
    if early {
        world.spawn("faults", faults::run(Arc::clone(&world)));
        world.spawn("set-up", {
            let world = Arc::clone(&world);
            async move { membership::set_up(&world).await }
        });
    } else {
        membership::set_up(&world).await;
        world.spawn("faults", faults::run(Arc::clone(&world)));
    }
    if world.plan.index_changes {
        for number in 0..2 {
            world.spawn("operator", membership::change_index(Arc::clone(&world), number));
        }
    }
    if world.plan.feuds {
        world.spawn("feuds", feuds::run(Arc::clone(&world)));
    }
    if world.plan.members_change {
        for number in 0..2 {
            world.spawn("operator", membership::run(Arc::clone(&world), number));
        }
    }
    let mut ahead_ms = 0;
    let end = world.executor.now() + world.plan.duration;
    while world.executor.now() < end {
        world.sleep(Duration::from_millis(100)).await;
        let now = world.executor.now();
        let ahead = world.nodes.iter().map(|node| node.clock.ahead_ms(now)).max().unwrap_or(0);
        ahead_ms = ahead_ms.max(u64::try_from(ahead).unwrap_or(0));
    }
    faults::heal(&world).await;
    // Until requests that are under way have ended: clocks are moved while checks go on.
    world.sleep(Duration::from_secs(3)).await;
    checks::all(&world, ahead_ms).await;
}
