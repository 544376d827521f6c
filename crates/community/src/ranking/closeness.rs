//! How close two friends are, 0 to 100.
//!
//! Base, and 5 each event together (25 at most), 2 each message (20), 10 each dance (30),
//! 1 each reaction (10), 3 each comment (15); less 5 when nothing happened for 30 days and 15
//! after 90, cut to 0 to 100. The numbers are settings: `ranking.closeness_*`.

use platform::config::Ranking;
use schemars::JsonSchema;
use serde::Serialize;

/// What two friends did together.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Together {
    pub events: i64,
    pub messages: i64,
    pub dances: i64,
    pub reactions: i64,
    pub comments: i64,
    pub days_since_last: i64,
}

/// Closeness with its parts.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Closeness {
    /// 0 to 100.
    pub score: f64,
    pub events: f64,
    pub messages: f64,
    pub dances: f64,
    pub reactions: f64,
    pub comments: f64,
    /// Zero or less: what silence takes.
    pub silence: f64,
}

pub fn closeness(weights: &Ranking, known: Together) -> Closeness {
    let part = |count: i64, each: f64, most: f64| (count.max(0) as f64 * each).min(most);
    let parts = Closeness {
        score: 0.0,
        events: part(
            known.events,
            weights.closeness_event,
            weights.closeness_events_most,
        ),
        messages: part(
            known.messages,
            weights.closeness_message,
            weights.closeness_messages_most,
        ),
        dances: part(
            known.dances,
            weights.closeness_dance,
            weights.closeness_dances_most,
        ),
        reactions: part(
            known.reactions,
            weights.closeness_reaction,
            weights.closeness_reactions_most,
        ),
        comments: part(
            known.comments,
            weights.closeness_comment,
            weights.closeness_comments_most,
        ),
        silence: match known.days_since_last {
            ..=30 => 0.0,
            31..=90 => -weights.closeness_silence_30_days,
            _ => -weights.closeness_silence_90_days,
        },
    };
    let sum = weights.closeness_base
        + parts.events
        + parts.messages
        + parts.dances
        + parts.reactions
        + parts.comments
        + parts.silence;
    Closeness {
        score: sum.clamp(0.0, 100.0),
        ..parts
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn score(known: Together) -> f64 {
        let weights = platform::Config::load(&platform::config::Sources::default())
            .unwrap()
            .0
            .ranking;
        closeness(&weights, known).score
    }

    #[test]
    fn what_is_done_together_counts_up_to_its_most() {
        let none = Together::default();
        let base = score(none);
        assert!((base - 30.0).abs() < f64::EPSILON);
        assert!((score(Together { dances: 2, ..none }) - base - 20.0).abs() < f64::EPSILON);
        assert!((score(Together { dances: 9, ..none }) - base - 30.0).abs() < f64::EPSILON);
        assert!(
            (score(Together {
                reactions: 4,
                comments: 1,
                ..none
            }) - base
                - 7.0)
                .abs()
                < f64::EPSILON
        );
        assert!(
            (score(Together {
                days_since_last: 31,
                ..none
            }) - base
                + 5.0)
                .abs()
                < f64::EPSILON
        );
        assert!(
            (score(Together {
                days_since_last: 91,
                ..none
            }) - base
                + 15.0)
                .abs()
                < f64::EPSILON
        );
    }

    proptest! {
        #[test]
        fn it_stays_between_0_and_100(events in 0..999_i64, messages in 0..99_999_i64, dances in 0..99_i64,
                                      reactions in 0..9_999_i64, comments in 0..9_999_i64, days_since_last in 0..9_999_i64) {
            let known = Together { events, messages, dances, reactions, comments, days_since_last };
            prop_assert!((0.0..=100.0).contains(&score(known)));
        }
    }
}
