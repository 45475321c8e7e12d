//! A list in pages of one size: it grows without moving what it has, which would take longer than a frame.

/// Items of a page.
const PAGE: usize = 4096;

/// Things by their numbers, from 0 in the order in which they came.
pub(super) struct Pages<T> {
    pages: Vec<Vec<T>>,
}

impl<T> Default for Pages<T> {
    fn default() -> Self {
        Self { pages: Vec::new() }
    }
}

impl<T> Pages<T> {
    pub(super) fn len(&self) -> usize {
        self.pages.last().map_or(0, |last| (self.pages.len() - 1) * PAGE + last.len())
    }

    pub(super) fn get(&self, number: u32) -> Option<&T> {
        self.pages.get(number as usize / PAGE)?.get(number as usize % PAGE)
    }

    pub(super) fn get_mut(&mut self, number: u32) -> Option<&mut T> {
        self.pages.get_mut(number as usize / PAGE)?.get_mut(number as usize % PAGE)
    }

    /// Adds one and returns its number; `None` once there are no numbers left.
    pub(super) fn push(&mut self, thing: T) -> Option<u32> {
        let number = u32::try_from(self.len()).ok()?;
        if let Some(last) = self.pages.last_mut().filter(|last| last.len() < PAGE) {
            last.push(thing);
        } else {
            // The first page grows from nothing, since most lists stay short.
            let room = if self.pages.is_empty() { 1 } else { PAGE };
            let mut page = Vec::with_capacity(room);
            page.push(thing);
            self.pages.push(page);
        }
        Some(number)
    }

    /// Returns the bytes that it takes.
    pub(super) fn bytes(&self) -> usize {
        self.pages.capacity() * size_of::<Vec<T>>()
            + self.pages.iter().map(Vec::capacity).sum::<usize>() * size_of::<T>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_keep_numbers_across_borders() {
        let mut pages = Pages::default();
        let many = u32::try_from(PAGE * 2 + 3).unwrap();
        for number in 0..many {
            assert_eq!(pages.push(number * 2), Some(number));
        }
        assert_eq!(pages.len(), many as usize);
        for number in 0..many {
            assert_eq!(pages.get(number), Some(&(number * 2)));
        }
        assert_eq!(pages.get(many), None);
        *pages.get_mut(5000).unwrap() = 1;
        assert_eq!(pages.get(5000), Some(&1));
        assert!(pages.bytes() >= many as usize * 4);
    }
}
