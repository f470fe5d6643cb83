//! `trustwarden`: who can get into your AWS account, and do your access rules allow it?

/// A fifth of an audit's time went into the usual allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    trustwarden_cli::run(std::env::args_os())
}
