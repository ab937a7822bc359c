//! TLS as it is configured, checked: where certificates come from, and the plain port.
//!
//! Elsewhere: whether the files can be used (`tls/files`).

use std::{
    net::{IpAddr, SocketAddr},
    path::PathBuf,
};

use super::{ConfigError, raw};

/// TLS of the doors.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tls {
    /// Where the certificate comes from.
    pub source: CertSource,
    /// Where plain HTTP is answered with where TLS is.
    pub redirect_listen: Option<SocketAddr>,
}

/// Where a certificate comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CertSource {
    /// Two files.
    Files(CertFiles),
    /// An authority that is asked.
    Acme(AcmeAsked),
}

/// A certificate and its key, in two PEM files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertFiles {
    /// The certificate and its chain.
    pub cert: PathBuf,
    /// Its key.
    pub key: PathBuf,
}

/// What an authority is asked for, and which one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AcmeAsked {
    /// The names of the certificate; the first is the server's.
    pub domains: Vec<String>,
    /// Whom the authority may write to, as URLs.
    pub contact: Vec<String>,
    /// The authority's directory.
    pub directory_url: String,
    /// Roots to trust the directory by; `None` for the system's.
    pub ca_file: Option<PathBuf>,
}

impl Tls {
    pub(super) fn check(raw: &raw::Tls, listen: SocketAddr) -> Result<Option<Self>, ConfigError> {
        let source = match (check_files(raw)?, check_acme(&raw.acme)?) {
            (Some(_), Some(_)) => {
                let message = "cannot be beside `tls.cert_file`; take one of both out";
                return Err(ConfigError::new("tls.acme.domains", message));
            }
            (Some(files), None) => Some(CertSource::Files(files)),
            (None, acme) => acme.map(CertSource::Acme),
        };
        let redirect_listen = check_redirect(&raw.redirect_listen, listen)?;
        if source.is_none() && redirect_listen.is_some() {
            let message = "needs TLS to send people to; set `tls.cert_file` or `tls.acme.domains`";
            return Err(ConfigError::new("tls.redirect_listen", message));
        }
        Ok(source.map(|source| Self {
            source,
            redirect_listen,
        }))
    }

    /// The name of the server, where it is known.
    pub(crate) fn domain(&self) -> Option<&str> {
        match &self.source {
            CertSource::Files(_) => None,
            CertSource::Acme(asked) => asked.domains.first().map(String::as_str),
        }
    }
}

fn check_files(raw: &raw::Tls) -> Result<Option<CertFiles>, ConfigError> {
    let missing = |key, other| {
        let message = format!("is missing; `{other}` needs it");
        Err(ConfigError::new(key, message))
    };
    match (raw.cert_file.as_str(), raw.key_file.as_str()) {
        ("", "") => Ok(None),
        ("", _) => missing("tls.cert_file", "tls.key_file"),
        (_, "") => missing("tls.key_file", "tls.cert_file"),
        (cert, key) => Ok(Some(CertFiles {
            cert: cert.into(),
            key: key.into(),
        })),
    }
}

fn check_acme(raw: &raw::Acme) -> Result<Option<AcmeAsked>, ConfigError> {
    if raw.domains.is_empty() {
        return Ok(None);
    }
    if let Some(wrong) = raw.domains.iter().find(|name| !is_domain(name)) {
        let message = format!("`{wrong}` is no name of a server; write filings.example.com");
        return Err(ConfigError::new("tls.acme.domains", message));
    }
    let contact = match raw.contact.as_str() {
        "" => Vec::new(),
        address if address.contains('@') && !address.contains(char::is_whitespace) => {
            vec![format!("mailto:{address}")]
        }
        other => {
            let message = format!("`{other}` is no e-mail address; write you@example.com");
            return Err(ConfigError::new("tls.acme.contact", message));
        }
    };
    let url = url::Url::parse(&raw.directory_url).ok();
    if url.is_none_or(|url| url.scheme() != "https") {
        let message = format!("`{}` is no https: URL", raw.directory_url);
        return Err(ConfigError::new("tls.acme.directory_url", message));
    }
    Ok(Some(AcmeAsked {
        domains: raw.domains.clone(),
        contact,
        directory_url: raw.directory_url.clone(),
        ca_file: Some(raw.ca_file.as_str())
            .filter(|file| !file.is_empty())
            .map(PathBuf::from),
    }))
}

/// A name as it stands in the DNS. No wildcard: those are proved in another way.
fn is_domain(name: &str) -> bool {
    let is_label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && label
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-')
    };
    name.len() <= 253 && name.split('.').all(is_label) && name.parse::<IpAddr>().is_err()
}

fn check_redirect(text: &str, listen: SocketAddr) -> Result<Option<SocketAddr>, ConfigError> {
    let wrong = |what: &str| {
        let message = format!("`{text}` {what}; write 0.0.0.0:80");
        Err(ConfigError::new("tls.redirect_listen", message))
    };
    match text.parse() {
        _ if text.is_empty() => Ok(None),
        Ok(address) if address == listen && listen.port() != 0 => {
            wrong("is `listen`, which speaks TLS only")
        }
        Ok(address) => Ok(Some(address)),
        Err(_) => wrong("is no address"),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn check(change: impl FnOnce(&mut raw::Tls)) -> Result<Option<Tls>, ConfigError> {
        let mut raw = raw::Tls::default();
        change(&mut raw);
        Tls::check(&raw, "0.0.0.0:443".parse().unwrap())
    }

    #[test]
    fn a_name_is_enough_for_an_authority() {
        let tls = check(|raw| raw.acme.domains = vec!["filings.example.com".into()]);

        let tls = tls.unwrap().unwrap();
        assert_eq!(tls.domain(), Some("filings.example.com"));
        let CertSource::Acme(asked) = tls.source else {
            panic!("no authority is asked");
        };
        assert!(asked.directory_url.contains("letsencrypt.org"));
        assert_eq!((asked.contact, asked.ca_file), (Vec::new(), None));
        assert_eq!(check(|_| {}).unwrap(), None);
    }

    #[test]
    fn what_does_not_go_together_names_its_key() {
        type Mistake = (&'static str, fn(&mut raw::Tls));
        let cases: [Mistake; 9] = [
            ("tls.key_file", |raw| raw.cert_file = "c.pem".into()),
            ("tls.cert_file", |raw| raw.key_file = "k.pem".into()),
            ("tls.acme.domains", |raw| {
                raw.acme.domains = vec!["e.com".into()];
                (raw.cert_file, raw.key_file) = ("c.pem".into(), "k.pem".into());
            }),
            ("tls.acme.domains", |raw| {
                raw.acme.domains = vec!["*.e.com".into()];
            }),
            ("tls.acme.domains", |raw| {
                raw.acme.domains = vec!["10.0.0.1".into()];
            }),
            ("tls.acme.contact", |raw| {
                raw.acme.domains = vec!["e.com".into()];
                raw.acme.contact = "me".into();
            }),
            ("tls.acme.directory_url", |raw| {
                raw.acme.domains = vec!["e.com".into()];
                raw.acme.directory_url = "http://e.com".into();
            }),
            ("tls.redirect_listen", |raw| {
                raw.redirect_listen = "0.0.0.0:80".into();
            }),
            ("tls.redirect_listen", |raw| {
                raw.redirect_listen = "0.0.0.0:443".into();
                (raw.cert_file, raw.key_file) = ("c.pem".into(), "k.pem".into());
            }),
        ];
        for (key, change) in cases {
            assert_eq!(check(change).unwrap_err().key, key);
        }
    }
}
