//! Operators: they add replicas, take them out and let them become tables of their own, whatever the state of things, also in
//! several Regions at once.

use std::sync::Arc;

use graticule_tables::schema::Member;

use crate::{random::Random, replicas::Replicas, world::World};

/// Adds a replica in every Region, one after the other, and waits until they are active.
pub(crate) async fn set_up(world: &Arc<World>) {
    let mut random = world.random("set-up");
    // Others may be left for later.
    let members = if world.plan.members_change {
        random.between(2, world.nodes.len() as u64) as usize
    } else {
        world.nodes.len()
    };
    for at in 1..members {
        loop {
            let source = random.below(at);
            let (source, newcomer) = (&world.nodes[source], &world.nodes[at]);
            // What has become a table of its own is not to begin another global table.
            let apart = Replicas::look(world).apart.contains_key(&source.name);
            if is_member(world, &newcomer.name) || (!apart && world.add(source, newcomer).await) {
                break;
            }
            if !world.is_busy() {
                return;
            }
            world.sleep(random.millis(50, 500)).await;
        }
        while !Replicas::look(world).all_active() && world.is_busy() {
            world.sleep(random.millis(20, 100)).await;
        }
    }
}

fn is_member(world: &World, name: &graticule_model::RegionName) -> bool {
    Replicas::look(world).tables.values().any(|table| {
        table.settings.members.get(name).is_some_and(|register| register.value != Member::Removed)
    })
}

/// Changes membership at random as long as the world is busy.
pub(crate) async fn run(world: Arc<World>, number: usize) {
    let mut random = world.random(&format!("operator {number}"));
    while world.is_busy() {
        world.sleep(random.millis(100, 3_000)).await;
        if world.is_busy() {
            one_change(&world, &mut random).await;
        }
    }
}

async fn one_change(world: &Arc<World>, random: &mut Random) {
    let (node, other) = (random.pick(&world.nodes).clone(), random.pick(&world.nodes).clone());
    let replicas = Replicas::look(world);
    if replicas.apart.contains_key(&node.name) {
        // What became a table of its own goes, so that its Region can be a member again.
        if random.percent(30) && world.can_spare(&node) {
            world.leave(&node).await;
        }
        return;
    }
    let Some(table) = replicas.tables.get(&node.name) else { return };
    let peers: Vec<_> = table.peers(&node.name).collect();
    if node.name == other.name {
        match random.below(100) {
            _ if peers.len() < 2 => {}
            0..15 if world.can_spare(&node) => world.leave(&node).await,
            15..35 => _ = world.disassociate(&node).await,
            _ => {}
        }
        return;
    }
    let member = peers.iter().any(|(peer, _)| **peer == other.name);
    if !member {
        world.add(&node, &other).await;
    } else if random.percent(40) {
        world.remove(&node, &other).await;
    }
}

/// Drops and creates the index as long as the world is busy, and leaves it as it happens to be.
pub(crate) async fn change_index(world: Arc<World>, number: usize) {
    let mut random = world.random(&format!("index operator {number}"));
    while world.is_busy() {
        world.sleep(random.millis(200, 4_000)).await;
        if world.is_busy() {
            let node = random.pick(&world.nodes).clone();
            world.change_index(&node, random.percent(50)).await;
        }
    }
}
