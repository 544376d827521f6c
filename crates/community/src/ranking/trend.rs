//! What is talked about now: engagement, fading with age as a stone sinks.
//!
//! `trend = engagement / (hours + 2)^1.5`: a post of two hours needs a fifth of the
//! engagement of one of ten.

use super::{Why, feed::engagement};

/// The trend of a post, with what members did to make it.
pub fn why(likes: i64, comments: i64, shares: i64, age_hours: f64) -> Why {
    let fading = (age_hours.max(0.0) + 2.0).powf(1.5);
    Why::of([
        ("reactions", engagement(likes, 0, 0) / fading),
        ("comments", engagement(0, comments, 0) / fading),
        ("shares", engagement(0, 0, shares) / fading),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn new_talk_beats_old_talk() {
        let trend = |likes, comments, shares, hours| why(likes, comments, shares, hours).score;
        assert!(trend(10, 0, 0, 1.0) > trend(30, 0, 0, 12.0));
        assert!(trend(0, 1, 0, 1.0) > trend(1, 0, 0, 1.0));
        assert!(trend(0, 0, 0, 0.0).abs() < f64::EPSILON);
        let codes: Vec<_> = why(1, 3, 1, 1.0)
            .reasons
            .iter()
            .map(|reason| reason.code)
            .collect();
        assert_eq!(codes, ["comments", "shares", "reactions"]);
    }
}
