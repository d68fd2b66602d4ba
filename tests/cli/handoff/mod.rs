//! Tests of what reaches the people who are concerned: owners, verdicts, news, impact, subsets, deployment,
//! watches.

mod deploy;
mod evaluation;
mod impact;
mod news;
mod owners;
mod story;
mod subset;
mod verdict;
mod watch;
