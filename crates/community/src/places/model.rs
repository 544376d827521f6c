use crate::{media::MediaView, profiles::Author};
use base::{Timestamp, choice, ids};
use db::stored;
use platform::http::Versioned;
use schemars::JsonSchema;
use serde::Serialize;

ids! {
    /// Names a place.
    PlaceId;
}
stored!(ids: PlaceId);

choice! {
    /// What a place is.
    pub enum PlaceKind {
        Restaurant = "restaurant",
        Cafe = "cafe",
        Bar = "bar",
        /// Where people dance.
        Venue = "venue",
        School = "school",
        Shop = "shop",
        Hotel = "hotel",
        Other = "other",
    }
}
stored!(words: PlaceKind);

/// Ratings that every place is thought to have from the start, in the middle.
const PRIOR: i64 = 5;
/// The middle, in thousandths of a star.
const MIDDLE: i64 = 3_500;

/// By which lists are sorted, in thousandths of a star: the mean of the ratings and of [`PRIOR`] more
/// in the middle (a Bayesian average).
pub fn score(sum: i64, count: i64) -> i64 {
    (1_000 * sum + PRIOR * MIDDLE) / (count + PRIOR)
}

/// A place as a member sees it.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(rename = "RecommendedPlace")]
pub struct Place {
    pub id: PlaceId,
    pub name: String,
    pub kind: PlaceKind,
    pub description: String,
    pub address: String,
    pub city: String,
    /// Two letters (ISO 3166), when it is known.
    pub country: Option<String>,
    pub latitude: Option<f64>,
    pub longitude: Option<f64>,
    pub website: Option<String>,
    /// The mean of the ratings, 1 to 5; null without any.
    pub rating: Option<f64>,
    pub rating_count: i64,
    /// The reader's own stars.
    pub my_stars: Option<i64>,
    /// Who recommended it; null when they have left or the reader has nothing to do with them.
    pub recommended_by: Option<Author>,
    pub photos: Vec<MediaView>,
    pub created_at: Timestamp,
    pub edited_at: Option<Timestamp>,
    /// Only its author and staff see it.
    pub is_withheld: bool,
    pub version: i64,
    #[serde(skip)]
    pub score: i64,
    #[serde(skip)]
    pub is_mine: bool,
}

impl Versioned for Place {
    fn version(&self) -> i64 {
        self.version
    }
}

/// What somebody thinks of a place.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(rename = "PlaceRating")]
pub struct Rating {
    pub member: Author,
    pub stars: i64,
    pub body: String,
    pub created_at: Timestamp,
    pub edited_at: Option<Timestamp>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_ratings_are_drawn_to_the_middle() {
        assert_eq!(score(0, 0), MIDDLE);
        let (one_five, fifty_good) = (score(5, 1), score(225, 50));
        assert!(
            one_five > MIDDLE && one_five < fifty_good,
            "{one_five} {fifty_good}"
        );
        assert!(score(1, 1) < MIDDLE);
        assert!(score(5_000, 1_000) > 4_980);
    }
}
