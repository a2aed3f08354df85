//! What the kernel says that processes and disks have used: CPU time, memory, bytes on disk, flushes.
//!
//! Everything is read from /proc and /sys; where they are missing, figures are missing too and nothing fails.

use std::{fs, os::unix::fs::MetadataExt, path::Path, time::Duration};

/// Linux reports CPU time in hundredths of a second on every architecture it runs on.
const CLOCK_TICKS_PER_SECOND: f64 = 100.0;
/// Of the figures in /sys/dev/block/*/stat, the one that counts flushes.
const FLUSHES_FIELD: usize = 15;

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

/// Resident memory of a process in bytes: now, and the most it ever was.
pub fn memory_of(pid: u32) -> Option<(u64, u64)> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let bytes_of = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok().map(|kib| kib << 10)
    };
    Some((bytes_of("VmRSS:")?, bytes_of("VmHWM:")?))
}

/// Bytes that the files below a directory take on disk.
pub fn bytes_on_disk(path: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(path) else { return 0 };
    let sizes = entries.flatten().map(|entry| match entry.metadata() {
        Ok(metadata) if metadata.is_dir() => bytes_on_disk(&entry.path()),
        Ok(metadata) => metadata.blocks() * 512,
        Err(_) => 0, // a file that was removed meanwhile
    });
    sizes.sum()
}

/// Flushes that the disk below `path` has completed, whoever asked for them: an fsync ends with one.
pub fn disk_flushes(path: &Path) -> Option<u64> {
    let device = fs::metadata(path).ok()?.dev();
    // As the kernel packs them for programs: 12 bits of major number in the middle, minor around them.
    let (major, minor) = ((device >> 8) & 0xfff, (device & 0xff) | ((device >> 12) & 0xfff00));
    let stat = fs::read_to_string(format!("/sys/dev/block/{major}:{minor}/stat")).ok()?;
    stat.split_ascii_whitespace().nth(FLUSHES_FIELD)?.parse().ok()
}
