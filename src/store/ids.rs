//! The ids of a store, and the epoch that they are valid in.
//!
//! Numbers are 32 bits, since a store can hold hundreds of millions of events. They stay the same while more comes in,
//! until a compaction gives them to others: see [`Held`](super::held::Held) for ids that outlive a call.

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(pub u32);

        impl $name {
            /// Returns the number as an index into a table.
            #[must_use]
            pub const fn index(self) -> usize {
                self.0 as usize
            }
        }
    };
}

id! {
    /// The number of an event, in order of arrival.
    EventId
}
id! {
    /// The number of a process, in order of appearance.
    ProcessId
}
id! {
    /// The number of a host or a parent in its [`DistinctTable`](super::events::distinct::DistinctTable).
    DistinctId
}
id! {
    /// The number of a finding, in order of arrival.
    FindingId
}
id! {
    /// The number of an activity: a git with its helpers, or one process.
    ActivityId
}
id! {
    /// The number of an `AddressJoin`.
    AddressJoinId
}

/// Counts the compactions of a store. Ids of two epochs have nothing in common.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Epoch(u64);

impl Epoch {
    pub(in crate::store) const fn next(self) -> Self {
        Self(self.0 + 1)
    }
}
