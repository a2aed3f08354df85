//! Runs seeds of the simulation: one with its trace, or many.

use std::process::ExitCode;

use clap::{Parser, ValueEnum};
use graticule_sim::{Options, Profile, Report, Scene, play, run};

/// Simulates several Regions with faults under a seed, and checks what global tables promise.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// Runs this seed alone.
    #[arg(long, conflicts_with_all = ["seeds", "from", "minutes"])]
    seed: Option<u64>,
    /// Runs so many seeds.
    #[arg(long, default_value_t = 100)]
    seeds: u64,
    /// The first of them.
    #[arg(long, default_value_t = 1)]
    from: u64,
    /// Goes on for so many minutes, however many seeds that are.
    #[arg(long)]
    minutes: Option<u64>,
    /// Prints every event.
    #[arg(long)]
    trace: bool,
    /// The kind of run; drawn from the seed if not given.
    #[arg(long)]
    profile: Option<Profile>,
    /// Plays this scene, under `--seed` or the first seed, instead of a run.
    #[arg(long)]
    scene: Option<Scene>,
    /// Goes on after a seed that fails.
    #[arg(long)]
    keep_going: bool,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let options = Options { profile: arguments.profile, trace: arguments.trace, ..Options::default() };
    if let Some(scene) = arguments.scene {
        let seed = arguments.seed.unwrap_or(arguments.from);
        let broken = play(scene, seed, arguments.trace);
        println!("{scene:?}, seed {seed}: {broken:#?}");
        return if broken.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    }
    if let Some(seed) = arguments.seed {
        let report = run(seed, options);
        println!("{}", describe(&report, options));
        return if report.broken.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    }
    many(&arguments, options)
}

fn many(arguments: &Arguments, options: Options) -> ExitCode {
    let env = graticule_env::Env::real();
    let started = env.monotonic();
    let (mut done, mut failed) = (0_u64, Vec::new());
    let mut told = started;
    for seed in arguments.from.. {
        let elapsed = env.monotonic() - started;
        let enough = match arguments.minutes {
            Some(minutes) => elapsed.as_secs() >= minutes * 60,
            None => done >= arguments.seeds,
        };
        if enough {
            break;
        }
        let report = run(seed, options);
        done += 1;
        if !report.broken.is_empty() {
            println!("{}", describe(&report, options));
            failed.push(seed);
            if !arguments.keep_going {
                break;
            }
        }
        if env.monotonic() - told >= std::time::Duration::from_secs(10) {
            told = env.monotonic();
            eprintln!("{done} seeds in {:.0} s, {} failed", (told - started).as_secs_f64(), failed.len());
        }
    }
    let elapsed = env.monotonic() - started;
    println!("{done} seeds in {:.1} s, {} failed: {failed:?}", elapsed.as_secs_f64(), failed.len());
    if failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn describe(report: &Report, options: Options) -> String {
    let mut text = format!(
        "seed {} ({:?}): {:.1} s simulated, {} events, hash {:016x}, {:?}",
        report.seed,
        report.profile,
        report.simulated.as_secs_f64(),
        report.trace.1,
        report.trace.0,
        report.outcomes
    );
    for broken in &report.broken {
        text.push_str("\n  ");
        text.push_str(broken);
    }
    if !report.broken.is_empty() {
        // One that is given is not drawn, so the rest of the run is another one.
        let given = options.profile.and_then(|profile| profile.to_possible_value());
        let profile = given.map_or_else(String::new, |profile| format!("--profile {} ", profile.get_name()));
        text.push_str(&format!("\n  again: make sim ARGS=\"{profile}--seed {} --trace\"", report.seed));
    }
    text
}
