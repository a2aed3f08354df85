//! Opens the directory: checks that it is ours and of a format we know, and tunes RocksDB.
//!
//! Invariant: nothing in a directory is created or changed unless it is empty or carries our `FORMAT` file
//! with a version that this program knows. It knows nothing of rows.

use std::fs::{self, File};
use std::io::{self, ErrorKind as IoErrorKind, Write};
use std::path::{Path, PathBuf};

use rocksdb::{
    BlockBasedIndexType, BlockBasedOptions, Cache, ColumnFamilyDescriptor, DB, DBCompressionType,
    DBRecoveryMode, Env, ErrorKind, WriteBufferManager,
};

use super::store::{COUNTERS, LOG, LOG_BOUNDS};
use crate::contract::ReadError;

/// The on-disk format that this program writes, and the newest that it reads.
const FORMAT_VERSION: u32 = 1;
const FORMAT_FILE: &str = "FORMAT";
const FORMAT_DRAFT_FILE: &str = "FORMAT.new";
const FORMAT_PREFIX: &str = "graticule-kv ";

const MIB: usize = 1024 * 1024;
/// Most entries of a log are trimmed by then: streams show them for a day.
const LOG_KEPT_SECONDS: u32 = 25 * 60 * 60;

/// How to open a store. Cloning is cheap and shares the memory.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where blocks and memtables live. Stores with clones of one handle share it.
    pub memory: Memory,
    /// Most files that one store keeps open.
    pub open_files_max: i32,
    /// Commits are refused while fewer bytes are free on the device. What is buffered must still find room when it
    /// is flushed: a store that runs out of space in the middle of that is of no use until it is restarted.
    pub free_bytes_min: u64,
    /// The rows whose keys start with this are all kept in memory as well: few and small ones that are read all the
    /// time.
    pub resident_prefix: Option<Vec<u8>>,
}

impl Default for Options {
    /// 512 MiB of memory of its own, 512 files, 256 MiB that stay free.
    fn default() -> Options {
        Options {
            memory: Memory::new(512 * MIB),
            open_files_max: 512,
            free_bytes_min: 256 * MIB as u64,
            resident_prefix: None,
        }
    }
}

/// A handle on the memory of any number of stores: one budget for cached blocks, their indexes and filters,
/// and the memtables, which may take up to a quarter of it.
#[derive(Clone)]
pub struct Memory {
    cache: Cache,
    write_buffers: WriteBufferManager,
}

impl Memory {
    /// A budget of `bytes`.
    pub fn new(bytes: usize) -> Memory {
        let cache = Cache::new_hyper_clock_cache(bytes, 0);
        // No stalling in the manager: it would wait without end for a flush that a full disk prevents. Each
        // column family bounds its own memtables in any case.
        let write_buffers =
            WriteBufferManager::new_write_buffer_manager_with_cache(bytes / 4, false, cache.clone());
        Memory { cache, write_buffers }
    }

    /// Bytes in use, cached blocks included.
    pub fn used_bytes(&self) -> usize {
        self.cache.get_usage()
    }
}

impl std::fmt::Debug for Memory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Memory").field("used_bytes", &self.used_bytes()).finish_non_exhaustive()
    }
}

/// Why a directory could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// A process (perhaps this one) has the directory open.
    #[error("{path} is in use by another process; stop that process or choose another directory")]
    Locked {
        /// The directory.
        path: PathBuf,
    },
    /// The path, or a part of it, is something else than a directory.
    #[error("{path} is not a directory; choose a path that is a directory or does not exist yet")]
    NotADirectory {
        /// The directory that was asked for.
        path: PathBuf,
    },
    /// The directory holds files that are not ours.
    #[error("{path} holds files of something else; choose an empty directory or one made by graticule")]
    NotAStore {
        /// The directory.
        path: PathBuf,
    },
    /// Reading or writing is not allowed.
    #[error("no permission to use {path} ({detail}); make it readable and writable for this user")]
    NoPermission {
        /// The directory.
        path: PathBuf,
        /// What the system said.
        detail: String,
    },
    /// The device is full.
    #[error("no space left for {path} ({detail}); free some space on its device and start again")]
    DiskFull {
        /// The directory.
        path: PathBuf,
        /// What the system said.
        detail: String,
    },
    /// The directory was written by a newer program.
    #[error(
        "{path} has storage format {found}, and this version of graticule reads formats up to {known}; \
         start the version that wrote it or a newer one"
    )]
    NewerFormat {
        /// The directory.
        path: PathBuf,
        /// The format found.
        found: u32,
        /// The newest format that this program reads.
        known: u32,
    },
    /// Files are missing or do not hold what was written.
    #[error("the data in {path} is damaged ({detail}); restore it from a backup or another Region")]
    Damaged {
        /// The directory.
        path: PathBuf,
        /// What is wrong.
        detail: String,
    },
    /// The device or the system failed.
    #[error("{path} could not be opened ({detail}); check the device and start again")]
    Io {
        /// The directory.
        path: PathBuf,
        /// What the system said.
        detail: String,
    },
}

