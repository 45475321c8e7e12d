//! What the fuzz targets run. The same functions run over the committed corpus in `cargo test`.

pub mod targets;
