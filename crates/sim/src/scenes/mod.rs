//! Scenes: what must not go wrong, acted out step by step. Each one brings about the very moment at which one rule is
//! needed, and fails if that rule is broken.
//!
//! The steps are fixed; the seed decides everything between them. A scene ends as every run does: all heals, and the replicas
//! must be what was written.

mod clocks;
mod comparisons;
mod detached;
mod disputes;
mod given_up;
mod handovers;
mod late;
mod latecomers;
mod newcomers;
mod orphans;
mod refused;
mod removals;
mod stage;
mod stuck;
mod tombstones;
mod writing;

use std::{future::Future, pin::Pin, sync::Arc};

use crate::{plan::Plan, run::play_out, world::World};
use stage::Stage;

/// What is acted out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Scene {
    /// A replica that has left to be a table of its own ships nothing any more.
    Detached,
    /// What is written while a replica leaves comes to all that stay, or to none.
    Leaving,
    /// One that cannot leave yet promises nothing.
    Stuck,
    /// One that leaves does not go before it knows whom to tell.
    Handovers,
    /// Of two that take each other out, one fills the newcomer.
    Disputes,
    /// A delete is remembered until every member has it.
    Tombstones,
    /// A member that lacks what only a comparison brings is promised nothing.
    Comparisons,
    /// A promise does not cover what is being written.
    Writing,
    /// What follows a batch that was not applied is not applied.
    Refused,
    /// A Region that restarts with its clock set back keeps its promises.
    Clocks,
    /// What an older connection brings late does not count.
    LateChanges,
    /// What an older connection promises does not count.
    LatePromises,
    /// A question that an older connection asks late takes nothing over.
    LateQuestions,
    /// What an older comparison brings late does not count.
    LateRepairs,
    /// What an expelled member has told only some comes to all.
    Orphans,
    /// What is given up with those that are not waited for is what nobody else had.
    GivenUp,
    /// What is written by one that believes to be alone comes to members that it does not know yet.
    Newcomers,
    /// A newcomer that is taken out is not in again because it is complete.
    Removals,
    /// One that comes back late, to tell all that it had, brings nothing back that was deleted.
    Latecomers,
}

impl Scene {
    /// All of them.
    pub const ALL: [Scene; 19] = [
        Scene::Detached,
        Scene::Leaving,
        Scene::Stuck,
        Scene::Handovers,
        Scene::Disputes,
        Scene::Tombstones,
        Scene::Comparisons,
        Scene::Writing,
        Scene::Refused,
        Scene::Clocks,
        Scene::LateChanges,
        Scene::LatePromises,
        Scene::LateQuestions,
        Scene::LateRepairs,
        Scene::Orphans,
        Scene::GivenUp,
        Scene::Newcomers,
        Scene::Removals,
        Scene::Latecomers,
    ];

    /// How many changes of log are kept for a member that is away.
    fn log_changes_max(self) -> Option<u64> {
        matches!(self, Scene::Tombstones | Scene::Comparisons | Scene::Stuck).then_some(5)
    }

    fn act(self, stage: Stage) -> Pin<Box<dyn Future<Output = Result<(), String>> + Send>> {
        match self {
            Scene::Detached => Box::pin(detached::play(stage)),
            Scene::Leaving => Box::pin(detached::written_to(stage)),
            Scene::Stuck => Box::pin(stuck::play(stage)),
            Scene::Handovers => Box::pin(handovers::play(stage)),
            Scene::Disputes => Box::pin(disputes::play(stage)),
            Scene::Tombstones => Box::pin(tombstones::play(stage)),
            Scene::Comparisons => Box::pin(comparisons::play(stage)),
            Scene::Writing => Box::pin(writing::play(stage)),
            Scene::Refused => Box::pin(refused::play(stage)),
            Scene::Clocks => Box::pin(clocks::play(stage)),
            Scene::LateChanges => Box::pin(late::old_changes(stage)),
            Scene::LatePromises => Box::pin(late::old_promises(stage)),
            Scene::LateQuestions => Box::pin(late::old_questions(stage)),
            Scene::LateRepairs => Box::pin(late::old_repairs(stage)),
            Scene::Orphans => Box::pin(orphans::play(stage)),
            Scene::GivenUp => Box::pin(given_up::play(stage)),
            Scene::Newcomers => Box::pin(newcomers::play(stage)),
            Scene::Removals => Box::pin(removals::play(stage)),
            Scene::Latecomers => Box::pin(latecomers::play(stage)),
        }
    }
}

/// Plays a scene under a seed. Gives the rules that were broken; none in a good run.
pub fn play(scene: Scene, seed: u64, print: bool) -> Vec<String> {
    let plan = Plan {
        departure_ms_max: (scene == Scene::Newcomers).then_some(newcomers::DEPARTURE_MS_MAX),
        ..Plan::of_scene(scene.log_changes_max())
    };
    let world = World::new(seed, plan, print);
    let acted = Arc::clone(&world);
    play_out(&world, async move {
        let broken = scene.act(Stage::new(Arc::clone(&acted))).await;
        if let Err(broken) = broken {
            acted.model.lock().fail(broken);
        }
    });
    std::mem::take(&mut world.model.lock().broken)
}
