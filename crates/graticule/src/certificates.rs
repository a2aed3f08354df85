//! `graticule certificates`: a CA and a certificate per server, so that servers of different Regions can prove themselves.
//!
//! Nothing but files comes and goes: what is made is checked as a server would check it. Files are replaced whole, and
//! only their owner can read them.

use std::{
    fs,
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    time::Duration,
};

use graticule_env::Env;
use graticule_replication::tcp::{CredentialFiles, Credentials, CredentialsError, link_name};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, date_time_ymd,
};

use crate::cli::{CertificatesFlags, ServerRegions};

/// A CA outlives many generations of certificates.
const CA_DAYS: u32 = 3650;
/// Clocks differ a little: certificates are valid from a while ago.
const BACKDATED: Duration = Duration::from_secs(3600);
const CA_NAME: &str = "Graticule links";

/// Why there are no certificates. Every message ends with what to do next.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CertificatesError {
    #[error("{} cannot be {done}: {source}; choose another directory with --out, or make it accessible", path.display())]
    File { path: PathBuf, done: &'static str, source: io::Error },
    #[error("there is {} but not {}; restore it, or make a new CA with --new-ca", found.display(), missing.display())]
    HalfCa { found: PathBuf, missing: PathBuf },
    #[error("{} is not the private key of a CA: {reason}; restore it, or make a new CA with --new-ca", path.display())]
    CaKey { path: PathBuf, reason: String },
    #[error("a certificate cannot be made: {0}; give Regions by their names, such as us-east-1")]
    Make(#[from] rcgen::Error),
    #[error("what was made does not work: {0}")]
    Check(#[from] CredentialsError),
}

/// Makes what is asked for and says where it is.
pub(crate) fn run(flags: &CertificatesFlags) -> Result<(), CertificatesError> {
    let env = Env::real();
    fs::create_dir_all(&flags.out).map_err(|source| CertificatesError::File {
        path: flags.out.clone(),
        done: "made",
        source,
    })?;
    let authority = authority(&env, &flags.out, flags.new_ca)?;
    let mut out = io::stdout().lock();
    for server in &flags.servers {
        let files = make(&env, &flags.out, &authority, server, flags.days)?;
        let names: Vec<&str> = server.0.iter().map(|region| region.as_str()).collect();
        // Nobody may be reading; the files are there all the same.
        let _ = writeln!(
            out,
            "{}: --link-ca {} --link-certificate {} --link-key {}",
            names.join(", "),
            files.ca.display(),
            files.certificate.display(),
            files.key.display()
        );
    }
    Ok(())
}

/// The CA of a directory: the one that is there, or a new one.
fn authority(env: &Env, out: &Path, new: bool) -> Result<Issuer<'static, KeyPair>, CertificatesError> {
    let (certificate_path, key_path) = (out.join("ca.pem"), out.join("ca-key.pem"));
    let (old, key) = (read(&certificate_path)?, read(&key_path)?);
    let mut params = params(env, CA_DAYS);
    params.distinguished_name.push(DnType::CommonName, CA_NAME);
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    if !new {
        match (&old, &key) {
            (Some(_), Some(key)) => {
                let key = KeyPair::from_pem(key).map_err(|error| CertificatesError::CaKey {
                    path: key_path,
                    reason: error.to_string(),
                })?;
                return Ok(Issuer::new(params, key));
            }
            (Some(_), None) => {
                return Err(CertificatesError::HalfCa { found: certificate_path, missing: key_path });
            }
            (None, Some(_)) => {
                return Err(CertificatesError::HalfCa { found: key_path, missing: certificate_path });
            }
            (None, None) => {}
        }
    }
    let key = KeyPair::generate()?;
    let certificate = params.self_signed(&key)?;
    // Servers go on believing the old CA until everybody has a certificate of the new one.
    let all = certificate.pem() + &old.unwrap_or_default();
    write(&certificate_path, &all)?;
    write(&key_path, &key.serialize_pem())?;
    Ok(Issuer::new(params, key))
}

fn make(
    env: &Env,
    out: &Path,
    authority: &Issuer<'static, KeyPair>,
    server: &ServerRegions,
    days: u32,
) -> Result<CredentialFiles, CertificatesError> {
    let mut params = params(env, days);
    for region in &server.0 {
        params.subject_alt_names.push(rcgen::SanType::DnsName(link_name(region).try_into()?));
    }
    if let Some(first) = server.0.first() {
        params.distinguished_name.push(DnType::CommonName, link_name(first));
    }
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages =
        vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
    let key = KeyPair::generate()?;
    let certificate = params.signed_by(&key, authority)?;
    let name = server.0.first().map_or("server", |region| region.as_str());
    let files = CredentialFiles {
        certificate: out.join(format!("{name}.pem")),
        key: out.join(format!("{name}-key.pem")),
        ca: out.join("ca.pem"),
    };
    let beside = CredentialFiles {
        certificate: write_beside(&files.certificate, &certificate.pem())?,
        key: write_beside(&files.key, &key.serialize_pem())?,
        ca: files.ca.clone(),
    };
    // A CA of another make, or one that has ended, shows here and not when links do not open; nothing is replaced then.
    Credentials::load(env.clone(), beside.clone(), server.0.clone())?;
    put_in_place(&beside.key, &files.key)?;
    put_in_place(&beside.certificate, &files.certificate)?;
    Ok(files)
}

fn params(env: &Env, days: u32) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    let now = env.unix_time();
    let day = Duration::from_secs(86_400);
    params.not_before = date_time_ymd(1970, 1, 1) + now.saturating_sub(BACKDATED);
    params.not_after = date_time_ymd(1970, 1, 1) + now + day * days;
    params
}

fn read(path: &Path) -> Result<Option<String>, CertificatesError> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(CertificatesError::File { path: path.to_owned(), done: "read", source }),
    }
}

fn write(path: &Path, text: &str) -> Result<(), CertificatesError> {
    put_in_place(&write_beside(path, text)?, path)
}

/// Writes what will be at `path`, readable by its owner only.
fn write_beside(path: &Path, text: &str) -> Result<PathBuf, CertificatesError> {
    let failed = |source| CertificatesError::File { path: path.to_owned(), done: "written", source };
    let mut beside = path.as_os_str().to_owned();
    beside.push(".new");
    // One that was left over may be readable by others.
    match fs::remove_file(&beside) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
        _ => {}
    }
    let mut file =
        fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&beside).map_err(failed)?;
    file.write_all(text.as_bytes()).map_err(failed)?;
    file.sync_all().map_err(failed)?;
    Ok(PathBuf::from(beside))
}

fn put_in_place(beside: &Path, path: &Path) -> Result<(), CertificatesError> {
    let failed = |source| CertificatesError::File { path: path.to_owned(), done: "replaced", source };
    fs::rename(beside, path).map_err(failed)
}
