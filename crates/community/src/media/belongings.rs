//! What of this slice's tables belongs to a member: see [`platform::belongings`].

use super::{clean_up, store, urls::Signer};
use accounts::MemberId;
use base::{Cursor, Paging, Result, error::internal, page::Limit};
use platform::{
    AppState,
    belongings::{Leaves, Table, Told},
    leaves, told,
};
use serde_json::Value;
use uuid::Uuid;

pub fn belongings() -> Vec<Table> {
    vec![
        Table::new(
            "media",
            // With the addresses where the bytes can be fetched.
            Told::By(|app, member, last| Box::pin(async move { page(&app, MemberId(member), last).await })),
            // Nobody sees them from here on; a worker deletes the bytes, and then the rows.
            Leaves::By(|app, tx, member| {
                Box::pin(async move {
                    clean_up::wake_on_commit(&app, &tx);
                    store::forget(&tx, MemberId(member), app.clock.now())
                        .await
                        .map(|()| 0)
                })
            }),
        ),
        Table::new(
            "media_part",
            Told::Nothing("where the bytes of files lie"),
            Leaves::With("media"),
        ),
        Table::new(
            "media_usage",
            told!("media_usage" of "member_id": used_bytes Whole),
            leaves!("media_usage" of "member_id"),
        ),
    ]
}

async fn page(app: &AppState, member: MemberId, last: Option<Value>) -> Result<Vec<Value>> {
    let last = last.and_then(|row| row["id"].as_str()?.parse::<Uuid>().ok());
    let paging = Paging {
        limit: Limit::default(),
        cursor: last.map(Cursor),
    };
    let signer = Signer::of(app);
    let rows = store::list_own(&app.db, member, paging, app.clock.now()).await?;
    rows.iter()
        .map(|row| serde_json::to_value(row.for_owner(&signer)?).map_err(internal))
        .collect()
}
