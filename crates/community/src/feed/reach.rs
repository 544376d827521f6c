//! How far each reader's last page reached: the next one begins to look there.
//!
//! A remembered place makes a page cheaper and never wrong (see
//! `posts::store::feed`), so losing or mixing up places costs time alone.

use crate::posts::PostId;
use accounts::MemberId;
use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

/// Readers remembered; beyond it all begin anew.
const READERS: usize = 50_000;

#[derive(Debug, Default)]
pub struct Reach(Mutex<HashMap<MemberId, PostId>>);

impl Reach {
    pub fn of(&self, reader: MemberId) -> Option<PostId> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&reader)
            .copied()
    }

    pub fn remember(&self, reader: MemberId, oldest: PostId) {
        let mut readers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if readers.len() >= READERS {
            readers.clear();
        }
        readers.insert(reader, oldest);
    }
}
