//! The names of Docker Hub.

/// The names of Docker Hub: requests are sent to the last, and docker stores its credentials under a fourth.
pub const DOCKER_HUB: [&str; 3] = ["docker.io", "index.docker.io", "registry-1.docker.io"];
