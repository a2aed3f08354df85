//! The benchmark: this server, others and a server that does nothing, under one load, in one run.
//!
//! Here is the order of a run; each part has a file of its own. What is measured goes into [`results`], from which alone
//! everything that is shown is made.

mod cases;
mod choose;
mod client;
mod drive;
mod extras;
mod guard;
mod kinds;
pub mod null;
mod page;
mod picture;
mod plan;
mod products;
mod replicas;
mod results;
mod running;
mod section;
mod shapes;
pub(crate) mod signer;
mod targets;
pub(crate) mod template;
mod text;

use std::{fs, path::Path};

pub use self::plan::SuiteArguments;
use self::{
    plan::{Part, Plan},
    products::Mode,
    results::Results,
};

/// The name that all files of a run have.
const FILE_NAME: &str = "benchmarks";

/// Runs what is asked for, prints the tables, writes the files. Whether everything that had to be right was.
pub async fn run(arguments: &SuiteArguments, binary: &Path) -> Result<bool, String> {
    if let Some((first, later)) = arguments.from.split_first() {
        let mut results = read(first)?;
        for file in later {
            results.take(read(file)?);
        }
        print!("{}", text::render(&results));
        return write(&arguments.out(), &results).map(|()| true);
    }
    let plan = Plan::new(arguments, binary)?;
    let mut results = Results { about: plan.about(), servers: plan.servers(), ..Results::default() };
    let measured = measure(&plan, &mut results).await;
    print!("{}", text::render(&results));
    // What a run leaves that did not come to its end is worth a look, but no page of the documentation.
    let out = if measured.is_ok() { arguments.out() } else { plan::scratch() };
    write(&out, &results)?;
    measured?;
    let held = guard::check(&arguments.ratios, arguments.record, &results)?;
    let ours_failed = [&results.memory, &results.durable]
        .iter()
        .flat_map(|section| &section.missing)
        .any(|missing| missing.server == products::Product::Ours.name());
    Ok(held && !ours_failed)
}

async fn measure(plan: &Plan, results: &mut Results) -> Result<(), String> {
    extras::signatures(plan, results).await?;
    if plan.wants(Part::Starts) {
        extras::starts(plan, results).await?;
    }
    if plan.wants(Part::Memory) {
        section::run(plan, Mode::Memory, &mut results.memory).await?;
    }
    if plan.wants(Part::Durable) {
        section::run(plan, Mode::Durable, &mut results.durable).await?;
    }
    if plan.wants(Part::Growth) {
        extras::growth(plan, results).await?;
    }
    if plan.wants(Part::Cache) {
        extras::cache(plan, results).await?;
    }
    if plan.wants(Part::Replicas) {
        replicas::run(plan, results).await?;
    }
    Ok(())
}

fn read(file: &Path) -> Result<Results, String> {
    let failed = |error: String| format!("{}: {error}", file.display());
    let text = fs::read(file).map_err(|error| failed(error.to_string()))?;
    serde_json::from_slice(&text).map_err(|error| failed(error.to_string()))
}

/// Writes JSON, picture and page.
fn write(directory: &Path, results: &Results) -> Result<(), String> {
    fs::create_dir_all(directory).map_err(|error| format!("{}: {error}", directory.display()))?;
    let path = |kind: &str| directory.join(format!("{FILE_NAME}.{kind}"));
    let page = path("md");
    let earlier = fs::read_to_string(&page).unwrap_or_default();
    let json = serde_json::to_string(results).map_err(|error| error.to_string())?;
    let files = [
        (path("json"), format!("{json}\n")),
        (path("svg"), picture::render(results)),
        (page, page::render(results, &earlier)),
    ];
    for (path, text) in files {
        fs::write(&path, text).map_err(|error| format!("{}: {error}", path.display()))?;
        eprintln!("written: {}", path.display());
    }
    Ok(())
}
