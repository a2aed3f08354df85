//! A server as a process: started with a directory of its own on a free port, watched, stopped.
//!
//! Knows nothing of what kind of server it is, except how it is told to end: SIGTERM.

use std::{
    fs, io,
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};

use crate::http::{Connection, Endpoint};

const START_WAIT: Duration = Duration::from_secs(30);
const STOP_WAIT: Duration = Duration::from_secs(20);
const LOG_TAIL_LINES: usize = 20;

/// What to start.
#[derive(Clone, Debug)]
pub struct Launch {
    /// Tells apart what one run starts.
    pub name: String,
    /// The program.
    pub program: PathBuf,
    /// Its arguments, in which `{host}`, `{port}` and `{directory}` stand for what is found.
    pub arguments: Vec<String>,
    /// Names and contents of files that are in its directory before it starts.
    pub files: Vec<(&'static str, String)>,
}

/// A server that this process started. Dropping it kills the process and removes its files.
#[derive(Debug)]
pub struct ServerProcess {
    child: Child,
    launch: Launch,
    directory: PathBuf,
    endpoint: Endpoint,
    command_line: String,
    start_time: Duration,
}

impl ServerProcess {
    /// Starts it on a free port and a new directory under the system's temporary directory, and waits until it answers.
    pub async fn start(launch: Launch) -> Result<Self, String> {
        let directory = temporary_directory(&launch.name);
        fs::create_dir(&directory)
            .map_err(|error| format!("cannot create {}: {error}", directory.display()))?;
        let started = Instant::now();
        let spawned = free_address().map_err(|error| format!("no free port: {error}")).and_then(|address| {
            for (name, contents) in &launch.files {
                let path = directory.join(name);
                fs::write(&path, contents).map_err(|error| format!("{}: {error}", path.display()))?;
            }
            let child = spawn(&launch, &directory, address)?;
            Ok((child, address))
        });
        let ((child, command_line), address) = match spawned {
            Ok(spawned) => spawned,
            Err(error) => {
                let _ = fs::remove_dir_all(&directory);
                return Err(error);
            }
        };
        let endpoint = Endpoint::parse(&format!("http://{address}"))?;
        let start_time = Duration::ZERO;
        let mut server = Self { child, launch, directory, endpoint, command_line, start_time };
        server.start_time = server.wait_for_answer(started).await?;
        Ok(server)
    }

    /// Ends the process and starts it anew on the same directory; how long it took until it answered.
    pub async fn restart(&mut self) -> Result<Duration, String> {
        self.end().await?;
        let address = free_address().map_err(|error| format!("no free port: {error}"))?;
        let started = Instant::now();
        (self.child, self.command_line) = spawn(&self.launch, &self.directory, address)?;
        self.endpoint = Endpoint::parse(&format!("http://{address}"))?;
        self.start_time = self.wait_for_answer(started).await?;
        Ok(self.start_time)
    }

