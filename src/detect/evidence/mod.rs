//! Evidence: the reasons why one activity stands out among those of its score.
//!
//! [`ITEMS`] is the table of all items: a new one is a row there, a test in [`signs`] or [`owners`], and its
//! sentence. Points order activities of one score and never change the score itself. Nothing here keeps state.

pub mod activity;
pub mod owners;
pub mod signs;

/// A kind of evidence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum EvidenceItem {
    /// No host of the log or the baseline pushed to the owner before.
    NewOwner,
    /// Others pushed to the owner, but not this host and user.
    OwnerNewHere,
    /// The first push or upload of this host and user.
    FirstPush,
    /// An archive was made within half an hour before.
    Archive,
    /// That archive has a password.
    ArchivePassword,
    /// `git init` ran within half an hour before.
    GitInit,
    /// The working directory is one where anybody can write.
    StagingFolder,
    /// A credential is on a command line.
    Token,
    /// `--mirror` or `--all`.
    WholeRepository,
    /// Office, a script host, a service, the task scheduler or a web server is above it.
    UnusualParent,
    /// A program above it, or its own, is where anybody can write.
    WritableProgram,
    /// It ran as SYSTEM or a machine account.
    SystemAccount,
    /// The file's name is not the program's.
    RenamedTool,
    /// A search for secrets ran within half an hour before.
    SecretSearch,
    /// The owner looks like a trusted one.
    LookAlike,
    /// A hidden window or an encoded script.
    HiddenScript,
    /// The connection is to the API and not to the site.
    ApiHost,
    /// Its own command line is no push and sends nothing.
    NoPush,
    /// The same process went on to a host of downloads.
    Download,
    /// This host and user pushed to the owner on two earlier days.
    UsualOwner,
    /// Three or more hosts push to the owner.
    SharedOwner,
    /// An IDE is above it.
    IdeAbove,
    /// The configuration trusts the owner.
    TrustedOwner,
}

/// A row of the table of evidence.
#[derive(Clone, Copy, Debug)]
pub struct ItemRow {
    /// The item.
    pub item: EvidenceItem,
    /// Its name in rows and in the configuration.
    pub name: &'static str,
    /// Its words in a list: at most 16 columns.
    pub words: &'static str,
    /// Its points, -99 to 99, unless the configuration sets others.
    pub points: i8,
}

/// All items, in the order in which a list names them: the telling ones first.
pub const ITEMS: [ItemRow; 23] = [
    row(EvidenceItem::LookAlike, "look-alike", "LOOK-ALIKE", 3),
    row(EvidenceItem::NewOwner, "new-owner", "NEW owner", 3),
    row(EvidenceItem::SecretSearch, "secret-search", "secret search", 3),
    row(EvidenceItem::RenamedTool, "renamed-tool", "renamed tool", 3),
    row(EvidenceItem::Archive, "archive", "archive", 2),
    row(EvidenceItem::ArchivePassword, "archive-password", "with password", 1),
    row(EvidenceItem::UnusualParent, "unusual-parent", "odd parent", 2),
    row(EvidenceItem::WritableProgram, "writable-program", "odd program", 2),
    row(EvidenceItem::SystemAccount, "system-account", "as SYSTEM", 2),
    row(EvidenceItem::StagingFolder, "staging-folder", "in TEMP", 2),
    row(EvidenceItem::FirstPush, "first-push", "first push", 2),
    row(EvidenceItem::OwnerNewHere, "owner-new-here", "owner new here", 1),
    row(EvidenceItem::Token, "token", "token", 1),
    row(EvidenceItem::HiddenScript, "hidden-script", "hidden", 1),
    row(EvidenceItem::WholeRepository, "whole-repository", "--mirror", 1),
    row(EvidenceItem::GitInit, "git-init", "init", 1),
    row(EvidenceItem::ApiHost, "api-host", "API", 1),
    row(EvidenceItem::TrustedOwner, "trusted-owner", "ours", -2),
    row(EvidenceItem::UsualOwner, "usual-owner", "usual owner", -2),
    row(EvidenceItem::SharedOwner, "shared-owner", "shared owner", -1),
    row(EvidenceItem::IdeAbove, "ide-above", "IDE", -1),
    row(EvidenceItem::Download, "download", "download", -2),
    row(EvidenceItem::NoPush, "no-push", "no push", -4),
];

const fn row(item: EvidenceItem, name: &'static str, words: &'static str, points: i8) -> ItemRow {
    ItemRow { item, name, words, points }
}

impl EvidenceItem {
    /// Returns its row of the table.
    #[must_use]
    pub fn row(self) -> &'static ItemRow {
        // Every item has a row: a test holds it.
        ITEMS.iter().find(|row| row.item == self).unwrap_or(&ITEMS[0])
    }
}

/// The points of each item, as the configuration has them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Weights([i8; ITEMS.len()]);

impl Default for Weights {
    fn default() -> Self {
        Self(ITEMS.map(|row| row.points))
    }
}

impl Weights {
    /// Returns the points of an item.
    #[must_use]
    pub fn of(&self, item: EvidenceItem) -> i8 {
        let at = ITEMS.iter().position(|row| row.item == item);
        at.and_then(|at| self.0.get(at)).copied().unwrap_or(0)
    }

    /// Sets the points of an item by its name; false for a name that no item has.
    #[must_use]
    pub fn set(&mut self, name: &str, points: i8) -> bool {
        let at = ITEMS.iter().position(|row| row.name == name);
        let Some(slot) = at.and_then(|at| self.0.get_mut(at)) else { return false };
        *slot = points;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_item_has_one_row() {
        for number in 0..ITEMS.len() {
            let of_number = ITEMS.iter().filter(|row| row.item as usize == number);
            assert_eq!(of_number.count(), 1, "{number}");
        }
        for row in ITEMS {
            assert!(row.words.len() <= 16, "{}", row.words);
            assert_eq!(row.item.row().name, row.name);
            assert_eq!(Weights::default().of(row.item), row.points);
        }
    }

    #[test]
    fn points_are_set_by_name() {
        let mut weights = Weights::default();
        assert!(weights.set("token", 5));
        assert_eq!(weights.of(EvidenceItem::Token), 5);
        assert_eq!(weights.of(EvidenceItem::Archive), 2);
        assert!(!weights.set("tokens", 5));
    }
}
