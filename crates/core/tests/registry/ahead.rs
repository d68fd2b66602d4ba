//! Connections that are opened before their requests.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use kit_core::oci::Source;
use kit_core::registry::{Repository, Settings};

use crate::support::{client, manifest, reference, settings};
use kit_testkit::faulty_proxy::{FaultyProxy, Trouble};
use kit_testkit::registry::FakeRegistry;

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

/// A registry with a manifest, and a proxy that counts the connections to it.
struct Scene {
    registry: FakeRegistry,
    proxy: FaultyProxy,
    connections: Arc<AtomicUsize>,
}

impl Scene {
    fn new(trouble: impl Fn(usize) -> Trouble + Send + 'static) -> Self {
        let (registry, connections) = (FakeRegistry::start(), Arc::new(AtomicUsize::new(0)));
        registry.add_manifest("team/model", "v1", MANIFEST, &manifest("a"));
        let counter = Arc::clone(&connections);
        let proxy = FaultyProxy::start(registry.host(), move |number| {
            counter.store(number + 1, Ordering::SeqCst);
            trouble(number)
        });
        Self { registry, proxy, connections }
    }

    /// A repository with `count` connections that no request has used.
    fn ahead(&self, count: usize, settings: Settings) -> Repository {
        let repository = client(settings).repository(&reference(self.proxy.host()));
        Source::open_ahead(&repository, count);
        let begun = Instant::now();
        while self.connections() == 0 || begun.elapsed() < Duration::from_millis(200) {
            assert!(begun.elapsed() < Duration::from_secs(10), "no connection is opened");
            std::thread::sleep(Duration::from_millis(5));
        }
        repository
    }

    fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

#[test]
fn a_connection_that_was_opened_ahead_serves_the_next_request() {
    let scene = Scene::new(|_| Trouble::None);
    let repository = scene.ahead(1, settings());
    assert_eq!((scene.connections(), scene.registry.requests().len()), (1, 0));
    repository.resolve("v1").unwrap();
    assert_eq!((scene.connections(), scene.registry.requests().len()), (1, 1));
}

#[test]
fn no_more_connections_are_opened_ahead_than_allowed() {
    let scene = Scene::new(|_| Trouble::None);
    let repository = scene.ahead(9, Settings { concurrency: 3, ..settings() });
    repository.resolve("v1").unwrap();
    assert_eq!(scene.connections(), 2, "the third is for the caller");
}

#[test]
fn a_connection_that_ended_before_its_request_is_replaced() {
    let scene = Scene::new(|number| if number < 2 { Trouble::Refuse } else { Trouble::None });
    scene.ahead(2, settings()).resolve("v1").unwrap();
    assert_eq!(scene.registry.requests().len(), 1);
}
