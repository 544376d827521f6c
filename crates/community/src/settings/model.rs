use base::{choice, input};
use platform::http::Versioned;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

choice! {
    /// Light or dark.
    #[derive(Default)]
    #[schemars(rename = "SettingsTheme")]
    pub enum Theme {
        #[default]
        System = "system",
        Light = "light",
        Dark = "dark",
    }
}

choice! {
    /// How large texts are.
    #[derive(Default)]
    #[schemars(rename = "SettingsTextSize")]
    pub enum TextSize {
        #[default]
        Normal = "normal",
        Large = "large",
        Larger = "larger",
    }
}

choice! {
    /// From whom somebody wants to hear.
    #[derive(Default)]
    #[schemars(rename = "SettingsAudience")]
    pub enum Audience {
        #[default]
        Everybody = "everybody",
        /// Members with whom they share a friend, friends among them.
        FriendsOfFriends = "friends_of_friends",
        Friends = "friends",
        Nobody = "nobody",
    }
}

/// How a member wants the app to be.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Settings {
    pub theme: Theme,
    pub text_size: TextSize,
    pub reduce_motion: bool,
    pub high_contrast: bool,
    /// Who may write to them first. Conversations that are there go on.
    pub messages_from: Audience,
    /// Who may ask them to be friends.
    pub friend_requests_from: Audience,
    #[serde(skip)]
    pub version: i64,
}

impl Versioned for Settings {
    fn version(&self) -> i64 {
        self.version
    }
}

input! {
    /// What to change; what is left out stays.
    #[derive(Clone)]
    pub struct SettingsChanges {
        pub theme: Option<Theme>,
        pub text_size: Option<TextSize>,
        pub reduce_motion: Option<bool>,
        pub high_contrast: Option<bool>,
        pub messages_from: Option<Audience>,
        pub friend_requests_from: Option<Audience>,
    }
}

impl SettingsChanges {
    pub fn over(self, before: Settings) -> Settings {
        Settings {
            theme: self.theme.unwrap_or(before.theme),
            text_size: self.text_size.unwrap_or(before.text_size),
            reduce_motion: self.reduce_motion.unwrap_or(before.reduce_motion),
            high_contrast: self.high_contrast.unwrap_or(before.high_contrast),
            messages_from: self.messages_from.unwrap_or(before.messages_from),
            friend_requests_from: self.friend_requests_from.unwrap_or(before.friend_requests_from),
            version: before.version,
        }
    }
}

/// What is asked about before somebody may approach a member.
#[derive(Clone, Copy, Debug)]
pub struct Between {
    pub are_friends: bool,
    pub share_a_friend: bool,
}

impl Audience {
    pub fn includes(self, between: Between) -> bool {
        match self {
            Audience::Everybody => true,
            Audience::FriendsOfFriends => between.are_friends || between.share_a_friend,
            Audience::Friends => between.are_friends,
            Audience::Nobody => false,
        }
    }
}
