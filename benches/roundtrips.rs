//! Requests and times of push, pull and list on a slow line: `cargo bench --bench roundtrips`.
//!
//! A proxy delays every byte by 80 ms in each direction. With `KITOPS` set to the path of KitOps's binary, its push of
//! the same files is measured too.

#![allow(clippy::disallowed_methods, reason = "the path of KitOps comes from the environment")]
#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a program that is run by hand")]

use std::process::Command;
use std::time::{Duration, Instant};

use kit_testkit::faulty_proxy::{FaultyProxy, Trouble};
use kit_testkit::registry::FakeRegistry;
use kit_testkit::sandbox::Sandbox;

const DELAY: Duration = Duration::from_millis(80);
const ROUNDS: usize = 3;

fn main() {
    for has_referrers_api in [false, true] {
        println!("registry {} the referrers API", if has_referrers_api { "with" } else { "without" });
        for _ in 0..ROUNDS {
            round(has_referrers_api);
        }
    }
}

fn round(has_referrers_api: bool) {
    let (sandbox, registry) = (Sandbox::new(), FakeRegistry::start());
    registry.configure(|options| options.referrers = has_referrers_api);
    let proxy = FaultyProxy::start(registry.host(), |_| Trouble::Delay(DELAY));
    let name = format!("{}/team/net:v1", proxy.host());
    sandbox.write(
        "project/Kitfile",
        "manifestVersion: 1.0.0\nmodel: {path: weights.bin}\ncode: [{path: run.py}]\ndatasets: [{path: train.csv}]\n",
    );
    for (file, text) in [("weights.bin", "weights"), ("run.py", "print()"), ("train.csv", "a,b")] {
        sandbox.write(&format!("project/{file}"), text);
    }
    sandbox.kit(&["pack", "project", "-t", &name]).ok();
    let measure = |label: &str, run: &dyn Fn()| {
        registry.forget_requests();
        let begun = Instant::now();
        run();
        println!("{label:12} {:3} requests, {:.2} s", registry.requests().len(), begun.elapsed().as_secs_f64());
    };
    let kit = |args: &[&str]| drop(sandbox.kit(&[args, &["--plain-http"]].concat()).ok());
    measure("push", &|| kit(&["push", &name]));
    measure("push again", &|| kit(&["push", &name]));
    sandbox.kit(&["remove", &name, "--force"]).ok();
    measure("pull", &|| kit(&["pull", &name]));
    measure("pull again", &|| kit(&["pull", &name]));
    measure("list", &|| kit(&["list", &name]));
    if let Some(kitops) = std::env::var_os("KITOPS") {
        let other = format!("{}/team/other:v1", proxy.host());
        let run = |args: &[&str]| {
            let mut command = Command::new(&kitops);
            command.args(args).current_dir(sandbox.path("")).env("KITOPS_HOME", sandbox.path("kitops"));
            assert!(command.output().unwrap().status.success(), "{args:?}");
        };
        run(&["pack", "project", "-t", &other]);
        measure("KitOps push", &|| run(&["push", &other, "--plain-http"]));
    }
}
