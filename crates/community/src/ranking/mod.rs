//! How things are put in order, and why: pure functions of what is known, with
//! their weights in the settings (`ranking.*`).
//!
//! Nothing here asks a database or a clock; nothing here hides anything. What a
//! reader may see is decided before, where it is read. Each result names what
//! made it, so that "why am I seeing this?" has an answer that is true.
//!
//! * `feed`: ALGO-1, the order of the ranked feed
//! * `trend`: what is talked about now
//! * `closeness`: how close two friends are, 0 to 100
//! * `suggest`: ALGO-3, whom a member may know
//! * `moderation`: ALGO-5, how urgently a human should look at something

pub mod closeness;
pub mod feed;
pub mod moderation;
pub mod suggest;
pub mod trend;

use schemars::JsonSchema;
use serde::Serialize;

/// Why something stands where it stands.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[schemars(rename = "RankingWhy")]
pub struct Why {
    /// 0 to 1 in the feed and in suggestions, any number of at least 0 in trends.
    pub score: f64,
    /// What it is made of, the heaviest first. Together they are the score.
    pub reasons: Vec<Reason>,
}

/// One part of a score.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[schemars(rename = "RankingReason")]
pub struct Reason {
    /// A word that clients have a sentence for, such as `recent` or `friend`.
    pub code: &'static str,
    /// How much of the score it makes.
    pub share: f64,
}

impl Why {
    fn of(parts: impl IntoIterator<Item = (&'static str, f64)>) -> Why {
        let mut reasons: Vec<Reason> = parts
            .into_iter()
            .filter(|(_, share)| *share > 0.0)
            .map(|(code, share)| Reason { code, share })
            .collect();
        reasons.sort_by(|a, b| b.share.total_cmp(&a.share));
        Why {
            score: reasons.iter().map(|reason| reason.share).sum(),
            reasons,
        }
    }
}
