use crate::posts::Post;
use base::{Cursor, input::Field};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::borrow::Cow;
use uuid::Uuid;

/// A place in the feed: the id that the page lies below and, in a ranked feed, how
/// many of the window that begins there were shown. Any 22 or 26 characters are a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FeedCursor {
    pub before: Uuid,
    pub shown: Option<u16>,
}

impl Serialize for FeedCursor {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.shown {
            None => Cursor(self.before).serialize(serializer),
            Some(shown) => {
                let place = serde_json::to_value(Cursor(self.before)).map_err(serde::ser::Error::custom)?;
                let place = place.as_str().unwrap_or_default();
                serializer.serialize_str(&format!("{place}{shown:04x}"))
            }
        }
    }
}

impl<'de> Deserialize<'de> for FeedCursor {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<str>::deserialize(deserializer)?;
        let wrong = || serde::de::Error::custom("expected a cursor of an earlier answer");
        let (place, shown) = match text.len() {
            22 => (&*text, None),
            26 if text.is_ascii() => {
                let (place, shown) = text.split_at(22);
                (place, Some(u16::from_str_radix(shown, 16).map_err(|_| wrong())?))
            }
            _ => return Err(wrong()),
        };
        let place: Cursor = serde_json::from_value(place.into()).map_err(|_| wrong())?;
        Ok(FeedCursor {
            before: place.0,
            shown,
        })
    }
}

impl JsonSchema for FeedCursor {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        "FeedCursor".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "pattern": "^[A-Za-z0-9_-]{22}([0-9a-f]{4})?$"})
    }
}

impl Field for FeedCursor {}

/// A page of the feed: like any other, with a place that also names a ranked one.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct FeedPage {
    pub items: Vec<Post>,
    /// Names the next page; null on the last.
    pub next_cursor: Option<FeedCursor>,
}
