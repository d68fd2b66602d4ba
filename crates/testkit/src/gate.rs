//! A TCP proxy in front of a registry that runs a function before it passes the first connection.

use std::net::{Shutdown, TcpListener, TcpStream};

/// The proxy. Its threads end with the test program.
pub struct Gate {
    host: String,
}

impl Gate {
    /// Starts a proxy that calls `act` at the first connection.
    pub fn start(registry: &str, act: impl FnOnce() + Send + 'static) -> Self {
        let registry = registry.to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let host = listener.local_addr().unwrap().to_string();
        std::thread::spawn(move || {
            let mut act = Some(act);
            for client in listener.incoming() {
                if let Some(act) = act.take() {
                    act();
                }
                let (client, server) = (client.unwrap(), TcpStream::connect(&registry).unwrap());
                pass(client.try_clone().unwrap(), server.try_clone().unwrap());
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

fn pass(mut from: TcpStream, mut to: TcpStream) {
    std::thread::spawn(move || {
        // Either side may be closed at any time.
        drop(std::io::copy(&mut from, &mut to));
        drop(to.shutdown(Shutdown::Both));
    });
}
