//! `[evidence]`: the points of evidence, and `trusted-owners`.

use toml_edit::Item;

use super::{ConfigError, Source};
use crate::detect::evidence::owners::TrustedOwners;
use crate::detect::evidence::{ITEMS, Weights};
use crate::model::text::visible;

/// The table's name.
pub(super) const TABLE: &str = "evidence";
/// The key of the owners that are one's own.
pub(super) const TRUSTED_OWNERS: &str = "trusted-owners";
/// Owners that can be named.
const MAX_OWNERS: usize = 1000;
/// The most points of an item, either way.
const MAX_POINTS: i64 = 20;

/// Reads the table.
pub(super) fn weights(source: &Source<'_>, item: &Item) -> Result<Weights, ConfigError> {
    let table = source.table(TABLE, item)?;
    let mut weights = Weights::default();
    let names = ITEMS.map(|row| row.name);
    for (key, item) in table.iter() {
        if !names.contains(&key) {
            return Err(source.unknown_key(table, key, Some(TABLE), &names));
        }
        let points = item.as_integer().ok_or_else(|| source.wrong_type(key, item, "a whole number"))?;
        let points = i8::try_from(points).ok().filter(|points| i64::from(*points).abs() <= MAX_POINTS);
        let Some(points) = points else {
            let message =
                format!("`{key}` must be from -{MAX_POINTS} to {MAX_POINTS}; 0 takes no note of it");
            return Err(source.fault(item.span(), message));
        };
        // The name is one of the table's.
        let _ = weights.set(key, points);
    }
    Ok(weights)
}

/// Reads the owners.
pub(super) fn trusted_owners(source: &Source<'_>, item: &Item) -> Result<TrustedOwners, ConfigError> {
    let key = TRUSTED_OWNERS;
    let array = item.as_array().ok_or_else(|| source.wrong_type(key, item, "an array of owners"))?;
    if array.len() > MAX_OWNERS {
        return Err(source.fault(item.span(), format!("`{key}` can name {MAX_OWNERS} owners at most")));
    }
    let mut owners = Vec::with_capacity(array.len());
    for value in array {
        let Some(owner) = value.as_str() else {
            let message = format!("`{key}` must hold strings alone, not {}", value.type_name());
            return Err(source.fault(value.span(), message));
        };
        if let Some(fault) = owner_fault(owner) {
            let message = format!("`{}` in `{key}` is no owner: {fault}", visible(owner));
            return Err(source.fault(value.span(), message));
        }
        owners.push(owner);
    }
    Ok(TrustedOwners::new(owners))
}

/// Returns the fault of an owner, as a clause.
fn owner_fault(owner: &str) -> Option<&'static str> {
    if owner.contains("://") {
        return Some("leave the scheme out: `github.com/corp-example`");
    }
    let Some((host, name)) = owner.trim_end_matches('/').split_once('/') else {
        return Some("it is a host and an owner: `github.com/corp-example`");
    };
    if !host.contains('.') || host.contains(['@', ':', ' ']) {
        return Some("it begins with a whole host name: `github.com/corp-example`");
    }
    if name.is_empty() || name.contains(['/', ' ']) {
        return Some("it ends with the owner, without a repository: `github.com/corp-example`");
    }
    None
}
