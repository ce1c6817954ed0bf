//! The `dateline` command: parse, run, exit.

use std::process::ExitCode;

fn main() -> ExitCode {
    // The same program reads strangers' bytes for itself, in a process that can be killed.
    if std::env::args_os().nth(1).is_some_and(|first| first == dateline::sandbox::ARGUMENT) {
        return dateline::sandbox::serve();
    }
    if let Ok(program) = std::env::current_exe() {
        dateline::article::isolation::isolate(Box::new(dateline::sandbox::Pool::new(program)));
    }
    dateline::cli::main()
}
