//! A TCP proxy that simulates network faults in front of a registry: it cuts, stalls, delays, throttles and refuses
//! connections.

#![allow(dead_code, clippy::unwrap_used, reason = "shared by several test programs")]

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::future::select;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;

/// The fault of a connection.
#[derive(Clone, Copy, Debug)]
pub enum Trouble {
    None,
    /// The connection ends after so many bytes.
    Cut {
        way: Way,
        after_bytes: u64,
        end: End,
    },
    /// The connection stays open, but passes nothing after so many bytes.
    Stall {
        way: Way,
        after_bytes: u64,
    },
    /// All bytes are delayed.
    Delay(Duration),
    /// The throughput in each direction is limited.
    Cap {
        bytes_per_second: u32,
    },
    /// The connection ends before any byte passed.
    Refuse,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// To the registry.
    Up,
    /// From the registry.
    Down,
}

/// The form in which the client sees the end of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// A regular end (FIN).
    Close,
    /// A failure (RST), which also discards unread bytes.
    Reset,
}

/// A proxy in front of a registry; it ends when this is dropped.
pub struct FaultyProxy {
    host: String,
    traffic: Arc<Traffic>,
    // Ends the proxy when dropped.
    runtime: Option<Runtime>,
}

#[derive(Default)]
struct Traffic {
    up: AtomicU64,
    down: AtomicU64,
    troubles: AtomicUsize,
}

impl FaultyProxy {
    /// Starts a proxy. `plan` returns the fault of each connection, by the number of connections before it.
    pub fn start(registry: &str, plan: impl Fn(usize) -> Trouble + Send + 'static) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let host = listener.local_addr().unwrap().to_string();
        let traffic = Arc::new(Traffic::default());
        runtime.spawn(serve(listener, registry.to_owned(), plan, Arc::clone(&traffic)));
        Self { host, traffic, runtime: Some(runtime) }
    }

    /// Host and port, as in a reference.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The number of connections whose fault has happened.
    pub fn troubles(&self) -> usize {
        self.traffic.troubles.load(Ordering::SeqCst)
    }

    /// The number of bytes that were passed to the registry.
    pub fn sent_bytes(&self) -> u64 {
        self.traffic.up.load(Ordering::SeqCst)
    }

    /// The number of bytes that were passed from the registry.
    pub fn received_bytes(&self) -> u64 {
        self.traffic.down.load(Ordering::SeqCst)
    }
}

impl Drop for FaultyProxy {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// Pseudo-random faults, the same for the same seed. The connections after the first `troubled` have none, so that
/// every transfer ends eventually. There are no stalls: `kit` waits half a minute before it gives up a connection.
pub fn random_plan(seed: u64, troubled: usize) -> impl Fn(usize) -> Trouble {
    move |connection| {
        let number = splitmix(seed ^ splitmix(connection as u64));
        let way = if number >> 8 & 1 == 0 { Way::Up } else { Way::Down };
        let end = if number >> 9 & 1 == 0 { End::Close } else { End::Reset };
        // 2 KiB to 4 MiB, as many small ones as large ones.
        let after_bytes = 2048 << (number >> 10 & 7) | number >> 16 & 2047 | (number >> 32 & 3) << 19;
        match number % 8 {
            _ if connection >= troubled => Trouble::None,
            // The first connection always has a fault, so that every plan has one.
            _ if connection == 0 => Trouble::Refuse,
            0 => Trouble::Refuse,
            1 => Trouble::Delay(Duration::from_millis(number >> 40 & 31)),
            2 => Trouble::Cap { bytes_per_second: 1_000_000 },
            3 => Trouble::None,
            _ => Trouble::Cut { way, after_bytes, end },
        }
    }
}

/// Vigna's splitmix64: adjacent numbers give unrelated results.
fn splitmix(number: u64) -> u64 {
    let mut mixed = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

async fn serve(listener: TcpListener, registry: String, plan: impl Fn(usize) -> Trouble, traffic: Arc<Traffic>) {
    for number in 0.. {
        let (client, _) = listener.accept().await.unwrap();
        let trouble = plan(number);
        match TcpStream::connect(&registry).await {
            Ok(server) => drop(tokio::spawn(connection(client, server, trouble, Arc::clone(&traffic)))),
            // The registry has ended, as it does at the end of a test.
            Err(_) => drop(client),
        }
    }
}

async fn connection(mut client: TcpStream, mut server: TcpStream, trouble: Trouble, traffic: Arc<Traffic>) {
    if matches!(trouble, Trouble::Delay(_) | Trouble::Cap { .. } | Trouble::Refuse) {
        traffic.troubles.fetch_add(1, Ordering::SeqCst);
    }
    if !matches!(trouble, Trouble::Refuse) {
        let ((from_client, to_client), (from_server, to_server)) = (client.split(), server.split());
        let up = pass(from_client, to_server, trouble, (Way::Up, &traffic));
        let down = pass(from_server, to_client, trouble, (Way::Down, &traffic));
        select(pin!(up), pin!(down)).await;
    }
    if matches!(trouble, Trouble::Refuse | Trouble::Cut { end: End::Reset, .. }) {
        // Either side may be closed already.
        drop((client.set_zero_linger(), server.set_zero_linger()));
    }
}

/// Passes bytes until either side ends, or the fault happens.
async fn pass(
    mut from: impl AsyncReadExt + Unpin,
    mut to: impl AsyncWriteExt + Unpin,
    trouble: Trouble,
    (way, traffic): (Way, &Traffic),
) {
    let (mut buffer, mut left) = (vec![0; 32 * 1024], trouble.comes_after(way));
    loop {
        let limit = left.map_or(buffer.len(), |left| buffer.len().min(usize::try_from(left).unwrap()));
        if limit == 0 {
            traffic.troubles.fetch_add(1, Ordering::SeqCst);
            if let Trouble::Stall { .. } = trouble {
                std::future::pending::<()>().await;
            }
            return;
        }
        let Ok(count @ 1..) = from.read(&mut buffer[..limit]).await else { return };
        tokio::time::sleep(trouble.pause(count)).await;
        if to.write_all(&buffer[..count]).await.is_err() {
            return;
        }
        left = left.map(|left| left - count as u64);
        let passed = if way == Way::Up { &traffic.up } else { &traffic.down };
        passed.fetch_add(count as u64, Ordering::SeqCst);
    }
}

impl Trouble {
    /// The number of bytes in this direction before the fault, if it happens at a certain byte.
    fn comes_after(self, direction: Way) -> Option<u64> {
        match self {
            Self::Cut { way, after_bytes, .. } | Self::Stall { way, after_bytes } if way == direction => {
                Some(after_bytes)
            }
            _ => None,
        }
    }

    /// The time that so many bytes take.
    fn pause(self, count: usize) -> Duration {
        match self {
            Self::Delay(pause) => pause,
            Self::Cap { bytes_per_second } => Duration::from_secs(1) / bytes_per_second * u32::try_from(count).unwrap(),
            _ => Duration::ZERO,
        }
    }
}
