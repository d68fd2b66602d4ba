//! The connections: reads requests, applies faults, writes answers.

use std::io;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::{StreamExt, stream};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::header::{CONTENT_LENGTH, HeaderName, HeaderValue};
use hyper::service::service_fn;
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;

use super::answer::{Asked, answer, error};
use super::faults::{Fault, fault_for};
use super::state::{Pacing, Recorded, State};
use super::uploads::keep_partial;

type Body = UnsyncBoxBody<Bytes, io::Error>;
type Shared = Arc<Mutex<State>>;

pub(super) async fn serve(listener: TcpListener, state: Shared, tls: Option<Arc<rustls::ServerConfig>>) {
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        let (state, tls) = (Arc::clone(&state), tls.clone());
        tokio::spawn(async move {
            match tls {
                None => talk(stream, state).await,
                Some(tls) => {
                    // A client that does not accept the certificate disconnects, which is what tests provoke.
                    if let Ok(stream) = tokio_rustls::TlsAcceptor::from(tls).accept(stream).await {
                        talk(stream, state).await;
                    }
                }
            }
        });
    }
}

async fn talk(stream: impl AsyncRead + AsyncWrite + Unpin, state: Shared) {
    let service = service_fn(move |request| respond(request, Arc::clone(&state)));
    // Connections end with errors on purpose here.
    drop(hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await);
}

async fn respond(request: Request<Incoming>, state: Shared) -> io::Result<Response<Body>> {
    let method = request.method().clone();
    let target = request.uri().path_and_query().map(ToString::to_string).unwrap_or_default();
    let headers = request.headers().clone();
    let _busy = Busy::with(&state);
    let fault = fault_for(&mut state.lock().unwrap().rules, method.as_str(), &target);
    let limit = match fault {
        Some(Fault::DropRequestAfter(bytes) | Fault::StallRequestAfter(bytes)) => bytes,
        _ => usize::MAX,
    };
    let mut incoming = request.into_body();
    let (body, is_whole) = read(&mut incoming, limit).await;
    let asked = Asked { method, target, headers, body };
    let status = |status: u16, answer_bytes: u64| record(&state, &asked, (status, answer_bytes));
    if !is_whole {
        keep_partial(&mut state.lock().unwrap(), &asked);
        status(0, 0);
        if matches!(fault, Some(Fault::StallRequestAfter(_))) {
            std::future::pending::<()>().await;
        }
        return Err(io::Error::other("the connection is cut on purpose"));
    }
    let answered = match &fault {
        Some(Fault::Status(status, headers)) => {
            let mut response = error(*status, "FAULT", "this went wrong on purpose");
            for (name, value) in headers {
                response.headers_mut().insert(HeaderName::from_static(name), value.parse().unwrap());
            }
            response
        }
        Some(Fault::LongAnswer(status, size)) => {
            Response::builder().status(*status).body(vec![b'x'; *size].into()).unwrap()
        }
        _ if is_over_limit(&state, &asked) => {
            Response::builder().status(413).body("<html>413 Request Entity Too Large</html>".into()).unwrap()
        }
        _ => answer(&mut state.lock().unwrap(), &asked),
    };
    if let Some(Fault::MoveTag { repository, tag, digest }) = &fault {
        state.lock().unwrap().move_tag(repository, tag, digest);
    }
    match fault {
        Some(Fault::DropInsteadOfAnswer) => {
            status(0, 0);
            Err(io::Error::other("the connection is cut on purpose"))
        }
        Some(Fault::NoAnswer) => {
            status(0, 0);
            std::future::pending().await
        }
        fault => {
            status(answered.status().as_u16(), leaving(answered.body(), &asked.method, fault.as_ref()));
            let state = state.lock().unwrap();
            let fault = fault.or_else(|| state.options.bytes_per_second.map(Fault::SlowAnswer));
            Ok(spoilt(answered, &asked.method, fault, &state.pacing))
        }
    }
}

fn is_over_limit(state: &Shared, asked: &Asked) -> bool {
    state.lock().unwrap().options.body_limit.is_some_and(|limit| asked.body.len() > limit)
}

/// Counts a request while it is handled. hyper drops the handler when it notices that the client is gone.
struct Busy(Shared);

impl Busy {
    fn with(state: &Shared) -> Self {
        state.lock().unwrap().busy += 1;
        Self(Arc::clone(state))
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.lock().unwrap().busy -= 1;
    }
}

/// Reads the body. Returns true with it if it is complete.
async fn read(body: &mut Incoming, limit: usize) -> (Bytes, bool) {
    let mut read = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let Ok(frame) = frame else { return (read.freeze(), false) };
        if let Ok(data) = frame.into_data() {
            read.extend_from_slice(&data);
        }
        if read.len() >= limit {
            read.truncate(limit);
            return (read.freeze(), false);
        }
    }
    (read.freeze(), true)
}

