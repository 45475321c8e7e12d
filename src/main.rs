//! exfilscope, the binary.
fn main() {}
