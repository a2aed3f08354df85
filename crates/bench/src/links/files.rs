//! Files that prove linked servers to each other, and the flags that name them.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use crate::process::temporary_directory;

/// The files. Dropping it removes them.
#[derive(Debug)]
pub(crate) struct LinkFiles(PathBuf);

impl Drop for LinkFiles {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.0) {
            eprintln!("{} is left behind: {error}", self.0.display());
        }
    }
}

impl LinkFiles {
    /// Has `binary` make them for a server in each of `regions`.
    pub(crate) fn make(binary: &Path, regions: &[&str]) -> Result<Self, String> {
        let files = Self(temporary_directory("links"));
        fs::create_dir(&files.0).map_err(|error| format!("cannot create {}: {error}", files.0.display()))?;
        let made = Command::new(binary)
            .args(["certificates", "--out"])
            .arg(&files.0)
            .args(regions.iter().flat_map(|region| ["--region", region]))
            .stdin(Stdio::null())
            .output()
            .map_err(|error| format!("cannot start {}: {error}", binary.display()))?;
        if !made.status.success() {
            let said = String::from_utf8_lossy(&made.stderr);
            return Err(format!("{} made no certificates: {said}", binary.display()));
        }
        Ok(files)
    }

    /// Everything that the server of `region` needs to be linked with its peers: Regions and where they listen.
    pub(crate) fn flags(&self, region: &str, listen: &str, peers: &[(&str, &str)]) -> Vec<String> {
        let file = |name: &str| self.0.join(name).display().to_string();
        let mut flags = vec![
            ("--region", region.to_owned()),
            ("--link-listen", listen.to_owned()),
            ("--link-ca", file("ca.pem")),
            ("--link-certificate", file(&format!("{region}.pem"))),
            ("--link-key", file(&format!("{region}-key.pem"))),
        ];
        flags.extend(peers.iter().map(|(peer, listen)| ("--peer", format!("{peer}={listen}"))));
        flags.into_iter().flat_map(|(flag, value)| [flag.to_owned(), value]).collect()
    }
}
