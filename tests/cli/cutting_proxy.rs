//! A TCP proxy that cuts one connection on purpose, in front of a registry that does not.

#![allow(dead_code, clippy::unwrap_used, reason = "shared by several test programs")]

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Passes connections on to a registry. Its threads end with the test program.
pub(crate) struct CuttingProxy {
    host: String,
    plan: Arc<Plan>,
}

struct Plan {
    cut_after_bytes: u64,
    is_cut: AtomicBool,
    sent_bytes: AtomicU64,
}

impl CuttingProxy {
    /// Cuts the first connection over which `cut_after_bytes` went to the registry.
    pub(crate) fn start(registry: &str, cut_after_bytes: u64) -> Self {
        let plan = Plan { cut_after_bytes, is_cut: AtomicBool::new(false), sent_bytes: AtomicU64::new(0) };
        let (plan, registry) = (Arc::new(plan), registry.to_owned());
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let host = listener.local_addr().unwrap().to_string();
        let shared = Arc::clone(&plan);
        std::thread::spawn(move || {
            for client in listener.incoming() {
                pass_on(client.unwrap(), TcpStream::connect(&registry).unwrap(), &shared);
            }
        });
        Self { host, plan }
    }

    /// Host and port, as in a reference.
    pub(crate) fn host(&self) -> &str {
        &self.host
    }

    /// Whether a connection was cut.
    pub(crate) fn has_cut(&self) -> bool {
        self.plan.is_cut.load(Ordering::SeqCst)
    }

    /// How many bytes went to the registry.
    pub(crate) fn sent_bytes(&self) -> u64 {
        self.plan.sent_bytes.load(Ordering::SeqCst)
    }
}

fn pass_on(client: TcpStream, server: TcpStream, plan: &Arc<Plan>) {
    let (mut answers, mut receiver) = (server.try_clone().unwrap(), client.try_clone().unwrap());
    std::thread::spawn(move || {
        // Either side may be gone at any time.
        drop(std::io::copy(&mut answers, &mut receiver));
        drop(receiver.shutdown(Shutdown::Both));
    });
    let plan = Arc::clone(plan);
    std::thread::spawn(move || upward(client, server, &plan));
}

fn upward(mut client: TcpStream, mut server: TcpStream, plan: &Plan) {
    let (mut buffer, mut passed) = (vec![0; 64 * 1024], 0);
    while let Ok(count @ 1..) = client.read(&mut buffer) {
        if server.write_all(&buffer[..count]).is_err() {
            break;
        }
        passed += count as u64;
        plan.sent_bytes.fetch_add(count as u64, Ordering::SeqCst);
        if passed >= plan.cut_after_bytes && !plan.is_cut.swap(true, Ordering::SeqCst) {
            break;
        }
    }
    // The other side may have done so already.
    drop(client.shutdown(Shutdown::Both));
    drop(server.shutdown(Shutdown::Both));
}
