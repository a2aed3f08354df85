//! The access keys of `--credentials-file`: one a line, its id and its secret; read again when the file changes.
//!
//! A file that cannot be used leaves the keys as they are, and what is wrong with it is said once. Messages name file and
//! line and never repeat what stands there: a secret could be in the wrong place.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use graticule_env::Env;
use graticule_server::{AccessKeys, Secret};
use parking_lot::Mutex;

const READ_EVERY: Duration = Duration::from_secs(2);
const FILE_BYTES_MAX: u64 = 1024 * 1024;

/// Why access keys cannot be used. Every message ends with what to do next.
#[derive(Debug, thiserror::Error)]
pub(crate) enum KeysError {
    #[error(
        "the credentials file {} cannot be read: {source}; give a readable file with --credentials-file",
        path.display()
    )]
    File { path: PathBuf, source: io::Error },
    #[error("{}, line {line}: {reason}; write: ACCESS_KEY_ID SECRET_ACCESS_KEY", path.display())]
    Line { path: PathBuf, line: usize, reason: LineError },
    #[error("{} holds no access key; write one a line: ACCESS_KEY_ID SECRET_ACCESS_KEY", .0.display())]
    Nothing(PathBuf),
}

/// What is wrong with a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum LineError {
    #[error("it is not two words")]
    Words,
    #[error("there is something else than printable ASCII in it")]
    Characters,
    #[error("an access key id has no slash, comma or equals sign")]
    Id,
    #[error("this access key id was on an earlier line")]
    Again,
}

/// The keys of a file.
pub(crate) struct KeyFile {
    path: PathBuf,
    keys: Arc<AccessKeys>,
    /// What the keys in use were read from.
    in_use: Mutex<Vec<u8>>,
}

impl KeyFile {
    /// Reads a file.
    pub(crate) fn read(path: &Path) -> Result<KeyFile, KeysError> {
        let contents = contents(path)?;
        let keys = Arc::new(AccessKeys::new(parse(path, &contents)?));
        Ok(KeyFile { path: path.to_owned(), keys, in_use: Mutex::new(contents) })
    }

    /// The keys in use, now and later.
    pub(crate) fn keys(&self) -> Arc<AccessKeys> {
        Arc::clone(&self.keys)
    }

    /// Looks at the file now and then, for as long as the process lives.
    pub(crate) async fn watch(self: Arc<KeyFile>, env: Env) {
        let (mut seen, mut trouble) = (None, None);
        loop {
            env.sleep(READ_EVERY).await;
            // What is still being written is looked at next time.
            let outcome = match contents(&self.path) {
                Ok(now) if seen.as_ref() == Some(&now) => self.take(now),
                Ok(now) => {
                    seen = Some(now);
                    continue;
                }
                Err(error) => Err(error),
            };
            let now = outcome.err().map(|error| error.to_string());
            if let Some(error) = now.as_ref().filter(|_| now != trouble) {
                tracing::error!(error, "new access keys cannot be used; the old ones stay in use");
            }
            trouble = now;
        }
    }

    fn take(&self, contents: Vec<u8>) -> Result<(), KeysError> {
        let mut in_use = self.in_use.lock();
        if contents != *in_use {
            let secrets = parse(&self.path, &contents)?;
            let count = secrets.len();
            self.keys.replace(secrets);
            *in_use = contents;
            tracing::info!(file = %self.path.display(), count, "new access keys are in use");
        }
        Ok(())
    }
}

fn contents(path: &Path) -> Result<Vec<u8>, KeysError> {
    let failed = |source| KeysError::File { path: path.to_owned(), source };
    if fs::metadata(path).map_err(failed)?.len() > FILE_BYTES_MAX {
        return Err(failed(io::Error::other(format!("it is longer than {FILE_BYTES_MAX} bytes"))));
    }
    fs::read(path).map_err(failed)
}

fn parse(path: &Path, contents: &[u8]) -> Result<BTreeMap<String, Secret>, KeysError> {
    let mut secrets = BTreeMap::new();
    for (at, line) in contents.split(|byte| *byte == b'\n').enumerate() {
        let wrong = |reason| KeysError::Line { path: path.to_owned(), line: at + 1, reason };
        let line = line.trim_ascii();
        if line.is_empty() || line.starts_with(b"#") {
            continue;
        }
        let text = std::str::from_utf8(line).ok();
        let text = text.filter(|text| text.bytes().all(|byte| matches!(byte, b'\t' | b' '..=b'~')));
        let mut words = text.ok_or_else(|| wrong(LineError::Characters))?.split_ascii_whitespace();
        let (Some(id), Some(secret), None) = (words.next(), words.next(), words.next()) else {
            return Err(wrong(LineError::Words));
        };
        if id.contains(['/', ',', '=']) {
            return Err(wrong(LineError::Id));
        }
        if secrets.insert(id.to_owned(), Secret::new(secret)).is_some() {
            return Err(wrong(LineError::Again));
        }
    }
    if secrets.is_empty() { Err(KeysError::Nothing(path.to_owned())) } else { Ok(secrets) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(contents: &str) -> Result<Vec<String>, String> {
        let secrets = parse(Path::new("keys"), contents.as_bytes());
        secrets.map(|secrets| secrets.into_keys().collect()).map_err(|error| error.to_string())
    }

    #[test]
    fn one_key_a_line() {
        let text = "# who may ask\n\nBKEY secret/with+all=kinds#\r\n  AKEY\t another \n";
        assert_eq!(parsed(text).unwrap(), ["AKEY", "BKEY"]);
        assert_eq!(parsed("A b").unwrap(), ["A"]);
    }

    #[test]
    fn errors_name_file_and_line_and_no_secret() {
        for (text, reason) in [
            ("A sesame\nsesame", "keys, line 2: it is not two words"),
            ("A sesame # mine", "keys, line 1: it is not two words"),
            ("\nA sésame", "keys, line 2: there is something else than printable ASCII in it"),
            ("A,B sesame", "keys, line 1: an access key id has no slash"),
            ("A=sesame\t=", "keys, line 1: an access key id has no slash"),
            ("A sesame\nA sesame", "keys, line 2: this access key id was on an earlier line"),
            ("# A sesame\n", "keys holds no access key"),
            ("", "keys holds no access key"),
        ] {
            let error = parsed(text).unwrap_err();
            assert!(error.starts_with(reason), "{text:?}: {error}");
            assert!(
                error.contains("ACCESS_KEY_ID SECRET_ACCESS_KEY") && !error.contains("sesame"),
                "{error}"
            );
        }
    }
}
