//! Feuds: some members go away, by crash or by partition, and meanwhile the others take each other out, one after the other,
//! or leave. Then the roles change.

use std::sync::Arc;

use crate::{node::Node, random::Random, replicas::Replicas, world::World};

/// The most moves while the same members are away.
const MOVES_MAX: u64 = 5;

/// Goes on as long as the world is busy.
pub(crate) async fn run(world: Arc<World>) {
    let mut random = world.random("feuds");
    while world.is_busy() {
        let away = send_away(&world, &mut random);
        for _ in 0..random.between(1, MOVES_MAX) {
            let pause = if random.percent(70) { random.millis(0, 300) } else { random.millis(0, 4_000) };
            world.sleep(pause).await;
            if !world.is_busy() {
                return;
            }
            one_move(&world, &mut random).await;
        }
        // Not everybody comes back at once, nor before others are away.
        for node in away {
            if random.percent(70) {
                world.sleep(random.millis(0, 1_500)).await;
                come_back(&world, &node).await;
            }
        }
    }
}

/// Lets some Regions crash, or nobody reach them.
fn send_away(world: &Arc<World>, random: &mut Random) -> Vec<Arc<Node>> {
    let mut away = Vec::new();
    for node in &world.nodes {
        if random.percent(45) {
            world.tell(&format!("{} goes away", node.name));
            if random.percent(50) {
                node.crash();
            } else {
                others(world, node, |world, other| {
                    world.network.block(&node.name, &other.name);
                    world.network.block(&other.name, &node.name);
                });
            }
            away.push(Arc::clone(node));
        }
    }
    away
}

async fn come_back(world: &Arc<World>, node: &Node) {
    others(world, node, |world, other| {
        world.network.unblock(&node.name, &other.name);
        world.network.unblock(&other.name, &node.name);
    });
    node.start().await;
}

fn others(world: &World, node: &Node, mut each: impl FnMut(&World, &Node)) {
    world.nodes.iter().filter(|other| other.name != node.name).for_each(|other| each(world, other));
}

/// One member takes another one out, or leaves, or somebody is added again.
async fn one_move(world: &Arc<World>, random: &mut Random) {
    let (node, other) = (random.pick(&world.nodes).clone(), random.pick(&world.nodes).clone());
    let replicas = Replicas::look(world);
    let Some(table) = replicas.tables.get(&node.name) else { return };
    let peers: Vec<_> = table.peers(&node.name).map(|(peer, _)| peer.clone()).collect();
    if node.name == other.name {
        if random.percent(60) && world.can_spare(&node) {
            world.leave(&node).await;
        }
    } else if peers.contains(&other.name) {
        world.remove(&node, &other).await;
    } else if random.percent(40) {
        world.add(&node, &other).await;
    }
}
