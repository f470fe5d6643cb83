//! `trustwarden`: who can get into your AWS account, and do your access rules allow it?

fn main() -> std::process::ExitCode {
    trustwarden_cli::run(std::env::args_os())
}
