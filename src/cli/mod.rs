//! Layer 6: the command line. Reads arguments, files and keys; prints; turns errors into words and exit codes.

mod add;
pub mod args;
mod asked;
mod base;
mod check;
mod ci;
mod demo;
mod diagnostics;
mod differences;
mod doctor;
mod erase;
pub mod exit;
mod explain;
mod export;
mod extract;
mod failure;
mod findings;
mod gate;
mod git;
mod impact;
mod init;
mod input;
mod keys;
mod list;
mod lock;
mod mirror;
mod neighbours;
mod older;
mod origins;
mod output;
mod parts;
mod pending;
mod people;
mod prove;
mod quotes;
mod recheck;
mod reindex;
mod sealed;
mod search;
mod serve;
mod show;
mod sign;
mod source;
mod state;
mod statements;
mod trace;
mod verify;
mod watch;
mod workspace;
mod writing;

use std::process::ExitCode;

use clap::Parser;

use crate::base::Timestamp;

use args::{Cli, Command, ExportCommand, PendingCommand};
use exit::Exit;
use failure::Outcome;
use output::Output;
use workspace::Workspace;

/// Runs the command that the process was started with.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let output = Output::new(cli.format);
    let exit = match run(&cli, output) {
        Ok(exit) => exit,
        Err(failure) => {
            output.fail(&failure);
            failure.exit
        }
    };
    ExitCode::from(exit.code())
}

fn run(cli: &Cli, output: Output) -> Outcome<Exit> {
    let workspace = Workspace::at(&cli.workspace, cli.store.as_deref())?;
    let finds = match &cli.command {
        Command::Verify(args) => args.evidence.is_none(),
        Command::Gate(_) => true,
        _ => false,
    };
    if cli.format.is_for_ci() && !finds {
        let message = "that format is for findings; this command prints text or json";
        return Err(failure::Failure::new(Exit::Usage, message).hint("say --format json"));
    }
    let done = |result: Outcome<()>| result.map(|()| Exit::Success);
    match &cli.command {
        Command::Init(args) => done(init::run(&workspace, args, output)),
        Command::Add(args) => add::run(&workspace, args, output),
        Command::Extract(args) => extract::run(&workspace, args, output),
        Command::Watch(args) => watch::run(&workspace, args, output),
        Command::List(args) => done(list::run(&workspace, args, output)),
        Command::Search(args) => done(search::run(&workspace, args, output)),
        Command::Reindex => done(reindex::run(&workspace, output)),
        Command::Show(args) => show::run(&workspace, args, output),
        Command::Check(args) => check::run(&workspace, args, output),
        Command::Trace(args) => done(trace::run(&workspace, args, output)),
        Command::Impact(args) => done(impact::run(&workspace, args, output)),
        Command::Origins(args) => done(origins::run(&workspace, args, output)),
        Command::Quotes(args) => quotes::run(&workspace, args, output),
        Command::Doctor(args) => doctor::run(&workspace, args, output),
        Command::Prove(args) => done(prove::run(&workspace, args, output)),
        Command::Verify(args) => verify::run(&workspace, args, output),
        Command::Mirror(args) => done(mirror::run(&workspace, args, output)),
        Command::Lock(args) => done(lock::run(&workspace, args, output)),
        Command::Gate(args) => gate::run(&workspace, args, output),
        Command::Confirm(args) => done(statements::confirm(&workspace, args, output)),
        Command::Assess(args) => done(statements::assess(&workspace, args, output)),
        Command::Cite(args) => done(statements::cite(&workspace, args, output)),
        Command::Correct(args) => done(statements::correct(&workspace, args, output)),
        Command::Retract(args) => done(statements::retract(&workspace, args, output)),
        Command::Note(args) => done(statements::note(&workspace, args, output)),
        Command::Observe(args) => done(statements::observe(&workspace, args, output)),
        Command::Recheck(args) => recheck::run(&workspace, args, output),
        Command::Erase(args) => done(erase::run(&workspace, args, output)),
        Command::Reveal(args) => sealed::reveal(&workspace, args, output),
        Command::Pending(PendingCommand::List) => pending::list(&workspace, output),
        Command::Publish(args) => pending::publish(&workspace, args, output),
        Command::Key(command) => done(keys::run(&workspace, command, output)),
        Command::Serve(args) => done(serve::run(&workspace, args, output)),
        Command::Sign(args) => done(sign::run(&workspace, args, output)),
        Command::Token(command) => done(serve::token(&workspace, command, output)),
        Command::Session(command) => done(people::session(&workspace, command, output)),
        Command::AuditTrail(args) => done(people::audit_trail(&workspace, args, output)),
        Command::Export(ExportCommand::SigstoreBundle(args)) => {
            done(export::sigstore_bundle(&workspace, args, output))
        }
        Command::Demo(args) => demo::run(args, output),
    }
}

/// The time, by this machine's clock. Read here and nowhere below.
fn now() -> Timestamp {
    let seconds = chrono::Utc::now().timestamp();
    Timestamp::from_unix_seconds(seconds)
        .expect("internal error: the clock is outside the years 0000 to 9999")
}

/// Random bytes from the system. Drawn here and in `keys`, and nowhere below.
fn random() -> [u8; 16] {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).expect("internal error: the system gives no randomness");
    bytes
}
