//! The server under load as a process: started on a directory of its own, watched, stopped; and what the machine
//! under it is.

use std::{
    fs, io,
    io::Write as _,
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use crate::http::{Connection, Endpoint};

/// Linux reports CPU time in hundredths of a second on every architecture it runs on.
const CLOCK_TICKS_PER_SECOND: f64 = 100.0;
const START_WAIT: Duration = Duration::from_secs(30);
const STOP_WAIT: Duration = Duration::from_secs(20);
const LOG_TAIL_LINES: usize = 20;
const FSYNC_PROBES: usize = 50;

/// A server that this process started. Dropping it kills the process and removes its files.
#[derive(Debug)]
pub struct OwnServer {
    child: Child,
    directory: PathBuf,
    endpoint: Endpoint,
    command_line: String,
    in_memory: bool,
}

impl OwnServer {
    /// Starts `binary serve` on a free port and a new directory under the system's temporary directory, and
    /// waits until it is healthy. `name` tells apart what one run starts.
    pub async fn start(binary: &Path, name: &str, extra: &[String]) -> Result<Self, String> {
        let directory = temporary_directory(name);
        fs::create_dir(&directory)
            .map_err(|error| format!("cannot create {}: {error}", directory.display()))?;
        let started = Self::spawn(binary, extra, &directory);
        if started.is_err() {
            let _ = fs::remove_dir_all(&directory);
        }
        let mut server = started?;
        server.wait_healthy().await?;
        Ok(server)
    }

    fn spawn(binary: &Path, extra: &[String], directory: &Path) -> Result<Self, String> {
        let describe = |error: io::Error| format!("cannot start {}: {error}", binary.display());
        let address = free_address().map_err(describe)?;
        let in_memory = extra.iter().any(|argument| argument == "--in-memory");
        let mut arguments = vec!["serve".to_owned(), "--listen".to_owned(), address.to_string()];
        if !in_memory {
            arguments.extend(["--data-dir".to_owned(), directory.join("data").display().to_string()]);
        }
        arguments.extend_from_slice(extra);
        let log = fs::File::create(directory.join("log")).map_err(describe)?;
        let child = Command::new(binary)
            .args(&arguments)
            .stdin(Stdio::null())
            .stdout(log.try_clone().map_err(describe)?)
            .stderr(log)
            .spawn()
            .map_err(|error| {
                format!("cannot start {}: {error}; build it, or name it with --binary", binary.display())
            })?;
        Ok(Self {
            child,
            directory: directory.to_owned(),
            endpoint: Endpoint::parse(&format!("http://{address}"))?,
            command_line: format!("{} {}", binary.display(), arguments.join(" ")),
            in_memory,
        })
    }

    async fn wait_healthy(&mut self) -> Result<(), String> {
        let limit = Instant::now() + START_WAIT;
        loop {
            if let Some(status) = self.child.try_wait().map_err(|error| error.to_string())? {
                return Err(format!(
                    "the server ended at its start ({status}); its log:\n{}",
                    self.log_tail()
                ));
            }
            let last = match tokio::time::timeout_at(limit.into(), health(&self.endpoint)).await {
                Ok(Ok(())) => return Ok(()),
                Ok(Err(error)) => error,
                Err(_) => "no answer".to_owned(),
            };
            if Instant::now() >= limit {
                let waited = START_WAIT.as_secs();
                let log = self.log_tail();
                return Err(format!("the server was not healthy after {waited} s: {last}; its log:\n{log}"));
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
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

    /// As it was started.
    pub fn command_line(&self) -> &str {
        &self.command_line
    }

    /// What an acknowledged write means as it was started.
    pub fn durability(&self) -> &'static str {
        if self.in_memory {
            "none: --in-memory"
        } else {
            "the server's default for --data-dir: a write is on disk (fsync, shared by group commit) before its answer"
        }
    }

    /// The disk below its data.
    pub fn storage(&self) -> String {
        let file_system = file_system_of(&self.directory).unwrap_or_else(|| "unknown file system".to_owned());
        let probe = match fsync_probe(&self.directory) {
            Ok(median) => format!("4 KiB write + fdatasync here: p50 {:.3} ms", median.as_secs_f64() * 1e3),
            Err(error) => format!("fdatasync could not be probed: {error}"),
        };
        let hint = if matches!(file_system.as_str(), "tmpfs" | "ramfs") {
            "; WARNING: memory, not a disk; point TMPDIR at a disk"
        } else {
            ""
        };
        format!("{} on {file_system}; {probe}{hint}", self.directory.display())
    }

    /// Asks the server to end (SIGTERM), waits, removes its files. An error if it had ended before, had to be
    /// killed or reported a failure.
    pub async fn stop(mut self) -> Result<(), String> {
        if let Some(status) = self.child.try_wait().map_err(|error| error.to_string())? {
            return Err(format!("the server ended during the run ({status}); its log:\n{}", self.log_tail()));
        }
        // The shell's own `kill`: there on every system, and no unsafe code for one signal.
        let kill = format!("kill -TERM {}", self.child.id());
        Command::new("sh").args(["-c", &kill]).status().map_err(|error| format!("{kill}: {error}"))?;
        let limit = Instant::now() + STOP_WAIT;
        loop {
            match self.child.try_wait().map_err(|error| error.to_string())? {
                Some(status) if status.success() => return Ok(()),
                Some(status) => {
                    return Err(format!("the server ended badly ({status}); its log:\n{}", self.log_tail()));
                }
                None if Instant::now() > limit => {
                    let waited = STOP_WAIT.as_secs();
                    return Err(format!("the server ignored SIGTERM for {waited} s and was killed"));
                }
                None => tokio::time::sleep(Duration::from_millis(20)).await,
            }
        }
    }

    fn log_tail(&self) -> String {
        let log = fs::read(self.directory.join("log")).unwrap_or_default();
        let log = String::from_utf8_lossy(&log);
        let lines: Vec<_> = log.lines().collect();
        lines[lines.len().saturating_sub(LOG_TAIL_LINES)..].join("\n")
    }
}

impl Drop for OwnServer {
    fn drop(&mut self) {
        // Both do nothing to a process that has ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if let Err(error) = fs::remove_dir_all(&self.directory) {
            eprintln!("{} is left behind: {error}", self.directory.display());
        }
    }
}

/// Where files of this run are put that belong to `name`. Not made yet.
pub fn temporary_directory(name: &str) -> PathBuf {
    std::env::temp_dir().join(format!("graticule-bench-{}-{name}", std::process::id()))
}

/// An address on loopback on which nobody listens just now.
pub fn free_address() -> io::Result<SocketAddr> {
    TcpListener::bind(("127.0.0.1", 0))?.local_addr()
}

/// One `GET /health`.
pub async fn health(endpoint: &Endpoint) -> Result<(), String> {
    let request =
        format!("GET /health HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", endpoint.authority());
    let mut connection = Connection::open(endpoint).await?;
    let answer = connection.exchange(request.as_bytes()).await?;
    if answer.status == 200 { Ok(()) } else { Err(format!("GET /health: {}", answer.describe())) }
}

/// CPU time that servers and benchmark have used so far.
#[derive(Clone, Copy, Debug)]
pub struct CpuReading {
    server: Option<Duration>,
    bench: Option<Duration>,
}

/// CPU time that servers and benchmark used in a span.
#[derive(Clone, Copy, Debug)]
pub struct CpuUsed {
    /// Of all servers together; `None` if no process is known.
    pub server: Option<Duration>,
    /// `None` where there is no /proc.
    pub bench: Option<Duration>,
}

impl CpuUsed {
    /// Where it is told elsewhere.
    pub const UNKNOWN: CpuUsed = CpuUsed { server: None, bench: None };
}

impl CpuReading {
    /// Reads the clocks of the servers `pids` and of this process.
    pub fn take(pids: &[u32]) -> Self {
        let servers = pids.iter().map(|pid| process_cpu(&pid.to_string())).sum::<Option<Duration>>();
        Self { server: servers.filter(|_| !pids.is_empty()), bench: process_cpu("self") }
    }

    /// What was used between `earlier` and this reading.
    pub fn since(&self, earlier: &Self) -> CpuUsed {
        let used = |now: Option<Duration>, then: Option<Duration>| Some(now?.saturating_sub(then?));
        CpuUsed { server: used(self.server, earlier.server), bench: used(self.bench, earlier.bench) }
    }
}

/// User and system time of all threads of a process.
fn process_cpu(pid: &str) -> Option<Duration> {
    parse_stat(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

/// utime + stime of a line of /proc/PID/stat, whose second field may contain spaces and parentheses.
pub fn parse_stat(stat: &str) -> Option<Duration> {
    let (_, after_name) = stat.rsplit_once(')')?;
    let mut fields = after_name.split_ascii_whitespace().skip(11);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    Some(Duration::from_secs_f64((user + system) as f64 / CLOCK_TICKS_PER_SECOND))
}

/// The command line of a running process.
pub fn command_line_of(pid: u32) -> Option<String> {
    let bytes = fs::read(format!("/proc/{pid}/cmdline")).ok()?;
    let text = String::from_utf8_lossy(&bytes).replace('\0', " ");
    Some(text.trim_end().to_owned())
}

/// Cores and CPU model.
pub fn machine() -> String {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(':'))
        .map_or("unknown CPU", |(_, model)| model.trim());
    format!("{cores} cores, {model}")
}

/// The type of the file system that holds `path`: the longest mount point that is a prefix of it.
fn file_system_of(path: &Path) -> Option<String> {
    let path = path.canonicalize().ok()?;
    let mounts = fs::read_to_string("/proc/mounts").ok()?;
    mounts
        .lines()
        .filter_map(|line| {
            let mut fields = line.split(' ').skip(1);
            Some((fields.next()?, fields.next()?))
        })
        .filter(|(mount_point, _)| path.starts_with(mount_point))
        .max_by_key(|(mount_point, _)| mount_point.len())
        .map(|(_, kind)| kind.to_owned())
}

/// The median of a few durable writes, to tell a disk from a promise.
fn fsync_probe(directory: &Path) -> io::Result<Duration> {
    let path = directory.join("fsync-probe");
    let mut file = fs::File::create(&path)?;
    let mut spans = Vec::with_capacity(FSYNC_PROBES);
    for _ in 0..FSYNC_PROBES {
        let started = Instant::now();
        file.write_all(&[0x5a; 4096])?;
        file.sync_data()?;
        spans.push(started.elapsed());
    }
    fs::remove_file(&path)?;
    spans.sort_unstable();
    Ok(spans[spans.len() / 2])
}
