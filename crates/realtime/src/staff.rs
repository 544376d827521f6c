//! Pushes for those whose roles permit something.

use crate::{Push, Realtime, encoded};
use accounts::{Activity, Permission, recheck};
use platform::App;

impl Realtime {
    /// Pushes to every connection of this node whose member may do this, asked now: a role
    /// that was taken a moment ago counts no more. Ephemeral.
    pub async fn push_to_staff<P: Push>(&self, app: &App, permission: Permission, push: &P) {
        let Some(encoded) = encoded(push) else { return };
        for (actor, socket) in self.connections.all() {
            let now = recheck(app, actor, Activity::Background).await;
            if now.is_ok_and(|actor| actor.roles.may(permission)) {
                socket.send_expendable(encoded.clone());
            }
        }
    }
}
