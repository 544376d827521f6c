//! ALGO-1: the order of the ranked feed.
//!
//! `score = recency · e^(−hours / fade) + engagement · min(1, (likes + 2 comments + 3 shares) / full)
//!        + relationship · (1 own or friend, 0.7 followed) + relevance · (1 mentioned, 0.7 a hashtag or the city shared)`
//!
//! The weights add up to 1, so a score lies between 0 and 1.

use super::Why;
use platform::config::Ranking;

/// Who wrote it, to the reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relationship {
    Own,
    Friend,
    Followed,
}

/// What is known of a post and its reader.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Known {
    pub age_hours: f64,
    pub likes: i64,
    pub comments: i64,
    pub shares: i64,
    pub relationship: Relationship,
    pub mentions_reader: bool,
    /// It has a hashtag that the reader used lately.
    pub shares_hashtag: bool,
    /// It happened in the reader's city.
    pub in_readers_city: bool,
}

pub fn why(weights: &Ranking, known: &Known) -> Why {
    let recency = (-known.age_hours.max(0.0) / weights.feed_fade_hours).exp();
    let engagement = engagement(known.likes, known.comments, known.shares) / weights.feed_full_engagement;
    let (closeness, who) = match known.relationship {
        Relationship::Own => (1.0, "own"),
        Relationship::Friend => (1.0, "friend"),
        Relationship::Followed => (0.7, "followed"),
    };
    let (relevance, what) = match known {
        Known {
            mentions_reader: true,
            ..
        } => (1.0, "mentions_you"),
        Known {
            shares_hashtag: true, ..
        } => (0.7, "your_hashtag"),
        Known {
            in_readers_city: true,
            ..
        } => (0.7, "in_your_city"),
        _ => (0.0, "relevance"),
    };
    Why::of([
        ("recent", weights.feed_recency * recency),
        ("popular", weights.feed_engagement * engagement.min(1.0)),
        (who, weights.feed_relationship * closeness),
        (what, weights.feed_relevance * relevance),
    ])
}

/// Likes once, comments twice, shares three times.
pub fn engagement(likes: i64, comments: i64, shares: i64) -> f64 {
    (likes + 2 * comments + 3 * shares).max(0) as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    pub fn weights() -> Ranking {
        platform::Config::load(&platform::config::Sources::default())
            .unwrap()
            .0
            .ranking
    }

    const QUIET: Known = Known {
        age_hours: 0.0,
        likes: 0,
        comments: 0,
        shares: 0,
        relationship: Relationship::Followed,
        mentions_reader: false,
        shares_hashtag: false,
        in_readers_city: false,
    };

    fn score(known: Known) -> f64 {
        why(&weights(), &known).score
    }

    #[test]
    fn each_input_moves_the_score_its_way() {
        let base = score(QUIET);
        assert!(
            score(Known {
                age_hours: 24.0,
                ..QUIET
            }) < base
        );
        assert!(score(Known { likes: 1, ..QUIET }) > base);
        assert!(score(Known { comments: 1, ..QUIET }) > score(Known { likes: 1, ..QUIET }));
        assert!(score(Known { shares: 1, ..QUIET }) > score(Known { comments: 1, ..QUIET }));
        assert!(
            score(Known {
                relationship: Relationship::Friend,
                ..QUIET
            }) > base
        );
        assert!(
            score(Known {
                mentions_reader: true,
                ..QUIET
            }) > score(Known {
                shares_hashtag: true,
                ..QUIET
            })
        );
        assert!(
            score(Known {
                in_readers_city: true,
                ..QUIET
            }) > base
        );
    }

    #[test]
    fn the_reasons_say_what_the_score_is_made_of() {
        let known = Known {
            likes: 100,
            mentions_reader: true,
            age_hours: 24.0,
            ..QUIET
        };
        let why = why(&weights(), &known);
        let codes: Vec<_> = why.reasons.iter().map(|reason| reason.code).collect();
        assert_eq!(codes, ["popular", "mentions_you", "followed", "recent"]);
        // 0.30 + 0.20 + 0.25 · 0.7 + 0.25 / e
        assert!((why.score - 0.766_97).abs() < 0.001, "{}", why.score);
    }

    proptest! {
        #[test]
        fn a_score_lies_between_0_and_1(age in 0.0..1e6_f64, likes in 0..1_000_000_i64, comments in 0..100_000_i64,
                                        shares in 0..100_000_i64, mentioned: bool, hashtag: bool, city: bool) {
            let known = Known { age_hours: age, likes, comments, shares, mentions_reader: mentioned,
                                shares_hashtag: hashtag, in_readers_city: city, relationship: Relationship::Friend };
            let why = why(&weights(), &known);
            prop_assert!((0.0..=1.000_001).contains(&why.score));
            let sum: f64 = why.reasons.iter().map(|reason| reason.share).sum();
            prop_assert!((sum - why.score).abs() < 1e-9);
        }
    }
}
