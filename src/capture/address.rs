//! Which addresses a page may be fetched from: those of the public network, unless the user says otherwise.
//!
//! The check is made where a name becomes addresses, for every hop, so that no later answer of a name server can lead to
//! another machine.

use std::net::IpAddr;

use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::NextTimeout;

use crate::base::address::is_public;

/// Resolves names, and refuses those that lead to addresses that are not public.
#[derive(Debug, Default)]
pub(super) struct Public {
    inner: DefaultResolver,
    allow_private: bool,
}

impl Public {
    pub(super) fn new(allow_private: bool) -> Self {
        Public { inner: DefaultResolver::default(), allow_private }
    }
}

/// A host that is not on the public network.
#[derive(Debug, thiserror::Error)]
#[error("{host} is at {address}, which is not on the public network")]
pub(super) struct NotPublic {
    pub host: String,
    pub address: IpAddr,
}

impl Resolver for Public {
    fn resolve(
        &self,
        uri: &Uri,
        config: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let found = self.inner.resolve(uri, config, timeout)?;
        let private = found.iter().find(|address| !is_public(address.ip())).filter(|_| !self.allow_private);
        match private {
            Some(address) => {
                let host = uri.host().unwrap_or_default().to_owned();
                Err(ureq::Error::Other(Box::new(NotPublic { host, address: address.ip() })))
            }
            None => Ok(found),
        }
    }
}
