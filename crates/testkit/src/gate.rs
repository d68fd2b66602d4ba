//! A TCP proxy in front of a registry that runs a function before it passes the first request of an upload.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// The proxy. Its threads end with the test program.
pub struct Gate {
    host: String,
}

impl Gate {
    /// Starts a proxy that calls `act` at the first POST.
    pub fn start(registry: &str, act: impl FnOnce() + Send + 'static) -> Self {
        let registry = registry.to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let host = listener.local_addr().unwrap().to_string();
        std::thread::spawn(move || {
            let act = Arc::new(Mutex::new(Some(act)));
            for client in listener.incoming() {
                let (client, server) = (client.unwrap(), TcpStream::connect(&registry).unwrap());
                pass_requests(client.try_clone().unwrap(), server.try_clone().unwrap(), Arc::clone(&act));
                pass(server, client);
            }
        });
        Self { host }
    }

    /// Host and port, as in a reference.
    pub fn host(&self) -> &str {
        &self.host
    }
}

/// Passes what a client sends. The head of a request begins a piece, because clients wait for the answer before it.
fn pass_requests(mut from: TcpStream, mut to: TcpStream, act: Arc<Mutex<Option<impl FnOnce() + Send + 'static>>>) {
    std::thread::spawn(move || {
        let mut buffer = vec![0; 64 * 1024];
        while let Ok(length @ 1..) = from.read(&mut buffer) {
            if buffer.starts_with(b"POST")
                && let Some(act) = act.lock().unwrap().take()
            {
                act();
            }
            if to.write_all(&buffer[..length]).is_err() {
                break;
            }
        }
        drop(to.shutdown(Shutdown::Both));
    });
}

fn pass(mut from: TcpStream, mut to: TcpStream) {
    std::thread::spawn(move || {
        // Either side may be closed at any time.
        drop(std::io::copy(&mut from, &mut to));
        drop(to.shutdown(Shutdown::Both));
    });
}
