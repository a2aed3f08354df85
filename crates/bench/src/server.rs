//! Graticule's own server as a process, and what an acknowledged write means as it was started.

use std::path::Path;

use crate::{
    http::Endpoint,
    machine,
    process::{Launch, ServerProcess},
    suite::signer::{ACCESS_KEY, SECRET_KEY},
};

const IN_MEMORY: &str = "--in-memory";
/// The file with access keys, in the server's directory.
const KEYS: &str = "keys";

/// Whose requests a server answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signatures {
    /// Those with a right signature of the benchmark.
    Verified,
    /// Anybody's.
    Believed,
}

/// A server that this process started. Dropping it kills the process and removes its files.
#[derive(Debug)]
pub struct OwnServer {
    process: ServerProcess,
    in_memory: bool,
}

impl OwnServer {
    /// Starts `binary serve` on a free port and a new directory under the system's temporary directory, and
    /// waits until it answers. `name` tells apart what one run starts.
    pub async fn start(
        binary: &Path,
        name: &str,
        signatures: Signatures,
        extra: &[String],
    ) -> Result<Self, String> {
        let in_memory = extra.iter().any(|argument| argument == IN_MEMORY);
        let extra: Vec<String> = extra.iter().filter(|argument| *argument != IN_MEMORY).cloned().collect();
        let process = ServerProcess::start(launch(binary, name, in_memory, signatures, &extra)).await?;
        Ok(Self { process, in_memory })
    }

    /// Where it listens.
    pub fn endpoint(&self) -> &Endpoint {
        self.process.endpoint()
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// What an acknowledged write means as it was started.
    pub fn durability(&self) -> &'static str {
        if self.in_memory {
            "none: --in-memory"
        } else {
            "the server's default for --data-dir: a write is on disk (fsync, shared by group commit) before its answer"
        }
    }

    /// Its directory.
    pub fn directory(&self) -> &Path {
        self.process.directory()
    }

    /// The disk below its data.
    pub fn storage(&self) -> String {
        machine::storage(self.directory())
    }

    /// Asks the server to end, waits, removes its files. An error if it had ended before or ended badly.
    pub async fn stop(self) -> Result<(), String> {
        self.process.stop().await
    }
}

/// How the server is started; `extra` comes last.
pub(crate) fn launch(
    binary: &Path,
    name: &str,
    in_memory: bool,
    signatures: Signatures,
    extra: &[String],
) -> Launch {
    let mut arguments = vec!["serve".to_owned(), "--listen".to_owned(), "{host}:{port}".to_owned()];
    if in_memory {
        arguments.push(IN_MEMORY.to_owned());
    } else {
        arguments.extend(["--data-dir".to_owned(), "{directory}/data".to_owned()]);
    }
    let mut files = Vec::new();
    if signatures == Signatures::Verified {
        arguments.extend(["--credentials-file".to_owned(), format!("{{directory}}/{KEYS}")]);
        files.push((KEYS, format!("{ACCESS_KEY} {SECRET_KEY}\n")));
    }
    arguments.extend_from_slice(extra);
    Launch { name: name.to_owned(), program: binary.to_owned(), arguments, files }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_are_in_memory_or_have_a_directory_of_their_own() {
        let arguments = |in_memory, signatures| {
            launch(Path::new("graticule"), "name", in_memory, signatures, &[]).arguments.join(" ")
        };
        assert_eq!(arguments(true, Signatures::Believed), "serve --listen {host}:{port} --in-memory");
        assert_eq!(
            arguments(false, Signatures::Verified),
            "serve --listen {host}:{port} --data-dir {directory}/data --credentials-file {directory}/keys"
        );
    }
}
