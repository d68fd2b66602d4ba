//! Tests of what reaches the people who are concerned: owners, verdicts, news, impact, subsets, deployment,
//! watches.

mod approvals;
mod deploy;
mod evaluation;
mod impact;
mod news;
mod owners;
mod promotions;
mod recall;
mod story;
mod subset;
mod verdict;
mod watch;
