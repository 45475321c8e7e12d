//! Detection of a terminal without UTF-8, as far as the environment reports it.

use std::env;

/// Returns another character set than UTF-8 that the environment asks for. A terminal that reads UTF-8 as one of those
/// shows other letters, and finds control characters of eight bits in them, which it obeys. A locale without a
/// character set (`C`, or none at all over SSH and in containers) does not show which one the terminal uses.
pub(super) fn other_charset() -> Option<String> {
    if cfg!(windows) {
        return None;
    }
    charset_of(|name| env::var(name).ok())
}

fn charset_of(variable: impl Fn(&str) -> Option<String>) -> Option<String> {
    let locale =
        ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().filter_map(variable).find(|locale| !locale.is_empty())?;
    let (_, charset) = locale.split_once('.')?;
    let charset = charset.split('@').next().unwrap_or_default();
    let is_utf8 = ["utf8", "utf-8", ""].iter().any(|name| charset.eq_ignore_ascii_case(name));
    (!is_utf8).then(|| charset.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_locale_that_is_set_says_what_the_terminal_takes() {
        for (locales, expected) in [
            (["", "", "de_DE.UTF-8"], None),
            (["", "", "de_DE.ISO-8859-1"], Some("ISO-8859-1")),
            (["", "", "de_DE.ISO-8859-15@euro"], Some("ISO-8859-15")),
            (["C.utf8", "ru_RU.KOI8-R", "de_DE.ISO-8859-1"], None),
            (["", "ru_RU.KOI8-R", "de_DE.UTF-8"], Some("KOI8-R")),
            (["C", "ru_RU.KOI8-R", ""], None),
            (["", "", ""], None),
        ] {
            let [all, ctype, lang] = locales;
            let variable = |name: &str| match name {
                "LC_ALL" => Some(all.to_owned()),
                "LC_CTYPE" => Some(ctype.to_owned()),
                _ => Some(lang.to_owned()),
            };
            assert_eq!(charset_of(variable).as_deref(), expected, "{locales:?}");
        }
        assert_eq!(charset_of(|_| None), None);
    }
}
