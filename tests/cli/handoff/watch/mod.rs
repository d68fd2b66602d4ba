//! `kit watch`: what it notices and what it costs, and the delivery of events through every failure.

mod delivery;
mod events;
mod failures;
mod scene;
