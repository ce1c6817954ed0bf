//! Where a server may lead: to the public network, or back to the place that the user named.
//!
//! Whom the user names may be anywhere, in a newsroom's own network too. Its redirects must not make this program ask
//! others there, who answer whoever is inside. The check is made where a name becomes addresses, for every hop.

use std::net::IpAddr;

use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::NextTimeout;
use url::Url;

use crate::base::address::is_public;

const HTTP: u16 = 80;
const HTTPS: u16 = 443;

/// Resolves names, and refuses those that are neither the one that was named nor on the public network.
#[derive(Debug)]
pub(super) struct Hops {
    inner: DefaultResolver,
    host: String,
    port: Option<u16>,
}

impl Hops {
    /// `named`: the address that the user named.
    pub(super) fn of(named: &Url) -> Self {
        let host = named.host_str().unwrap_or_default().to_owned();
        Hops { inner: DefaultResolver::default(), host, port: named.port_or_known_default() }
    }

    fn is_named(&self, uri: &Uri) -> bool {
        let port = uri.port_u16().or(match uri.scheme_str() {
            Some("http") => Some(HTTP),
            Some("https") => Some(HTTPS),
            _ => None,
        });
        // Many servers answer there only to lead to where they are secure.
        let is_secured = (self.port, port) == (Some(HTTP), Some(HTTPS));
        let same_host = uri.host().is_some_and(|host| host.eq_ignore_ascii_case(&self.host));
        same_host && (port == self.port || is_secured)
    }
}

/// A redirect to a host that is not on the public network.
#[derive(Debug, thiserror::Error)]
#[error(
    "it leads to {host}, at {address}, which is not on the public network: name that address, if it is meant"
)]
struct NotPublic {
    host: String,
    address: IpAddr,
}

impl Resolver for Hops {
    fn resolve(
        &self,
        uri: &Uri,
        config: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let found = self.inner.resolve(uri, config, timeout)?;
        match found.iter().find(|address| !is_public(address.ip())) {
            Some(address) if !self.is_named(uri) => {
                let host = uri.host().unwrap_or_default().to_owned();
                Err(ureq::Error::Other(Box::new(NotPublic { host, address: address.ip() })))
            }
            _ => Ok(found),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_place_that_was_named_is_it() {
        for (named, same, others) in [
            (
                "http://log.intern/2026/",
                &["http://log.intern/x", "http://LOG.intern:80/", "https://log.intern/"][..],
                &[
                    "http://log.intern:8080/",
                    "https://log.intern:8443/",
                    "http://xlog.intern/",
                    "http://10.0.0.1/",
                ][..],
            ),
            (
                "https://log.intern/",
                &["https://log.intern:443/x"],
                &["http://log.intern/", "https://log.intern:22/"],
            ),
            (
                "http://127.0.0.1:8000/",
                &["http://127.0.0.1:8000/x"],
                &["http://127.0.0.1/", "https://127.0.0.1/"],
            ),
            ("http://[::1]:8000/", &["http://[::1]:8000/x"], &["http://[::1]/", "http://[::2]:8000/"]),
        ] {
            let hops = Hops::of(&Url::parse(named).unwrap());
            for uri in same {
                assert!(hops.is_named(&uri.parse().unwrap()), "{named} {uri}");
            }
            for uri in others {
                assert!(!hops.is_named(&uri.parse().unwrap()), "{named} {uri}");
            }
        }
    }
}
