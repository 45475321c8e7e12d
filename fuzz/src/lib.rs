//! Functions of the fuzz targets. They also run over the committed corpus in `cargo test`.

pub mod targets;
