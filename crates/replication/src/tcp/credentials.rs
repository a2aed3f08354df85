//! What this process proves itself with, and whom it believes: certificate, key and CA, read from files again and again.
//!
//! New files take effect without a restart; broken ones are reported and the old material stays in use. Material is only
//! taken as a whole, once the files have stopped changing. Where connections come from and go to is not known here.

use std::{fs, io, path::PathBuf, sync::Arc, time::Duration};

use graticule_env::Env;
use graticule_model::RegionName;
use parking_lot::Mutex;
use rustls::{
    CertificateError, ClientConfig, Error as TlsError, RootCertStore, ServerConfig,
    client::{Resumption, WebPkiServerVerifier, danger::ServerCertVerifier},
    crypto::{CryptoProvider, ring},
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime, pem::PemObject},
    server::WebPkiClientVerifier,
    time_provider::TimeProvider,
    version::TLS13,
};
use tokio::sync::watch;

use super::names::{certificate_regions, date, link_name};

/// How often the files are read again.
const READ_EVERY: Duration = Duration::from_secs(2);
const FILE_BYTES_MAX: u64 = 1024 * 1024;
/// What both ends of a connection agree to speak inside TLS.
const ALPN: &[u8] = b"graticule-link";

/// The files, all PEM.
#[derive(Debug, Clone)]
pub struct CredentialFiles {
    /// The certificate of this process, and intermediate ones if there are any.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
    /// The CAs whose certificates are believed.
    pub ca: PathBuf,
}

/// Why files cannot be used. Every message ends with what to do next.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say it")]
pub enum CredentialsError {
    #[error("{} cannot be read: {source}; give a readable file with {flag}", path.display())]
    Read { path: PathBuf, flag: &'static str, source: io::Error },
    #[error("{} holds no PEM {what}; make one with graticule certificates and give it with {flag}", path.display())]
    Nothing { path: PathBuf, flag: &'static str, what: &'static str },
    #[error("the key {} does not belong to the certificate {}; give both files of one pair", key.display(), certificate.display())]
    KeyMismatch { key: PathBuf, certificate: PathBuf },
    #[error(
        "the certificate {} names {}, not {region}, which is hosted here; make one that names every Region of this \
         server with graticule certificates", path.display(), list(named)
    )]
    NotNamed { path: PathBuf, named: Vec<String>, region: RegionName },
    #[error(
        "the certificate {} was not made by a CA in {}; give the CA that made it with --link-ca", path.display(), ca.display()
    )]
    OtherCa { path: PathBuf, ca: PathBuf },
    #[error(
        "the certificate {} is not valid at this time, {now} (it ends at {until}); make a new one with graticule \
         certificates, or set this machine's clock", path.display()
    )]
    NotNow { path: PathBuf, now: String, until: String },
    #[error("{} cannot be used: {reason}; make certificates with graticule certificates", path.display())]
    Unusable { path: PathBuf, reason: String },
}

fn list(names: &[String]) -> String {
    if names.is_empty() { "no Region".to_owned() } else { names.join(", ") }
}

/// The contents of the files.
#[derive(PartialEq, Eq)]
struct Contents {
    certificate: Vec<u8>,
    key: Vec<u8>,
    ca: Vec<u8>,
}

/// What follows from the files at one moment.
pub(super) struct Material {
    pub(super) server: Arc<ServerConfig>,
    pub(super) client: Arc<ClientConfig>,
    /// When the own certificate ends.
    pub(super) ends_unix_s: u64,
    pub(super) regions: Vec<String>,
    verifier: Arc<WebPkiServerVerifier>,
    contents: Contents,
}

impl Material {
    /// When a certificate of the other end ends.
    pub(super) fn end_unix_s(&self, certificate: &CertificateDer<'_>) -> u64 {
        end_unix_s(&self.verifier, certificate)
    }
}

/// When a certificate ends, in seconds since the Unix epoch: a verifier says it of one that has ended, so it is asked
/// about the end of time.
fn end_unix_s(verifier: &WebPkiServerVerifier, certificate: &CertificateDer<'_>) -> u64 {
    let late = UnixTime::since_unix_epoch(Duration::from_secs(u64::from(u32::MAX) * 16));
    let any = ServerName::IpAddress(std::net::Ipv4Addr::LOCALHOST.into());
    match verifier.verify_server_cert(certificate, &[], &any, &[], late) {
        Err(TlsError::InvalidCertificate(CertificateError::ExpiredContext { not_after, .. })) => {
            not_after.as_secs()
        }
        _ => u64::MAX,
    }
}

/// The credentials of a process for all its links.
pub struct Credentials {
    env: Env,
    files: CredentialFiles,
    /// The Regions that the certificate must name.
    hosted: Vec<RegionName>,
    current: watch::Sender<Arc<Material>>,
    /// What is wrong with the files that are there now, if anything.
    trouble: Mutex<Option<String>>,
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credentials").field("files", &self.files).finish_non_exhaustive()
    }
}

