//! Rooms: where members talk, and who is in them.
//!
//! A *direct* room belongs to two members and there is one for each pair, however
//! often it is opened. A *group* room is entered by invitation. An *open* room has
//! a short name (`hall`), and every member may read and speak in it; entering it
//! puts it on one's list. The owner and admins look after a room; a room that is
//! not empty always has an owner.
//!
//! What is never true: a room that tells somebody more than `policy` lets them
//! know; a direct room between two who blocked each other, to either of them; a
//! `member_count` that is not the number of rows with status `joined`.
//!
//! What is said in rooms is the slice `messages`; a group's own room is kept in
//! step by `groups`.

mod belongings;
mod http;
mod model;
pub(crate) mod ops;
pub(crate) mod policy;
mod signals;
pub(crate) mod store;
#[cfg(test)]
mod tests;

pub use belongings::belongings;
pub use http::routes;
pub use model::{
    ChatName, LastMessage, Membership, Role, Room, RoomId, RoomKind, RoomMember, RoomName, Standing, Status,
};
pub use ops::{create_group_room, enter_as, leave_as};
pub use signals::{MemberChanged, MemberJoined, MemberLeft, RoomAdded, RoomChanged, sockets};
