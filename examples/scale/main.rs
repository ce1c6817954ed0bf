//! What a log of some size takes and costs: `cargo run --example scale -- batch=250 writePrice=4.5`.
//!
//! Prints the tables of `docs/scale.md` for other inputs; without any, for those that stand there.

use std::io::Write;
use std::process::ExitCode;

mod model;

fn main() -> ExitCode {
    let mut inputs = model::Inputs::default();
    for arg in std::env::args().skip(1) {
        let (name, value) = arg.split_once('=').unwrap_or((&arg, ""));
        let value = value.parse().ok().filter(|value: &f64| value.is_finite() && *value >= 0.0);
        let mut fields = inputs.fields();
        let field = fields.iter_mut().find(|(known, ..)| *known == name);
        match (field, value) {
            (Some((_, _, field)), Some(value)) => **field = value,
            _ => {
                let names: Vec<&str> = fields.iter().map(|(known, ..)| *known).collect();
                let _ = writeln!(
                    std::io::stderr(),
                    "not an input: {arg}; it is NAME=NUMBER of {}",
                    names.join(", ")
                );
                return ExitCode::from(2);
            }
        }
    }
    let written = std::io::stdout().write_all(model::tables(&inputs).as_bytes());
    if written.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