impl Credentials {
    /// Reads the files. A certificate that is not valid at this time is taken at the start, with an error in the log:
    /// the Regions serve their clients all the same.
    ///
    /// # Errors
    /// If the files cannot be used.
    pub fn load(
        env: Env,
        files: CredentialFiles,
        hosted: Vec<RegionName>,
    ) -> Result<Arc<Credentials>, CredentialsError> {
        let (material, trouble) = match material(&env, &files, &hosted, read(&files)?)? {
            (material, None) => (material, None),
            (material, Some(not_now)) => {
                tracing::error!(error = %not_now, "links to other Regions will not open");
                (material, Some(not_now.to_string()))
            }
        };
        let current = watch::Sender::new(Arc::new(material));
        Ok(Arc::new(Credentials { env, files, hosted, current, trouble: Mutex::new(trouble) }))
    }

    /// The material in use; the receiver tells when it changes.
    pub(super) fn current(&self) -> (Arc<Material>, watch::Receiver<Arc<Material>>) {
        let mut receiver = self.current.subscribe();
        let material = Arc::clone(&receiver.borrow_and_update());
        (material, receiver)
    }

    pub(super) fn files(&self) -> &CredentialFiles {
        &self.files
    }

    pub(super) fn trouble(&self) -> Option<String> {
        self.trouble.lock().clone()
    }

    /// Looks at the files now and then, for as long as the process lives.
    pub(super) async fn watch(self: Arc<Credentials>) {
        let mut seen = None;
        loop {
            self.env.sleep(READ_EVERY).await;
            let contents = read(&self.files);
            // Files are replaced one after the other; what still changes is looked at next time.
            let settled = match (&contents, &seen) {
                (Ok(now), Some(before)) => now == before,
                (Ok(_), None) => false,
                (Err(_), _) => true,
            };
            match contents {
                Ok(contents) if settled => {
                    if contents == self.current.borrow().contents {
                        self.report_if_gone_bad();
                    } else {
                        self.take(material(&self.env, &self.files, &self.hosted, copy(&contents)));
                    }
                    seen = Some(contents);
                }
                Ok(contents) => seen = Some(contents),
                Err(error) => self.report(&error),
            }
        }
    }

    fn take(&self, made: Result<(Material, Option<CredentialsError>), CredentialsError>) {
        match made {
            Ok((material, None)) => {
                tracing::info!(
                    certificate = %self.files.certificate.display(),
                    until = date(material.ends_unix_s),
                    "new link certificates are in use"
                );
                *self.trouble.lock() = None;
                self.current.send_replace(Arc::new(material));
            }
            Ok((_, Some(error))) | Err(error) => self.report(&error),
        }
    }

    /// Says once what is wrong with new files.
    fn report(&self, error: &CredentialsError) {
        let text = error.to_string();
        let mut trouble = self.trouble.lock();
        if trouble.as_ref() != Some(&text) {
            tracing::error!(error = text, "new link certificates cannot be used; the old ones stay in use");
            *trouble = Some(text);
        }
    }

    /// The material in use is what is in the files: the only trouble that there can be is its age.
    fn report_if_gone_bad(&self) {
        let ends_unix_s = self.current.borrow().ends_unix_s;
        let now = self.env.unix_time().as_secs();
        if now <= ends_unix_s {
            *self.trouble.lock() = None;
            return;
        }
        self.report(&CredentialsError::NotNow {
            path: self.files.certificate.clone(),
            now: date(now),
            until: date(ends_unix_s),
        });
    }
}

fn copy(contents: &Contents) -> Contents {
    Contents { certificate: contents.certificate.clone(), key: contents.key.clone(), ca: contents.ca.clone() }
}

fn read(files: &CredentialFiles) -> Result<Contents, CredentialsError> {
    let read = |path: &PathBuf, flag| {
        let failed = |source| CredentialsError::Read { path: path.clone(), flag, source };
        if fs::metadata(path).map_err(failed)?.len() > FILE_BYTES_MAX {
            return Err(failed(io::Error::other(format!("it is longer than {FILE_BYTES_MAX} bytes"))));
        }
        fs::read(path).map_err(failed)
    };
    Ok(Contents {
        certificate: read(&files.certificate, "--link-certificate")?,
        key: read(&files.key, "--link-key")?,
        ca: read(&files.ca, "--link-ca")?,
    })
}

fn certificates(pem: &[u8]) -> Vec<CertificateDer<'static>> {
    CertificateDer::pem_slice_iter(pem).filter_map(Result::ok).collect()
}

