//! Tests of the commands that keep names, indexes and the local store in order.

mod crowd;
mod index;
mod keep;
