#![doc = include_str!("../README.md")]

pub mod blocks;
pub mod comments;
pub mod companions;
pub mod crossings;
pub mod custom_roles;
pub mod events;
pub mod feed;
pub mod follows;
pub mod friends;
pub mod groups;
pub mod media;
pub mod memories;
pub mod messages;
pub mod moderation;
pub mod mutes;
pub mod newcomers;
pub mod notices;
pub mod notifications;
pub mod places;
pub mod posts;
pub mod presence;
pub mod profiles;
pub mod ranking;
pub mod reactions;
pub mod reports;
pub mod rooms;
pub mod saved;
pub mod search;
pub mod settings;
pub mod statistics;
pub mod stories;
#[cfg(test)]
mod tests;
pub mod trending;
pub mod webhooks;

use platform::{AppState, Config, belongings::Table, http::Routes, tasks::Tasks};
use realtime::Sockets;
use supervisor::Plan;

/// Every route of the community.
pub fn routes() -> Routes {
    Routes::default()
        .merge(profiles::routes())
        .merge(settings::routes())
        .merge(follows::routes())
        .merge(friends::routes())
        .merge(presence::routes())
        .merge(blocks::routes())
        .merge(mutes::routes())
        .merge(places::routes())
        .merge(posts::routes())
        .merge(companions::routes())
        .merge(comments::routes())
        .merge(reactions::routes())
        .merge(saved::routes())
        .merge(reports::routes())
        .merge(moderation::routes())
        .merge(notices::routes())
        .merge(custom_roles::routes())
        .merge(crossings::routes())
        .merge(statistics::routes())
        .merge(stories::routes())
        .merge(trending::routes())
        .merge(memories::routes())
        .merge(feed::routes())
        .merge(events::routes())
        .merge(groups::routes())
        .merge(rooms::routes())
        .merge(messages::routes())
        .merge(search::routes())
        .merge(notifications::routes())
        .merge(media::routes())
        .merge(webhooks::routes())
}

/// What of the community's tables belongs to a member, in the order in which it leaves: groups before
/// their rooms, words before the rooms they stand in, posts before what hangs on them.
pub fn belongings() -> Vec<Table> {
    [
        webhooks::belongings(),
        notifications::belongings(),
        groups::belongings(),
        messages::belongings(),
        rooms::belongings(),
        reactions::belongings(),
        comments::belongings(),
        companions::belongings(),
        saved::belongings(),
        stories::belongings(),
        reports::belongings(),
        posts::belongings(),
        events::belongings(),
        places::belongings(),
        follows::belongings(),
        blocks::belongings(),
        mutes::belongings(),
        moderation::belongings(),
        newcomers::belongings(),
        notices::belongings(),
        custom_roles::belongings(),
        crossings::belongings(),
        statistics::belongings(),
        profiles::belongings(),
        media::belongings(),
        search::belongings(),
    ]
    .concat()
}

/// What members say and hear over sockets.
pub fn sockets() -> Sockets {
    posts::sockets()
        .merge(blocks::sockets())
        .merge(rooms::sockets())
        .merge(messages::sockets())
        .merge(notifications::sockets())
        .merge(presence::sockets())
}

/// The background work of the community.
pub fn workers(app: &AppState) -> Vec<Plan> {
    let mut workers = vec![
        posts::push_worker(app),
        groups::cities_worker(app),
        stories::clean_up(app),
    ];
    workers.extend(moderation::workers(app));
    workers.extend([notices::worker(app), statistics::worker(app)]);
    workers.extend(search::workers(app));
    workers.extend(notifications::workers(app));
    workers.extend(media::workers(app));
    workers.extend(webhooks::workers(app));
    workers
}

/// The durable tasks that the community does.
pub fn tasks(tasks: Tasks, config: &Config) -> Tasks {
    tasks
        .with(media::Processing::new(config))
        .with(webhooks::Deliver::new(config))
        .with(notifications::Pusher)
}