fn record(state: &Shared, asked: &Asked, (status, answer_bytes): (u16, u64)) {
    let body = if asked.body.len() <= 4096 { asked.body.clone() } else { Bytes::new() };
    state.lock().unwrap().requests.push(Recorded {
        method: asked.method.to_string(),
        target: asked.target.clone(),
        headers: asked.headers.clone(),
        body_bytes: asked.body.len() as u64,
        body,
        status,
        answer_bytes,
    });
}

/// The number of bytes of the body that the fault permits.
fn leaving(body: &Bytes, method: &Method, fault: Option<&Fault>) -> u64 {
    let limit = match fault {
        _ if method == Method::HEAD => 0,
        Some(Fault::DropAnswerAfter(limit) | Fault::TruncateAnswerAfter(limit) | Fault::StallAnswerAfter(limit)) => {
            *limit
        }
        _ => usize::MAX,
    };
    body.len().min(limit) as u64
}

fn spoilt(response: Response<Bytes>, method: &Method, fault: Option<Fault>, pacing: &Arc<Pacing>) -> Response<Body> {
    let (mut head, mut bytes) = response.into_parts();
    if !head.headers.contains_key(CONTENT_LENGTH) {
        head.headers.insert(CONTENT_LENGTH, HeaderValue::from(bytes.len()));
    }
    if method == Method::HEAD {
        bytes = Bytes::new();
    }
    let cut = |after: usize| bytes.slice(..after.min(bytes.len()));
    let body = match fault {
        Some(Fault::DropAnswerAfter(after)) => {
            let broken = stream::iter([Err(io::Error::other("cut on purpose"))]);
            // hyper sends its buffer if the next piece is not ready yet, and drops it with the connection otherwise.
            let later = stream::once(tokio::task::yield_now()).filter_map(|()| std::future::ready(None));
            streamed(cut(after), later.chain(broken))
        }
        Some(Fault::SlowAnswer(rate)) => paced(bytes, rate, pacing),
        Some(Fault::StallAnswerAfter(after)) => streamed(cut(after), stream::pending()),
        Some(Fault::TruncateAnswerAfter(after)) => {
            head.headers.remove(CONTENT_LENGTH);
            streamed(cut(after), stream::empty())
        }
        Some(Fault::WrongBytes) => {
            let mut wrong = bytes.to_vec();
            wrong[0] ^= 1;
            whole(wrong.into())
        }
        Some(Fault::Header(name, value)) => {
            head.headers.insert(HeaderName::from_static(name), value.parse().unwrap());
            whole(bytes)
        }
        _ => whole(bytes),
    };
    Response::from_parts(head, body)
}

fn whole(bytes: Bytes) -> Body {
    Full::new(bytes).map_err(|never| match never {}).boxed_unsync()
}

/// The size of a piece that is sent at once when the rate is limited.
const PACED_BYTES: usize = 64 * 1024;

/// Sends the bytes with pauses: 10 or more pieces a second, so that a reader sees a slow connection but not a silent
/// one.
#[allow(clippy::cast_precision_loss, reason = "a pause need not be exact")]
fn paced(bytes: Bytes, rate: usize, pacing: &Arc<Pacing>) -> Body {
    let begun = tokio::time::Instant::now();
    let underway = UnderWay::new(pacing);
    let step = PACED_BYTES.min(rate / 10).max(1);
    let next = move |(mut left, sent, underway): (Bytes, usize, UnderWay)| async move {
        if left.is_empty() {
            return None;
        }
        let piece = left.split_to(step.min(left.len()));
        let sent = sent + piece.len();
        tokio::time::sleep_until(begun + Duration::from_secs_f64(sent as f64 / rate as f64)).await;
        underway.pacing.sent.fetch_add(piece.len() as u64, Ordering::SeqCst);
        Some((Ok(piece), (left, sent, underway)))
    };
    let pieces = stream::unfold((bytes, 0, underway), next);
    StreamBody::new(pieces.map(|piece| piece.map(Frame::data))).boxed_unsync()
}

/// Counts one answer until it is dropped.
struct UnderWay {
    pacing: Arc<Pacing>,
}

impl UnderWay {
    fn new(pacing: &Arc<Pacing>) -> Self {
        let now = pacing.now.fetch_add(1, Ordering::SeqCst) + 1;
        pacing.most.fetch_max(now, Ordering::SeqCst);
        Self { pacing: Arc::clone(pacing) }
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.pacing.now.fetch_sub(1, Ordering::SeqCst);
    }
}

fn streamed(first: Bytes, rest: impl futures_util::Stream<Item = io::Result<Bytes>> + Send + 'static) -> Body {
    let pieces = stream::iter([Ok(first)]).chain(rest);
    StreamBody::new(pieces.map(|piece| piece.map(Frame::data))).boxed_unsync()
}