impl OpenError {
    pub(super) fn from_io(path: &Path, error: io::Error) -> OpenError {
        let (path, detail) = (path.to_owned(), error.to_string());
        match error.kind() {
            // Creating a directory where a file is says "already exists".
            IoErrorKind::NotADirectory | IoErrorKind::AlreadyExists => OpenError::NotADirectory { path },
            IoErrorKind::PermissionDenied | IoErrorKind::ReadOnlyFilesystem => {
                OpenError::NoPermission { path, detail }
            }
            IoErrorKind::StorageFull | IoErrorKind::QuotaExceeded => OpenError::DiskFull { path, detail },
            _ => OpenError::Io { path, detail },
        }
    }

    /// What could not be read right after opening.
    pub(super) fn from_read(path: &Path, error: &ReadError) -> OpenError {
        OpenError::Damaged { path: path.to_owned(), detail: error.to_string() }
    }

    /// RocksDB passes the cause on as text only.
    fn from_rocksdb(path: &Path, error: rocksdb::Error) -> OpenError {
        let (path, kind, detail) = (path.to_owned(), error.kind(), error.into_string());
        let says = |text: &str| detail.contains(text);
        if says("lock hold by current process")
            || (says("While lock file") && says("Resource temporarily unavailable"))
        {
            OpenError::Locked { path }
        } else if says("Permission denied") || says("Read-only file system") {
            OpenError::NoPermission { path, detail }
        } else if says("No space left") || says("Disk quota exceeded") {
            OpenError::DiskFull { path, detail }
        } else if kind == ErrorKind::Corruption {
            OpenError::Damaged { path, detail }
        } else {
            OpenError::Io { path, detail }
        }
    }
}

/// Opens or creates the database in `path`.
pub(super) fn open(path: &Path, options: &Options) -> Result<DB, OpenError> {
    let create = prepare_directory(path)?;
    let memory = &options.memory;
    let families = [
        ColumnFamilyDescriptor::new(rocksdb::DEFAULT_COLUMN_FAMILY_NAME, data_options(memory)),
        ColumnFamilyDescriptor::new(COUNTERS, small_rows_options(memory)),
        ColumnFamilyDescriptor::new(LOG, log_options(memory)),
        ColumnFamilyDescriptor::new(LOG_BOUNDS, small_rows_options(memory)),
    ];
    let database = database_options(options, create);
    DB::open_cf_descriptors(&database, path, families).map_err(|error| OpenError::from_rocksdb(path, error))
}

/// Checks or writes the format file; answers whether there is no database in the directory yet.
fn prepare_directory(path: &Path) -> Result<bool, OpenError> {
    let fail = |error| OpenError::from_io(path, error);
    fs::create_dir_all(path).map_err(fail)?;
    let mut names = Vec::new();
    for entry in fs::read_dir(path).map_err(fail)? {
        names.push(entry.map_err(fail)?.file_name().to_string_lossy().into_owned());
    }

    if names.iter().any(|name| name == FORMAT_FILE) {
        check_format(path)?;
    } else if names.iter().all(|name| name == FORMAT_DRAFT_FILE || name == "lost+found") {
        write_format(path).map_err(fail)?;
        return Ok(true);
    } else {
        return Err(OpenError::NotAStore { path: path.to_owned() });
    }

    // CURRENT comes first in a database's life, after it tables and logs. Without it RocksDB would begin anew
    // and sweep the rest away.
    let has_current = names.iter().any(|name| name == "CURRENT");
    let has_data = names.iter().any(|name| name.ends_with(".sst") || name.ends_with(".log"));
    if has_data && !has_current {
        let detail = "the file CURRENT is missing".to_owned();
        return Err(OpenError::Damaged { path: path.to_owned(), detail });
    }
    Ok(!has_current)
}

fn check_format(path: &Path) -> Result<(), OpenError> {
    let damaged = |detail: &str| OpenError::Damaged { path: path.to_owned(), detail: detail.to_owned() };
    let text = fs::read(path.join(FORMAT_FILE)).map_err(|error| OpenError::from_io(path, error))?;
    let found = str::from_utf8(&text).ok().and_then(|text| text.trim_end().strip_prefix(FORMAT_PREFIX));
    let found = found.and_then(|version| version.parse::<u32>().ok());
    match found {
        Some(FORMAT_VERSION) => Ok(()),
        Some(found) if found > FORMAT_VERSION => {
            Err(OpenError::NewerFormat { path: path.to_owned(), found, known: FORMAT_VERSION })
        }
        _ => Err(damaged("the file FORMAT is not readable")),
    }
}

/// Written aside, made durable, then renamed: a crash leaves no half of it.
fn write_format(path: &Path) -> io::Result<()> {
    let draft = path.join(FORMAT_DRAFT_FILE);
    let mut file = File::create(&draft)?;
    writeln!(file, "{FORMAT_PREFIX}{FORMAT_VERSION}")?;
    file.sync_all()?;
    fs::rename(draft, path.join(FORMAT_FILE))?;
    File::open(path)?.sync_all()?;
    match path.canonicalize()?.parent() {
        Some(parent) => File::open(parent)?.sync_all(),
        None => Ok(()),
    }
}

