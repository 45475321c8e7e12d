//! The lines of a list: alarms first, then findings, or groups and the findings of those that are open. A line is looked up and not kept,
//! since a list can have a million of them.

use std::collections::HashSet;

use crate::store::list::listing::{Line, Listing};

/// Where the lines of a list are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lines {
    /// Alarms, before all others.
    alarms: usize,
    /// Lines after the alarms.
    length: usize,
    /// The line of each group's head.
    heads: Vec<usize>,
    is_grouped: bool,
}

impl Lines {
    /// The lines of a list whose groups of these keys are open.
    #[must_use]
    pub fn of(listing: &Listing, open: &HashSet<String>, alarms: usize) -> Self {
        if listing.query.group.is_none() {
            return Self { alarms, length: listing.findings.len(), ..Self::default() };
        }
        let mut length = 0;
        let head = |group: &crate::store::list::listing::Group| {
            let head = length;
            length += 1 + if open.contains(&group.key) { group.count } else { 0 };
            head
        };
        let heads = listing.groups.iter().map(head).collect();
        Self { alarms, length, heads, is_grouped: true }
    }

    /// How many there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.alarms + self.length
    }

    /// Whether it has no line.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The line of that number.
    #[must_use]
    pub fn get(&self, listing: &Listing, number: usize) -> Option<Line> {
        let Some(number) = number.checked_sub(self.alarms) else { return Some(Line::Alarm(number)) };
        if !self.is_grouped {
            return listing.findings.get(number).copied().map(Line::Finding);
        }
        if number >= self.length {
            return None;
        }
        let group = self.heads.partition_point(|head| *head <= number).checked_sub(1)?;
        match number - self.heads.get(group)? {
            0 => Some(Line::Group(group)),
            member => listing.members(group).get(member - 1).copied().map(Line::Finding),
        }
    }

    /// The number of a line.
    #[must_use]
    pub fn find(&self, listing: &Listing, line: Line) -> Option<usize> {
        if let Line::Alarm(number) = line {
            return Some(number).filter(|number| *number < self.alarms);
        }
        let number = match line {
            Line::Alarm(_) => None,
            Line::Group(group) => self.heads.get(group).copied(),
            Line::Finding(id) if !self.is_grouped => listing.findings.iter().position(|other| *other == id),
            Line::Finding(id) => self.heads.iter().enumerate().find_map(|(group, head)| {
                let next = self.heads.get(group + 1).copied().unwrap_or(self.length);
                // A closed group has its head alone.
                let members = listing.members(group).get(..next - head - 1)?;
                Some(head + 1 + members.iter().position(|other| *other == id)?)
            }),
        };
        number.map(|number| self.alarms + number)
    }
}
