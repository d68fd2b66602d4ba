//! Connections that are opened before the requests that use them, so that setting them up takes no time of its own.

use std::any::Any;
use std::error::Error as StdError;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use reqwest::Url;
use tower_layer::Layer;
use tower_service::Service;

/// The time for which an unused connection is kept. Servers close a connection without a request after some time.
const LIFETIME: Duration = Duration::from_secs(5);

tokio::task_local! {
    /// The origin that the requests of a task go to: a connector does not learn it.
    static ORIGIN: String;
}

/// The connections that no request has used yet. Cloning is cheap and shares them.
#[derive(Clone, Default)]
pub(super) struct Ahead(Arc<Mutex<Vec<Unused>>>);

struct Unused {
    origin: String,
    opened: Instant,
    connection: Box<dyn Any + Send>,
}

impl Ahead {
    /// Runs `sending`, whose request goes to `url`.
    pub(super) async fn within<T>(url: &Url, sending: impl Future<Output = T>) -> T {
        ORIGIN.scope(url.origin().ascii_serialization(), sending).await
    }

    /// The layer of a client that uses the connections.
    pub(super) fn using(&self) -> Connections {
        Connections { ahead: self.clone(), use_of_new: UseOfNew::Request }
    }

    /// The layer of a client that opens connections only to keep them: its requests are never sent.
    pub(super) fn opening(&self) -> Connections {
        Connections { ahead: self.clone(), use_of_new: UseOfNew::Keep }
    }

    fn keep(&self, origin: String, connection: impl Any + Send) {
        let unused = Unused { origin, opened: Instant::now(), connection: Box::new(connection) };
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(unused);
    }

    fn take<C: Any>(&self, origin: &str) -> Option<C> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|unused| unused.opened.elapsed() < LIFETIME);
        let index = all.iter().position(|unused| unused.origin == origin)?;
        all.swap_remove(index).connection.downcast().ok().map(|connection| *connection)
    }
}

#[derive(Clone, Copy)]
enum UseOfNew {
    Request,
    Keep,
}

/// A layer of a connector: see [`Ahead`].
#[derive(Clone)]
pub(super) struct Connections {
    ahead: Ahead,
    use_of_new: UseOfNew,
}

impl<S> Layer<S> for Connections {
    type Service = Connector<S>;

    fn layer(&self, inner: S) -> Connector<S> {
        Connector { inner, connections: self.clone() }
    }
}

/// A connector with the connections that were opened ahead.
#[derive(Clone)]
pub(super) struct Connector<S> {
    inner: S,
    connections: Connections,
}

type BoxError = Box<dyn StdError + Send + Sync>;

impl<S, R> Service<R> for Connector<S>
where
    S: Service<R, Error = BoxError>,
    S::Response: Send + 'static,
    S::Future: Send + 'static,
{
    type Response = S::Response;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<S::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: R) -> Self::Future {
        let Connections { ahead, use_of_new } = &self.connections;
        let Ok(origin) = ORIGIN.try_with(Clone::clone) else { return Box::pin(self.inner.call(request)) };
        match use_of_new {
            UseOfNew::Request => match ahead.take(&origin) {
                Some(connection) => Box::pin(std::future::ready(Ok(connection))),
                None => Box::pin(self.inner.call(request)),
            },
            UseOfNew::Keep => {
                let (ahead, opening) = (ahead.clone(), self.inner.call(request));
                Box::pin(async move {
                    ahead.keep(origin, opening.await?);
                    Err("the connection is kept for another request".into())
                })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kept_connection_serves_one_request_to_its_origin() {
        let ahead = Ahead::default();
        ahead.keep("https://kit.example".to_owned(), 7_u8);
        assert_eq!(ahead.take::<u8>("http://kit.example"), None);
        assert_eq!(ahead.take::<u8>("https://kit.example"), Some(7));
        assert_eq!(ahead.take::<u8>("https://kit.example"), None);
    }

    #[test]
    fn an_old_connection_is_closed() {
        let ahead = Ahead::default();
        ahead.keep("https://kit.example".to_owned(), 7_u8);
        ahead.0.lock().unwrap()[0].opened -= LIFETIME;
        assert_eq!(ahead.take::<u8>("https://kit.example"), None);
        assert!(ahead.0.lock().unwrap().is_empty());
    }
}
