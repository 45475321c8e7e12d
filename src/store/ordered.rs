//! Events in an order that their own fields give, four bytes each: sorted in chunks, so that one that comes late is put
//! in its place without moving all that come after it.

use crate::store::ids::EventId;

/// Events of a chunk before it is cut in two. Tests cut far sooner.
const MAX_CHUNK: usize = if cfg!(test) { 4 } else { 512 };

/// Events in order. The caller gives the order with each call, always the same one.
#[derive(Debug, Default)]
pub(super) struct Ordered {
    chunks: Vec<Vec<EventId>>,
}

impl Ordered {
    /// Adds an event after those for which `is_before` holds, which are the first ones of the order.
    pub(super) fn insert(&mut self, event: EventId, is_before: impl Fn(EventId) -> bool) {
        let behind =
            self.chunks.partition_point(|chunk| chunk.first().is_some_and(|first| is_before(*first)));
        let Some(chunk) = self.chunks.get_mut(behind.saturating_sub(1)) else {
            if self.chunks.is_empty() {
                self.chunks.reserve_exact(1);
            }
            self.chunks.push(vec![event]);
            return;
        };
        chunk.insert(chunk.partition_point(|other| is_before(*other)), event);
        if chunk.len() > MAX_CHUNK {
            let half = chunk.split_off(chunk.len() / 2);
            self.chunks.insert(behind.max(1), half);
        }
    }

    /// Returns the last event for which `is_before` holds, and the first for which it does not.
    pub(super) fn around(&self, is_before: impl Fn(EventId) -> bool) -> (Option<EventId>, Option<EventId>) {
        let behind =
            self.chunks.partition_point(|chunk| chunk.first().is_some_and(|first| is_before(*first)));
        let Some(chunk) = behind.checked_sub(1).and_then(|at| self.chunks.get(at)) else {
            return (None, self.chunks.first().and_then(|chunk| chunk.first()).copied());
        };
        let at = chunk.partition_point(|other| is_before(*other));
        let next = || self.chunks.get(behind).and_then(|chunk| chunk.first());
        (chunk.get(at.wrapping_sub(1)).copied(), chunk.get(at).or_else(next).copied())
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.chunks.is_empty()
    }

    /// Returns roughly its heap bytes: chunks are half full or more.
    pub(super) fn bytes(&self) -> usize {
        let chunks = self.chunks.capacity() * size_of::<Vec<EventId>>();
        match self.chunks.as_slice() {
            [one] => chunks + one.capacity() * size_of::<EventId>(),
            several => chunks + several.len() * MAX_CHUNK * size_of::<EventId>(),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn ordered_is_a_sorted_list(keys in proptest::collection::vec(0_u32..40, 0..80)) {
            let key = |event: EventId| (keys[event.0 as usize], event);
            let mut ordered = Ordered::default();
            let mut sorted: Vec<EventId> = (0..u32::try_from(keys.len()).unwrap()).map(EventId).collect();
            for event in &sorted {
                ordered.insert(*event, |other| key(other) < key(*event));
            }
            sorted.sort_by_key(|event| key(*event));
            prop_assert_eq!(ordered.chunks.concat(), sorted.clone());
            for border in 0..41 {
                let at = sorted.partition_point(|event| key(*event).0 < border);
                let expected = (at.checked_sub(1).map(|at| sorted[at]), sorted.get(at).copied());
                prop_assert_eq!(ordered.around(|event| key(event).0 < border), expected);
            }
        }
    }
}
