//! dynoxide behind its own HTTP server: `HOST PORT [DATABASE FILE]`; without a file everything is in memory.

use std::error::Error;

use dynoxide::Database;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (host, port, database) = match arguments.as_slice() {
        [host, port] => (host, port, Database::memory()?),
        [host, port, file] => (host, port, Database::new(file)?),
        _ => return Err("usage: HOST PORT [DATABASE FILE]".into()),
    };
    // The runtime of its own program.
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(dynoxide::server::start(host, port.parse()?, database))?;
    Ok(())
}
