//! The ports: where connections come in, and what the page's address is.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
};

use tokio::net::{TcpListener, TcpSocket};

use crate::{config::Config, threads::Doorkeepers};

/// Connections the kernel may hold for us to accept: a thousand clients come back at once.
const BACKLOG: u32 = 4096;

/// Where connections come in.
pub(super) struct Ports {
    pub(super) main: TcpListener,
    /// For plain HTTP beside TLS.
    pub(super) redirect: Option<TcpListener>,
}

impl Ports {
    /// Binds all of them, for the doorkeepers to accept.
    ///
    /// # Errors
    /// When one cannot be had; it says what to do about it.
    pub(super) fn open(config: &Config, doorkeepers: &Doorkeepers) -> anyhow::Result<Self> {
        let _theirs = doorkeepers.enter();
        let redirect = config.tls.as_ref().and_then(|tls| tls.redirect_listen);
        Ok(Self {
            main: listen(config.listen, "listen")?,
            redirect: redirect
                .map(|addr| listen(addr, "tls.redirect_listen"))
                .transpose()?,
        })
    }
}

/// The name of a certificate is not that of an address.
pub(super) fn page(config: &Config, addr: SocketAddr) -> String {
    let addr = reachable(addr);
    let Some(tls) = &config.tls else {
        return format!("http://{addr}/");
    };
    match (tls.domain(), addr.port()) {
        (Some(domain), 443) => format!("https://{domain}/"),
        (Some(domain), port) => format!("https://{domain}:{port}/"),
        (None, _) => format!("https://{addr}/"),
    }
}

/// The address by which this machine reaches who listens on `addr`, which may be all of them.
pub(crate) fn reachable(addr: SocketAddr) -> SocketAddr {
    let ip = match addr.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, addr.port())
}

fn listen(addr: SocketAddr, key: &str) -> anyhow::Result<TcpListener> {
    let bind = || -> io::Result<TcpListener> {
        let socket = if addr.is_ipv4() {
            TcpSocket::new_v4()
        } else {
            TcpSocket::new_v6()
        }?;
        socket.set_reuseaddr(true)?;
        socket.bind(addr)?;
        socket.listen(BACKLOG)
    };
    bind().map_err(|error| match error.kind() {
        io::ErrorKind::AddrInUse => anyhow::anyhow!(
            "port {} of {} is in use; stop the other program or choose another address with {}",
            addr.port(),
            addr.ip(),
            if key == "listen" { "--listen" } else { key }
        ),
        _ => anyhow::Error::from(error).context(format!("cannot listen on {addr}; check `{key}`")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_listens_on_all_addresses_is_reached_by_the_loopback() {
        for (listened, reached) in [
            ("0.0.0.0:8080", "127.0.0.1:8080"),
            ("[::]:8080", "[::1]:8080"),
            ("10.0.0.7:80", "10.0.0.7:80"),
        ] {
            let addr = listened.parse().map(reachable);
            assert_eq!(addr, reached.parse());
        }
    }
}
