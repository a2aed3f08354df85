//! What a run was made on: processor, memory, kernel, disk.

use std::{
    fs, io,
    io::Write as _,
    path::Path,
    time::{Duration, Instant},
};

const FSYNC_PROBES: usize = 50;

/// Kernel and memory.
pub fn system() -> String {
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let memory = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let gib = memory
        .lines()
        .find_map(|line| {
            line.strip_prefix("MemTotal:")?.trim().strip_suffix(" kB")?.trim().parse::<f64>().ok()
        })
        .map_or_else(
            || "unknown memory".to_owned(),
            |kib| format!("{:.0} GiB of memory", kib / f64::from(1 << 20)),
        );
    format!("Linux {}, {gib}", kernel.trim())
}

/// How busy the machine is with whatever else: what ran or waited to run, on average of the last minute and five.
pub fn load() -> String {
    let loads = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let mut loads = loads.split(' ');
    match (loads.next(), loads.next()) {
        (Some(one), Some(five)) if !one.is_empty() => {
            format!("load average before the run: {one} over a minute, {five} over five")
        }
        _ => "unknown".to_owned(),
    }
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
pub fn file_system_of(path: &Path) -> Option<String> {
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
pub fn fsync_probe(directory: &Path) -> io::Result<Duration> {
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

/// The disk below a directory, and how long it takes to write there for good.
pub fn storage(directory: &Path) -> String {
    let file_system = file_system_of(directory).unwrap_or_else(|| "unknown file system".to_owned());
    let probe = match fsync_probe(directory) {
        Ok(median) => format!("4 KiB write + fdatasync here: p50 {:.3} ms", median.as_secs_f64() * 1e3),
        Err(error) => format!("fdatasync could not be probed: {error}"),
    };
    let hint = if matches!(file_system.as_str(), "tmpfs" | "ramfs") {
        "; WARNING: memory, not a disk; point TMPDIR at a disk"
    } else {
        ""
    };
    format!("{} on {file_system}; {probe}{hint}", directory.display())
}
