//! The configuration file of the program.

#![no_main]

use kit::fuzz_config_file;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| fuzz_config_file(text));
