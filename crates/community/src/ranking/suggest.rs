//! ALGO-3: whom a member may know.
//!
//! `score = mutual · min(1, mutual friends / full) + interests · (shared roles and languages / all of them)
//!        + proximity · (1 same city, 0.4 same country) + activity · (1 posted this week, 0.5 this month)`
//!
//! Mutual friends count fully from `ranking.suggest_full_mutual` on.

use super::Why;
use platform::config::Ranking;

/// What is known of a member and somebody they may know.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Known {
    pub mutual_friends: i64,
    /// 0 to 1: of the tango roles and languages that either has, those that both have.
    pub interests: f64,
    pub same_city: bool,
    pub same_country: bool,
    /// Since their last post, if there is one.
    pub days_since_post: Option<i64>,
}

pub fn why(weights: &Ranking, known: &Known) -> Why {
    let mutual = (known.mutual_friends.max(0) as f64 / weights.suggest_full_mutual).min(1.0);
    let (near, place) = match known {
        Known { same_city: true, .. } => (1.0, "same_city"),
        Known {
            same_country: true, ..
        } => (0.4, "same_country"),
        _ => (0.0, "proximity"),
    };
    let activity = match known.days_since_post {
        Some(..=7) => 1.0,
        Some(..=30) => 0.5,
        _ => 0.0,
    };
    Why::of([
        ("mutual_friends", weights.suggest_mutual * mutual),
        (
            "interests",
            weights.suggest_interests * known.interests.clamp(0.0, 1.0),
        ),
        (place, weights.suggest_proximity * near),
        ("active", weights.suggest_activity * activity),
    ])
}

/// Of the words that either has, the share that both have.
pub fn overlap(one: &str, other: &str) -> f64 {
    let words = |text: &str| {
        text.split_whitespace()
            .map(str::to_owned)
            .collect::<std::collections::BTreeSet<_>>()
    };
    let (one, other) = (words(one), words(other));
    let all = one.union(&other).count();
    if all == 0 {
        return 0.0;
    }
    one.intersection(&other).count() as f64 / all as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mutual_friends_weigh_most_and_a_city_more_than_a_country() {
        let weights = platform::Config::load(&platform::config::Sources::default())
            .unwrap()
            .0
            .ranking;
        let score = |known: Known| why(&weights, &known).score;
        let nothing = Known::default();
        assert!(score(nothing).abs() < f64::EPSILON);
        let friends = Known {
            mutual_friends: 10,
            ..nothing
        };
        assert!((score(friends) - 0.4).abs() < 1e-9);
        assert!(
            (score(Known {
                mutual_friends: 99,
                ..nothing
            }) - 0.4)
                .abs()
                < 1e-9
        );
        assert!(
            score(Known {
                same_city: true,
                same_country: true,
                ..nothing
            }) > score(Known {
                same_country: true,
                ..nothing
            })
        );
        assert!(
            score(Known {
                days_since_post: Some(3),
                ..nothing
            }) > score(Known {
                days_since_post: Some(20),
                ..nothing
            })
        );
        assert_eq!(why(&weights, &friends).reasons[0].code, "mutual_friends");
    }

    #[test]
    fn interests_are_what_both_share_of_all() {
        assert!((overlap("dancer dj", "dj host") - 1.0 / 3.0).abs() < 1e-9);
        assert!(overlap("", "").abs() < f64::EPSILON);
        assert!((overlap("es en", "en es") - 1.0).abs() < f64::EPSILON);
    }
}