    async fn wait_for_answer(&mut self, started: Instant) -> Result<Duration, String> {
        let limit = started + START_WAIT;
        loop {
            if let Some(status) = self.ended()? {
                return Err(self.complaint(&format!("ended at its start ({status})")));
            }
            let last = match tokio::time::timeout_at(limit.into(), first_answer(&self.endpoint)).await {
                Ok(Ok(())) => return Ok(started.elapsed()),
                Ok(Err(error)) => error,
                Err(_) => "no answer".to_owned(),
            };
            if Instant::now() >= limit {
                let waited = START_WAIT.as_secs();
                return Err(self.complaint(&format!("gave no answer after {waited} s: {last}")));
            }
            // Short, since the time until the first answer is one of the figures.
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    /// Where it listens.
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Its directory.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// As it was started.
    pub fn command_line(&self) -> &str {
        &self.command_line
    }

    /// From its start until its first answer.
    pub fn start_time(&self) -> Duration {
        self.start_time
    }

    /// Asks the server to end (SIGTERM), waits, removes its files. An error if it had ended before, had to be
    /// killed or reported a failure.
    pub async fn stop(mut self) -> Result<(), String> {
        self.end().await
    }

    async fn end(&mut self) -> Result<(), String> {
        if let Some(status) = self.ended()? {
            return Err(self.complaint(&format!("ended during the run ({status})")));
        }
        // The shell's own `kill`: there on every system, and no unsafe code for one signal.
        let kill = format!("kill -TERM {}", self.child.id());
        Command::new("sh").args(["-c", &kill]).status().map_err(|error| format!("{kill}: {error}"))?;
        let limit = Instant::now() + STOP_WAIT;
        loop {
            match self.ended()? {
                Some(status) if asked_to_end(status) => return Ok(()),
                Some(status) => return Err(self.complaint(&format!("ended badly ({status})"))),
                None if Instant::now() > limit => {
                    let waited = STOP_WAIT.as_secs();
                    return Err(self.complaint(&format!("ignored SIGTERM for {waited} s")));
                }
                None => tokio::time::sleep(Duration::from_millis(20)).await,
            }
        }
    }

    fn ended(&mut self) -> Result<Option<ExitStatus>, String> {
        self.child.try_wait().map_err(|error| error.to_string())
    }

    fn complaint(&self, what: &str) -> String {
        let log = fs::read(self.directory.join("log")).unwrap_or_default();
        let log = String::from_utf8_lossy(&log);
        let lines: Vec<_> = log.lines().collect();
        let tail = lines[lines.len().saturating_sub(LOG_TAIL_LINES)..].join("\n");
        format!("the server {} {what}; its log:\n{tail}", self.launch.name)
    }
}

impl Drop for ServerProcess {
    fn drop(&mut self) {
        // Both do nothing to a process that has ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if let Err(error) = fs::remove_dir_all(&self.directory) {
            eprintln!("{} is left behind: {error}", self.directory.display());
        }
    }
}

fn spawn(launch: &Launch, directory: &Path, address: SocketAddr) -> Result<(Child, String), String> {
    let program = &launch.program;
    let failed = |error: io::Error| format!("cannot start {}: {error}", program.display());
    let (host, port, place) =
        (address.ip().to_string(), address.port().to_string(), directory.display().to_string());
    let filled = |argument: &String| {
        argument.replace("{host}", &host).replace("{port}", &port).replace("{directory}", &place)
    };
    let arguments: Vec<String> = launch.arguments.iter().map(filled).collect();
    let log = fs::File::create(directory.join("log")).map_err(failed)?;
    let child = Command::new(program)
        .args(&arguments)
        .stdin(Stdio::null())
        .stdout(log.try_clone().map_err(failed)?)
        .stderr(log)
        .spawn()
        .map_err(failed)?;
    Ok((child, format!("{} {}", program.display(), arguments.join(" "))))
}

/// Whether a process ended as SIGTERM makes it end: with success, or by the signal where it has no handler.
fn asked_to_end(status: ExitStatus) -> bool {
    use std::os::unix::process::ExitStatusExt as _;
    status.success() || status.signal() == Some(15)
}

/// Where files of this run are put that belong to `name`. Not made yet.
pub fn temporary_directory(name: &str) -> PathBuf {
    std::env::temp_dir().join(format!("graticule-bench-{}-{name}", std::process::id()))
}

/// An address on loopback on which nobody listens just now.
pub fn free_address() -> io::Result<SocketAddr> {
    TcpListener::bind(("127.0.0.1", 0))?.local_addr()
}

/// One request that every kind of server answers in some way.
async fn first_answer(endpoint: &Endpoint) -> Result<(), String> {
    let request =
        format!("GET /health HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", endpoint.authority());
    let mut connection = Connection::open(endpoint).await?;
    connection.exchange(request.as_bytes()).await.map(drop)
}
