//! Lists come in pages: `?limit=` and an opaque `?cursor=`, answered as
//! `{"items": [...], "next_cursor": "..." | null}`.
//!
//! A cursor names the last item of a page by the columns the list is sorted
//! by. It is fixed in length, so that every well-formed cursor is a place in
//! the list and none is an error.

use crate::input::{Check, Field};
use base64::{
    Engine, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::borrow::Cow;
use uuid::Uuid;

/// Takes left-over bits, so that any 22 characters are 16 bytes.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::URL_SAFE,
    GeneralPurposeConfig::new()
        .with_encode_padding(false)
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::RequireNone),
);

/// A place in a list sorted by id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor(pub Uuid);

impl Cursor {
    /// Before the first item of a list that shows the newest first.
    pub const NEWEST: Cursor = Cursor(Uuid::max());
}

impl Serialize for Cursor {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&BASE64.encode(self.0.as_bytes()))
    }
}

impl<'de> Deserialize<'de> for Cursor {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<str>::deserialize(deserializer)?;
        let bytes = BASE64.decode(text.as_bytes()).unwrap_or_default();
        Uuid::from_slice(&bytes)
            .map(Cursor)
            .map_err(|_| serde::de::Error::custom("expected a cursor of an earlier answer"))
    }
}

impl JsonSchema for Cursor {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        "Cursor".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "pattern": "^[A-Za-z0-9_-]{22}$"})
    }
}

impl Field for Cursor {}

/// A place in a list sorted by a time and an id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeCursor(pub crate::Timestamp, pub Uuid);

impl Serialize for TimeCursor {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut bytes = [0; 24];
        bytes[..8].copy_from_slice(&self.0.as_micros().to_be_bytes());
        bytes[8..].copy_from_slice(self.1.as_bytes());
        serializer.serialize_str(&BASE64.encode(bytes))
    }
}

impl<'de> Deserialize<'de> for TimeCursor {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<str>::deserialize(deserializer)?;
        let bytes = BASE64.decode(text.as_bytes()).unwrap_or_default();
        let bytes: [u8; 24] = bytes
            .try_into()
            .map_err(|_| serde::de::Error::custom("expected a cursor of an earlier answer"))?;
        let (time, id) = bytes.split_at(8);
        let micros = i64::from_be_bytes(time.try_into().expect("eight bytes"));
        // Any 24 bytes are a place; those beyond the calendar lie at its ends.
        let micros = micros.clamp(-62_135_596_800_000_000, 253_402_207_200_000_000);
        Ok(TimeCursor(
            crate::Timestamp::from_micros(micros),
            Uuid::from_slice(id).expect("sixteen bytes"),
        ))
    }
}

impl JsonSchema for TimeCursor {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        "TimeCursor".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "pattern": "^[A-Za-z0-9_-]{32}$"})
    }
}

impl Field for TimeCursor {}

/// How many items a page holds: 1 to 100, 20 unless asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Limit(u32);

impl Limit {
    pub const MAX: u32 = 100;

    pub const fn most() -> Limit {
        Limit(Self::MAX)
    }

    pub fn count(self) -> usize {
        self.0 as usize
    }
}

impl Default for Limit {
    fn default() -> Limit {
        Limit(20)
    }
}

impl Field for Limit {
    fn check(&mut self, check: &mut Check<'_>) {
        if !(1..=Self::MAX).contains(&self.0) {
            check.fail("out_of_range", &[("min", &1), ("max", &Self::MAX)]);
        }
    }
}

impl JsonSchema for Limit {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        "Limit".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "integer", "minimum": 1, "maximum": Self::MAX, "default": 20})
    }
}

crate::input! {
    /// Which page of a list sorted by id.
    #[derive(Clone, Copy)]
    pub struct Paging {
        /// How many items at most.
        #[serde(default)]
        pub limit: Limit,
        /// `next_cursor` of the page before.
        pub cursor: Option<Cursor>,
    }
}

impl Paging {
    /// The first page.
    pub fn first() -> Paging {
        Paging {
            limit: Limit::default(),
            cursor: None,
        }
    }

    /// The id that the page lies below, newest first.
    pub fn before(self) -> Uuid {
        self.cursor.unwrap_or(Cursor::NEWEST).0
    }

    /// How many rows to read: one more than the page, to know whether another follows.
    pub fn fetch(self) -> i64 {
        i64::from(self.limit.0) + 1
    }
}

/// A page of a list.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(rename = "{T}Page")]
pub struct Page<T, C = Cursor> {
    pub items: Vec<T>,
    /// Names the next page; null on the last.
    pub next_cursor: Option<C>,
}

impl<T: Clone> Page<T> {
    /// A part of a short list that is known as a whole: the cursor is the place in it.
    pub fn part(all: &[T], paging: Paging) -> Page<T> {
        let from = paging
            .cursor
            .map_or(0, |cursor| cursor.0.as_u128().min(all.len() as u128) as usize);
        let to = (from + paging.limit.count()).min(all.len());
        Page {
            items: all[from..to].to_vec(),
            next_cursor: (to < all.len()).then(|| Cursor(Uuid::from_u128(to as u128))),
        }
    }
}

impl<T, C> Page<T, C> {
    /// Makes a page of up to `limit + 1` rows; the extra one tells that another page follows.
    pub fn of(mut items: Vec<T>, limit: Limit, cursor: impl Fn(&T) -> C) -> Page<T, C> {
        let more = items.len() > limit.count();
        items.truncate(limit.count());
        let next_cursor = more.then(|| items.last().map(&cursor)).flatten();
        Page { items, next_cursor }
    }

    pub fn map<U>(self, view: impl FnMut(T) -> U) -> Page<U, C> {
        Page {
            items: self.items.into_iter().map(view).collect(),
            next_cursor: self.next_cursor,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_cursor_comes_back_as_it_was(bytes: [u8; 16], micros in -62_135_596_800_000_000_i64..253_402_207_200_000_000) {
            let id = Uuid::from_bytes(bytes);
            let text = serde_json::to_string(&Cursor(id)).unwrap();
            prop_assert_eq!(serde_json::from_str::<Cursor>(&text).unwrap(), Cursor(id));
            let place = TimeCursor(crate::Timestamp::from_micros(micros), id);
            let text = serde_json::to_string(&place).unwrap();
            prop_assert_eq!(serde_json::from_str::<TimeCursor>(&text).unwrap(), place);
        }

        #[test]
        fn every_well_formed_cursor_is_a_place(text in "[A-Za-z0-9_-]{22}", long in "[A-Za-z0-9_-]{32}") {
            prop_assert!(serde_json::from_value::<Cursor>(text.into()).is_ok());
            prop_assert!(serde_json::from_value::<TimeCursor>(long.into()).is_ok());
        }
    }

    #[test]
    fn a_page_names_the_next_only_when_there_is_one() {
        let limit = Limit(2);
        let id = |n: &u128| Cursor(Uuid::from_u128(*n));
        assert_eq!(Page::of(vec![3, 2], limit, id).next_cursor, None);
        let page = Page::of(vec![3, 2, 1], limit, id);
        assert_eq!(page.items, [3, 2]);
        assert_eq!(page.next_cursor, Some(id(&2)));
    }
}
