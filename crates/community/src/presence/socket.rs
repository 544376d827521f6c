use super::{MemberPresence, presence_of};
use accounts::MemberId;
use base::{FieldError, Result, error::Error, error::Kind, input};
use platform::AppState;
use realtime::{Sockets, Speaker};
use schemars::JsonSchema;
use serde::Serialize;

/// Members that can be asked about at once.
const MOST: usize = 100;

pub fn sockets() -> Sockets {
    Sockets::new("presence")
        .on(
            "presence:of",
            list_members,
            "Whether members are there, or when they last were",
        )
        .whom("every member; hears what each lets them know")
}

input! {
    /// About whom.
    pub struct PresenceOf {
        /// At most 100.
        pub members: Vec<MemberId>,
    }
}

/// Those of them whom the caller may know.
#[derive(Debug, Serialize, JsonSchema)]
struct MembersPresence {
    members: Vec<MemberPresence>,
}

async fn list_members(app: AppState, speaker: Speaker, of: PresenceOf) -> Result<MembersPresence> {
    if of.members.len() > MOST {
        return Err(Error::new(Kind::Invalid, "invalid").field(FieldError {
            pointer: "/members".to_owned(),
            code: "out_of_range",
            args: vec![("min", "0".to_owned()), ("max", MOST.to_string())],
        }));
    }
    Ok(MembersPresence {
        members: presence_of(&app, speaker.id, &of.members).await?,
    })
}