/// Makes what connections need. With it comes what is wrong if only the time is.
fn material(
    env: &Env,
    files: &CredentialFiles,
    hosted: &[RegionName],
    contents: Contents,
) -> Result<(Material, Option<CredentialsError>), CredentialsError> {
    let nothing = |path: &PathBuf, flag, what| CredentialsError::Nothing { path: path.clone(), flag, what };
    let unusable = |path: &PathBuf, reason: &dyn std::fmt::Display| CredentialsError::Unusable {
        path: path.clone(),
        reason: reason.to_string(),
    };
    let chain = certificates(&contents.certificate);
    let Some(own) = chain.first() else {
        return Err(nothing(&files.certificate, "--link-certificate", "certificate"));
    };
    let key = PrivateKeyDer::from_pem_slice(&contents.key)
        .map_err(|_| nothing(&files.key, "--link-key", "private key"))?;
    let mut roots = RootCertStore::empty();
    for ca in certificates(&contents.ca) {
        roots.add(ca).map_err(|error| unusable(&files.ca, &error))?;
    }
    if roots.is_empty() {
        return Err(nothing(&files.ca, "--link-ca", "CA certificate"));
    }
    let roots = Arc::new(roots);
    let provider = Arc::new(ring::default_provider());
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::clone(&roots), Arc::clone(&provider))
        .build()
        .map_err(|error| unusable(&files.ca, &error))?;
    let not_now = check(env, files, hosted, &chain, &verifier)?;
    let configs = Configs { env, provider, chain: chain.clone(), key };
    let failed = |error: TlsError| match error {
        TlsError::InconsistentKeys(_) => {
            CredentialsError::KeyMismatch { key: files.key.clone(), certificate: files.certificate.clone() }
        }
        error => unusable(&files.certificate, &error),
    };
    let material = Material {
        client: configs.client(Arc::clone(&verifier)).map_err(failed)?,
        server: configs.server(roots).map_err(failed)?,
        ends_unix_s: end_unix_s(&verifier, own),
        regions: certificate_regions(own),
        verifier,
        contents,
    };
    Ok((material, not_now))
}

/// Looks at the own certificate as others will.
fn check(
    env: &Env,
    files: &CredentialFiles,
    hosted: &[RegionName],
    chain: &[CertificateDer<'static>],
    verifier: &WebPkiServerVerifier,
) -> Result<Option<CredentialsError>, CredentialsError> {
    let Some((own, between)) = chain.split_first() else { return Ok(None) };
    let path = || files.certificate.clone();
    let now = env.unix_time();
    let mut not_now = None;
    for region in hosted {
        let name = ServerName::try_from(link_name(region)).map_err(|_| CredentialsError::Unusable {
            path: path(),
            reason: format!("the Region {region} cannot be part of a DNS name"),
        })?;
        match verifier.verify_server_cert(own, between, &name, &[], UnixTime::since_unix_epoch(now)) {
            Ok(_) => {}
            Err(TlsError::InvalidCertificate(error)) => match error {
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                    let named = certificate_regions(own);
                    return Err(CredentialsError::NotNamed { path: path(), named, region: region.clone() });
                }
                CertificateError::UnknownIssuer | CertificateError::BadSignature => {
                    return Err(CredentialsError::OtherCa { path: path(), ca: files.ca.clone() });
                }
                CertificateError::Expired
                | CertificateError::ExpiredContext { .. }
                | CertificateError::NotValidYet
                | CertificateError::NotValidYetContext { .. } => {
                    let until = date(end_unix_s(verifier, own));
                    let now = date(now.as_secs());
                    not_now = Some(CredentialsError::NotNow { path: path(), now, until });
                }
                other => {
                    let reason = TlsError::InvalidCertificate(other).to_string();
                    return Err(CredentialsError::Unusable { path: path(), reason });
                }
            },
            Err(error) => {
                return Err(CredentialsError::Unusable { path: path(), reason: error.to_string() });
            }
        }
    }
    Ok(not_now)
}

struct Configs<'a> {
    env: &'a Env,
    provider: Arc<CryptoProvider>,
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
}

impl Configs<'_> {
    // No session is ever resumed: every connection is checked against the material of its time.
    fn client(&self, verifier: Arc<WebPkiServerVerifier>) -> Result<Arc<ClientConfig>, TlsError> {
        let clock = Arc::new(Clock(self.env.clone()));
        let mut config = ClientConfig::builder_with_details(Arc::clone(&self.provider), clock)
            .with_protocol_versions(&[&TLS13])?
            .with_webpki_verifier(verifier)
            .with_client_auth_cert(self.chain.clone(), self.key.clone_key())?;
        config.alpn_protocols = vec![ALPN.to_vec()];
        config.resumption = Resumption::disabled();
        Ok(Arc::new(config))
    }

    fn server(&self, roots: Arc<RootCertStore>) -> Result<Arc<ServerConfig>, TlsError> {
        let verifier = WebPkiClientVerifier::builder_with_provider(roots, Arc::clone(&self.provider))
            .build()
            .map_err(|error| TlsError::General(error.to_string()))?;
        let clock = Arc::new(Clock(self.env.clone()));
        let mut config = ServerConfig::builder_with_details(Arc::clone(&self.provider), clock)
            .with_protocol_versions(&[&TLS13])?
            .with_client_cert_verifier(verifier)
            .with_single_cert(self.chain.clone(), self.key.clone_key())?;
        config.alpn_protocols = vec![ALPN.to_vec()];
        config.send_tls13_tickets = 0;
        Ok(Arc::new(config))
    }
}

/// TLS sees the time that everything else here sees.
#[derive(Debug)]
struct Clock(Env);

impl TimeProvider for Clock {
    fn current_time(&self) -> Option<UnixTime> {
        Some(UnixTime::since_unix_epoch(self.0.unix_time()))
    }
}
