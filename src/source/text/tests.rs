//! The dialects, one small sample each, and hostile input.
