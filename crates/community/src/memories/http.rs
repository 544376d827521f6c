use super::{model::MemoryStats, store};
use accounts::CurrentUser;
use platform::{
    AppState,
    http::{Json, Result, Routes},
};

pub fn routes() -> Routes {
    Routes::new("memories").get(
        "/memories/stats",
        "show_memory_stats",
        show_memory_stats,
        "What my memories add up to",
    )
}

async fn show_memory_stats(app: AppState, actor: CurrentUser) -> Result<Json<MemoryStats>> {
    let memories = store::memories(&app.db, actor.id).await?;
    Ok(Json(MemoryStats::of(&memories)))
}
