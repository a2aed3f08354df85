//! What a certificate says, and in which words a refused one is explained. Every explanation ends with the next step.

use std::io;

use graticule_model::RegionName;
use rustls::{AlertDescription, CertificateError, Error as TlsError, pki_types::CertificateDer};
use webpki::EndEntityCert;

use crate::transport::LinkError;

const LINK_DOMAIN: &str = ".link.graticule";

/// The DNS name that a certificate has to bear for a Region.
#[must_use]
pub fn link_name(region: &RegionName) -> String {
    format!("{region}{LINK_DOMAIN}")
}

/// The Regions that a certificate names.
pub(super) fn certificate_regions(certificate: &CertificateDer<'_>) -> Vec<String> {
    let Ok(parsed) = EndEntityCert::try_from(certificate) else { return Vec::new() };
    parsed.valid_dns_names().filter_map(|name| name.strip_suffix(LINK_DOMAIN).map(str::to_owned)).collect()
}

/// A moment as people read it, in UTC.
pub(super) fn date(unix_s: u64) -> String {
    let (days, second) = (unix_s / 86_400, unix_s % 86_400);
    // Years that begin in March end with the day that leap years add.
    let days = days + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

/// What failed, in the words of the end that noticed. `peer` says who the other end is, `ca` is the CA file here.
pub(super) fn explain(error: &io::Error, peer: &str, ca: &str) -> LinkError {
    let Some(tls) = error.get_ref().and_then(|inner| inner.downcast_ref::<TlsError>()) else {
        return LinkError::Broken(format!("the connection to {peer} broke: {error}"));
    };
    match tls {
        TlsError::InvalidCertificate(fault) => LinkError::Certificate(fault_of_peer(fault, peer, ca)),
        TlsError::NoCertificatesPresented => LinkError::Certificate(format!(
            "{peer} shows no certificate; only Graticule links are served here, start that end with --link-certificate"
        )),
        TlsError::AlertReceived(alert) => refused_by_peer(*alert, peer),
        TlsError::InvalidMessage(_) => LinkError::Broken(format!(
            "{peer} does not speak TLS; check that the address is that of --link-listen"
        )),
        other => LinkError::Broken(format!("TLS with {peer} failed: {other}")),
    }
}

fn fault_of_peer(fault: &CertificateError, peer: &str, ca: &str) -> String {
    match fault {
        CertificateError::ExpiredContext { time, not_after } => format!(
            "the certificate of {peer} ended at {}, and it is {} here; make a new one for that end with graticule \
             certificates, or set this machine's clock",
            date(not_after.as_secs()),
            date(time.as_secs())
        ),
        CertificateError::NotValidYetContext { time, not_before } => format!(
            "the certificate of {peer} is valid from {}, and it is {} here; set the clock that is wrong",
            date(not_before.as_secs()),
            date(time.as_secs())
        ),
        CertificateError::UnknownIssuer | CertificateError::BadSignature => format!(
            "the certificate of {peer} was not made by a CA in {ca}; add that end's CA to the file, or make its \
             certificate with this CA"
        ),
        CertificateError::NotValidForNameContext { presented, .. } => {
            let named: Vec<String> = presented.iter().map(|name| unquoted(name)).collect();
            format!(
                "the certificate of {peer} does not name that Region, but {}; check the address in --peer, or make a \
                 certificate for that Region with graticule certificates",
                named.join(", ")
            )
        }
        other => format!(
            "the certificate of {peer} cannot be used: {}; make one with graticule certificates",
            TlsError::InvalidCertificate(other.clone())
        ),
    }
}

/// `DnsName("a.link.graticule")` as `a`.
fn unquoted(name: &str) -> String {
    let name = name.split('"').nth(1).unwrap_or(name);
    name.strip_suffix(LINK_DOMAIN).unwrap_or(name).to_owned()
}

fn refused_by_peer(alert: AlertDescription, peer: &str) -> LinkError {
    let (reason, next) = match alert {
        AlertDescription::CertificateExpired => (
            "it is not valid at the time that it is there",
            "make a new one for this end with graticule certificates, or set the clock that is wrong",
        ),
        AlertDescription::UnknownCA | AlertDescription::DecryptError => (
            "its CA is not believed there",
            "add this end's CA to --link-ca there, or make this end's certificate with the CA of that end",
        ),
        AlertDescription::BadCertificate
        | AlertDescription::UnsupportedCertificate
        | AlertDescription::CertificateUnknown
        | AlertDescription::CertificateRevoked
        | AlertDescription::CertificateRequired
        | AlertDescription::AccessDenied => {
            ("it cannot be used there", "make one for this end with graticule certificates")
        }
        other => return LinkError::Broken(format!("{peer} ended the TLS handshake: {other:?}")),
    };
    LinkError::Certificate(format!("{peer} refuses the certificate of this end: {reason}; {next}"))
}

#[cfg(test)]
mod tests {
    use super::date;

    #[test]
    fn dates_are_those_of_the_calendar() {
        for (unix_s, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_798_761_599, "2026-12-31T23:59:59Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
        ] {
            assert_eq!(date(unix_s), text);
        }
    }
}
