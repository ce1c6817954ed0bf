//! Every request that goes to a store is counted as it is sent, by what stores charge for.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use object_store::ClientOptions;
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpRequest, HttpResponse, HttpService, ReqwestConnector,
};

/// Requests that were sent to a store, with those that were sent again and those that were refused.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Requests {
    /// Objects that were written, whatever lay there.
    pub puts: u64,
    /// Objects that were written under a condition.
    pub conditional_puts: u64,
    /// Objects, or parts of them, that were read or asked for.
    pub gets: u64,
    /// Pages of names.
    pub lists: u64,
    /// Removals: of up to a thousand objects each, where the store takes so many at once.
    pub deletes: u64,
}

impl Requests {
    /// Returns the counts with their names.
    pub fn by_kind(&self) -> [(&'static str, u64); 5] {
        [
            ("put", self.puts),
            ("conditionalPut", self.conditional_puts),
            ("get", self.gets),
            ("list", self.lists),
            ("delete", self.deletes),
        ]
    }

    /// Returns what came since `before`.
    #[must_use]
    pub fn since(&self, before: &Requests) -> Requests {
        Requests {
            puts: self.puts.saturating_sub(before.puts),
            conditional_puts: self.conditional_puts.saturating_sub(before.conditional_puts),
            gets: self.gets.saturating_sub(before.gets),
            lists: self.lists.saturating_sub(before.lists),
            deletes: self.deletes.saturating_sub(before.deletes),
        }
    }
}

/// The counts of one bucket. Clones share them.
#[derive(Debug, Clone, Default)]
pub(super) struct Counter(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    puts: AtomicU64,
    conditional_puts: AtomicU64,
    gets: AtomicU64,
    lists: AtomicU64,
    deletes: AtomicU64,
}

impl Counter {
    pub(super) fn counted(&self) -> Requests {
        let of = |count: &AtomicU64| count.load(Ordering::Relaxed);
        Requests {
            puts: of(&self.0.puts),
            conditional_puts: of(&self.0.conditional_puts),
            gets: of(&self.0.gets),
            lists: of(&self.0.lists),
            deletes: of(&self.0.deletes),
        }
    }

    fn count(&self, request: &HttpRequest) {
        let query = request.uri().query().unwrap_or_default();
        let asks_for = |name: &str| {
            query.split('&').any(|part| part.split_once('=').map_or(part, |(name, _)| name) == name)
        };
        let has = |name: &str| request.headers().contains_key(name);
        let counts = &self.0;
        let count = match request.method().as_str() {
            "GET" if asks_for("list-type") || asks_for("versions") || asks_for("prefix") => &counts.lists,
            "GET" | "HEAD" => &counts.gets,
            // `If-None-Match` and `If-Match`, or what Google has in their place.
            "PUT" if has("if-none-match") || has("if-match") || has("x-goog-if-generation-match") => {
                &counts.conditional_puts
            }
            "DELETE" => &counts.deletes,
            "POST" if asks_for("delete") => &counts.deletes,
            _ => &counts.puts,
        };
        count.fetch_add(1, Ordering::Relaxed);
    }
}

impl HttpConnector for Counter {
    fn connect(&self, options: &ClientOptions) -> object_store::Result<HttpClient> {
        let client = ReqwestConnector::default().connect(options)?;
        Ok(HttpClient::new(Counted { client, counter: self.clone() }))
    }
}

#[derive(Debug)]
struct Counted {
    client: HttpClient,
    counter: Counter,
}

impl HttpService for Counted {
    fn call<'s, 'a>(
        &'s self,
        request: HttpRequest,
    ) -> Pin<Box<dyn Future<Output = Result<HttpResponse, HttpError>> + Send + 'a>>
    where
        's: 'a,
        Self: 'a,
    {
        self.counter.count(&request);
        Box::pin(self.client.execute(request))
    }
}

#[cfg(test)]
mod tests {
    use object_store::client::HttpRequestBody;

    use super::*;

    #[test]
    fn requests_are_counted_as_stores_charge_for_them() {
        let counter = Counter::default();
        let send = |method: &str, uri: &str, field: Option<&'static str>| {
            let mut request = HttpRequest::new(HttpRequestBody::empty());
            *request.method_mut() = method.parse().unwrap();
            *request.uri_mut() = uri.parse().unwrap();
            if let Some(field) = field {
                request.headers_mut().insert(field, "x".parse().unwrap());
            }
            counter.count(&request);
        };
        send("PUT", "http://s/b/list-type", None);
        send("PUT", "http://s/b/o", Some("if-none-match"));
        send("PUT", "http://s/b/o", Some("if-match"));
        send("GET", "http://s/b/o", None);
        send("GET", "http://s/b/prefix?versionId=1", None);
        send("HEAD", "http://s/b/o", None);
        let before = counter.counted();
        assert_eq!(before, Requests { puts: 1, conditional_puts: 2, gets: 3, ..Requests::default() });
        send("GET", "http://s/b?list-type=2&prefix=a", None);
        send("GET", "http://s/b?versions&prefix=a", None);
        send("POST", "http://s/b?delete", None);
        send("DELETE", "http://s/b/o?versionId=1", None);
        let since = counter.counted().since(&before);
        assert_eq!(since, Requests { lists: 2, deletes: 2, ..Requests::default() });
        assert_eq!(since.by_kind().map(|(_, count)| count), [0, 0, 0, 2, 2]);
    }
}
