//! Little-endian numbers out of bytes that may end anywhere.

/// The byte at an offset.
pub(super) fn u8_at(data: &[u8], at: usize) -> Option<u8> {
    data.get(at).copied()
}

/// The 16-bit number at an offset.
pub(super) fn u16_at(data: &[u8], at: usize) -> Option<u16> {
    array_at(data, at).map(u16::from_le_bytes)
}

/// The 32-bit number at an offset.
pub(super) fn u32_at(data: &[u8], at: usize) -> Option<u32> {
    array_at(data, at).map(u32::from_le_bytes)
}

/// The 32-bit number at an offset, as a length or an offset of this machine.
pub(super) fn size_at(data: &[u8], at: usize) -> Option<usize> {
    u32_at(data, at).and_then(|value| usize::try_from(value).ok())
}

/// The 64-bit number at an offset.
pub(super) fn u64_at(data: &[u8], at: usize) -> Option<u64> {
    array_at(data, at).map(u64::from_le_bytes)
}

/// `N` bytes at an offset.
pub(super) fn array_at<const N: usize>(data: &[u8], at: usize) -> Option<[u8; N]> {
    data.get(at..)?.first_chunk().copied()
}

/// Writes bytes at an offset, where they fit.
pub(super) fn put(data: &mut [u8], at: usize, bytes: &[u8]) {
    if let Some(target) = at.checked_add(bytes.len()).and_then(|end| data.get_mut(at..end)) {
        target.copy_from_slice(bytes);
    }
}

/// Returns whether all bytes are zero.
pub(super) fn is_zero(data: &[u8]) -> bool {
    let (chunks, rest) = data.as_chunks::<64>();
    chunks.iter().all(|chunk| chunk.iter().fold(0, |sum, byte| sum | byte) == 0)
        && rest.iter().all(|byte| *byte == 0)
}