fn database_options(options: &Options, create: bool) -> rocksdb::Options {
    let mut database = rocksdb::Options::default();
    database.create_if_missing(create);
    // Also an old directory may lack one, if the process died while creating them.
    database.create_missing_column_families(true);
    database.set_write_buffer_manager(&options.memory.write_buffers);
    database.set_max_open_files(options.open_files_max);
    database.set_max_background_jobs(background_jobs());
    // A compaction takes a core for a second and nobody waits for it: requests go first. Where it lags behind all the
    // same, RocksDB slows the writers down. Flushes have threads of their own, of the usual priority.
    let mut threads = Env::new().expect("RocksDB has a default environment");
    threads.lower_thread_pool_cpu_priority();
    database.set_env(&threads);
    database.set_skip_stats_update_on_db_open(true);
    database.set_avoid_unnecessary_blocking_io(true);

    // After a power cut, the pages of the last, unacknowledged group may be on disk in any selection. Only
    // point-in-time recovery opens with that: it replays up to the first record that is not whole and stops.
    // Tolerating corrupt tails would refuse a bad checksum there, and replay later files after a torn one,
    // which leaves a hole. The price: rot in the middle of the log looks like a torn tail. A log file that is
    // missing or too short does not, since the manifest knows the synced size of all but the newest.
    database.set_wal_recovery_mode(DBRecoveryMode::PointInTime);
    database.set_track_and_verify_wals_in_manifest(true);
    // Bounds the replay after a crash, since a small column family may keep old log files alive.
    database.set_max_total_wal_size(128 * MIB as u64);
    // Spreads the write-back of big files, so that it does not pile up behind an fsync of the log.
    database.set_bytes_per_sync(MIB as u64);

    // RocksDB's own diary: in the directory, at most some 4 MiB.
    database.set_max_log_file_size(MIB);
    database.set_keep_log_file_num(4);
    database.set_stats_dump_period_sec(0);
    database.set_stats_persist_period_sec(0);
    database
}

fn background_jobs() -> i32 {
    std::thread::available_parallelism()
        .map_or(2, |cores| i32::try_from(cores.get()).map_or(8, |n| n.clamp(2, 8)))
}

/// Items and index entries: point reads of present and absent keys, short scans.
fn data_options(memory: &Memory) -> rocksdb::Options {
    let mut table = table_options(memory);
    table.set_bloom_filter(10.0, false);
    table.set_block_size(8 * 1024);
    let mut family = family_options(rocksdb::Options::default(), &table, 32 * MIB);
    // Files that are mostly tombstones (moved index entries, expired items) make scans slow: compact them.
    family.add_compact_on_deletion_collector_factory(8192, 4096, 0.5);
    family
}

/// Log entries: appended, read in order, dropped from the front. Nobody asks for one key, so no filters.
fn log_options(memory: &Memory) -> rocksdb::Options {
    let mut table = table_options(memory);
    table.set_block_size(32 * 1024);
    // RocksDB rewrites a file at the bottom as soon as no snapshot looks at it, in case it holds what a snapshot kept
    // alive. A log overwrites nothing: until its entries are trimmed, that is to write everything twice for nothing.
    let late = format!("bottommost_file_compaction_delay={LOG_KEPT_SECONDS}");
    let family = rocksdb::Options::default().get_options_from_string(late);
    family_options(family.expect("RocksDB knows its own option"), &table, 32 * MIB)
}

/// Few rows, each overwritten time and again.
fn small_rows_options(memory: &Memory) -> rocksdb::Options {
    let mut table = table_options(memory);
    table.set_bloom_filter(10.0, false);
    family_options(rocksdb::Options::default(), &table, 4 * MIB)
}

fn table_options(memory: &Memory) -> BlockBasedOptions {
    let mut table = BlockBasedOptions::default();
    table.set_block_cache(&memory.cache);
    // Indexes and filters count against the cache instead of growing with the data; cut into partitions, of
    // which only the tops are pinned.
    table.set_cache_index_and_filter_blocks(true);
    table.set_cache_index_and_filter_blocks_with_high_priority(true);
    table.set_pin_l0_filter_and_index_blocks_in_cache(true);
    table.set_pin_top_level_index_and_filter(true);
    table.set_index_type(BlockBasedIndexType::TwoLevelIndexSearch);
    table.set_partition_filters(true);
    table.set_metadata_block_size(4096);
    table.set_optimize_filters_for_memory(true);
    table
}

fn family_options(
    mut family: rocksdb::Options,
    table: &BlockBasedOptions,
    write_buffer_bytes: usize,
) -> rocksdb::Options {
    family.set_block_based_table_factory(table);
    family.set_compression_type(DBCompressionType::Lz4);
    family.set_write_buffer_size(write_buffer_bytes);
    family.set_max_write_buffer_number(3);
    family.set_level_compaction_dynamic_level_bytes(true);
    family
}
