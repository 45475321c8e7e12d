//! How a console begins where a test or a bench asks for nothing in particular.

#![allow(
    clippy::expect_used,
    unreachable_pub,
    reason = "what is built in is there; each test crate is a module's root"
)]

use exfilscope::detect::exception::Exceptions;
use exfilscope::detect::pattern::Patterns;
use exfilscope::detect::profile::Profile;
use exfilscope::tui::state::Settings;
use exfilscope::tui::theme::{ColorSupport, Theme};

/// Sixteen colours, the built-in patterns, no exceptions and no case file.
pub fn settings(title: &str) -> Settings {
    let patterns = Patterns::new(None, None).expect("the built-in patterns compile");
    Settings {
        profile: Profile::Correlated,
        min_score: 2,
        patterns: patterns.clone(),
        saved: patterns,
        exceptions: Exceptions::default(),
        expired: Vec::new(),
        theme: Theme::load("ansi", None, ColorSupport::Ansi16).expect("the theme is built in"),
        theme_name: "ansi".to_owned(),
        theme_names: Theme::names(None),
        ascii: false,
        reveal_secrets: false,
        title: title.to_owned(),
        mouse: false,
        endless: None,
        case: None,
        keeper: None,
    }
}
