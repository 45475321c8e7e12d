//! exfilscope, the binary: everything is in the library, from [`exfilscope::cli::run`] on.

fn main() -> std::process::ExitCode {
    exfilscope::cli::run()
}
