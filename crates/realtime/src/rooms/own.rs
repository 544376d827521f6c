//! A member's own stream, which the server enters for them.

use super::RoomKind;
use crate::streams::{Stream, StreamKind};
use accounts::{CurrentUser, MemberId};
use base::Result;
use platform::AppState;

pub(crate) struct Own;

impl RoomKind for Own {
    const KIND: StreamKind = StreamKind::User;

    async fn open(&self, _: &AppState, reader: &CurrentUser, name: &str) -> Result<Option<Stream>> {
        let own = Stream::user(reader.id);
        Ok(name
            .parse()
            .is_ok_and(|id: uuid::Uuid| own.id == id)
            .then_some(own))
    }

    async fn readers(&self, _: &AppState, stream: Stream, among: Vec<MemberId>) -> Result<Vec<MemberId>> {
        Ok(among.into_iter().filter(|member| member.0 == stream.id).collect())
    }
}
