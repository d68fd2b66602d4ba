//! A web server that receives webhooks, and refuses some of them on purpose.

use std::collections::{BTreeMap, VecDeque};
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

/// A request that arrived as a whole.
#[derive(Debug, Clone)]
pub struct Received {
    pub path: String,
    /// The headers, with lower-case names.
    pub headers: BTreeMap<String, String>,
    pub body: String,
    /// The status of the answer.
    pub status: u16,
}

/// An answer: the status, and the header lines.
type Answer = (u16, String);

#[derive(Default)]
struct Shared {
    received: Mutex<Vec<Received>>,
    arrived: Condvar,
    answers: Mutex<VecDeque<Answer>>,
}

/// A server on a free port of 127.0.0.1.
pub struct Receiver {
    shared: Arc<Shared>,
    host: String,
}

/// The longest time to wait for a request.
const PATIENCE: Duration = Duration::from_secs(60);

impl Receiver {
    /// Starts a server that accepts everything.
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let host = listener.local_addr().unwrap().to_string();
        let shared = Arc::<Shared>::default();
        let own = Arc::clone(&shared);
        // It ends with the process of the tests.
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (stream, shared) = (stream.unwrap(), Arc::clone(&own));
                std::thread::spawn(move || answer(stream, &shared));
            }
        });
        Self { shared, host }
    }

    /// The address of a path.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}/{path}", self.host)
    }

    /// Host and port.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Answers the next request with this status and these header lines, each with a line break.
    pub fn answer_next(&self, status: u16, headers: &str) {
        self.shared.answers.lock().unwrap().push_back((status, headers.to_owned()));
    }

    /// All requests so far.
    pub fn received(&self) -> Vec<Received> {
        self.shared.received.lock().unwrap().clone()
    }

    /// Waits until there are `count` requests, and returns all.
    pub fn wait_for(&self, count: usize) -> Vec<Received> {
        let received = self.shared.received.lock().unwrap();
        let is_missing = |received: &mut Vec<Received>| received.len() < count;
        let (received, waited) = self.shared.arrived.wait_timeout_while(received, PATIENCE, is_missing).unwrap();
        assert!(!waited.timed_out(), "{} of {count} requests arrived", received.len());
        received.clone()
    }
}

/// Reads requests of a connection until the client closes it.
fn answer(stream: TcpStream, shared: &Shared) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut writer = stream;
    while let Some((path, headers, body)) = read(&mut reader) {
        let (status, lines) = shared.answers.lock().unwrap().pop_front().unwrap_or((204, String::new()));
        shared.received.lock().unwrap().push(Received { path, headers, body, status });
        shared.arrived.notify_all();
        let head = format!("HTTP/1.1 {status} Status\r\ncontent-length: 0\r\n{lines}\r\n");
        if writer.write_all(head.as_bytes()).is_err() {
            return;
        }
    }
}

fn read(reader: &mut impl BufRead) -> Option<(String, BTreeMap<String, String>, String)> {
    let mut first = String::new();
    reader.read_line(&mut first).ok().filter(|length| *length > 0)?;
    let path = first.split(' ').nth(1)?.to_owned();
    let mut headers = BTreeMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        headers.insert(name.to_lowercase(), value.trim().to_owned());
    }
    let length = headers.get("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some((path, headers, String::from_utf8(body).ok()?))
}
