//! `dateline extract`, and reading documents for `add`.

use rayon::prelude::*;
use serde_json::{Value, json};

use crate::article::{self, Article, ReadOptions};
use crate::record::Decisions;

use super::args::{ExtractArgs, Stated};
use super::exit::Exit;
use super::failure::{Failure, Outcome};
use super::input::{self, Input, Inputs};
use super::output::{Output, say};
use super::terminal::sanitize;
use super::view::View;

/// Documents that are read at a time: bounds the memory.
const AT_A_TIME: usize = 64;

/// A document that was read, with its bytes.
pub(crate) struct Document {
    pub(crate) article: Article,
    pub(crate) bytes: Vec<u8>,
}

/// Returns what a person said on the command line.
pub(crate) fn decisions(stated: &Stated, no_store: bool) -> Outcome<Decisions> {
    let stated = stated.clone();
    let decisions = Decisions {
        origins: stated.origin,
        bylines: stated.byline,
        title: stated.title,
        language: stated.language,
        publisher: stated.publisher,
        published_at: stated.published,
        url: stated.url,
        note: stated.note,
        no_quotes: stated.no_quotes,
        no_store,
    };
    decisions.check()?;
    Ok(decisions)
}

/// Reads a document and puts what a person said in the place of what was found.
pub(crate) fn read(input: &Input, decisions: &Decisions) -> Outcome<Document> {
    let bytes = input.read()?;
    let file_name = input.file_name();
    let options = ReadOptions { file_name: file_name.as_deref(), ..ReadOptions::default() };
    let read = article::read(&bytes, &options);
    let mut article =
        read.map_err(|error| Failure::from(error).under(format!("cannot read {}", input.name())))?;
    decisions.apply(&mut article);
    Ok(Document { article, bytes })
}

/// Finds the documents, and says what in folders was passed over.
pub(crate) fn find(paths: &[std::path::PathBuf]) -> Outcome<Inputs> {
    let inputs = input::find(paths);
    for (path, why) in &inputs.passed_over {
        say(&format!("passed over {}: {why}", sanitize(&path.display().to_string())));
    }
    if inputs.documents.is_empty() && inputs.failures.is_empty() {
        let failure = Failure::new(Exit::Unavailable, "there is no document there");
        return Err(failure
            .hint("hidden files and symbolic links in folders are passed over; name them to take them"));
    }
    Ok(inputs)
}

/// The exit code after some inputs failed: theirs if they agree, else that something could not be done.
pub(crate) fn exit_of(failures: &[Exit]) -> Exit {
    match failures {
        [] => Exit::Success,
        [first, rest @ ..] if rest.iter().all(|exit| exit == first) => *first,
        _ => Exit::Unavailable,
    }
}

/// Tells of an input that failed, as one line of JSON among the others.
pub(crate) fn report_failure(name: &str, failure: &Failure, output: Output) -> Outcome<()> {
    if output.is_json() {
        let object = json!({"path": name, "record": null, "outcome": "failed", "error": failure.json()});
        return output.print(String::new, || object);
    }
    output.fail(failure);
    Ok(())
}

pub(crate) fn run(args: &ExtractArgs, output: Output) -> Outcome<Exit> {
    let decisions = decisions(&args.stated, true)?;
    let inputs = find(&args.paths)?;
    let mut failures = Vec::new();
    for (path, failure) in &inputs.failures {
        report_failure(&path.display().to_string(), failure, output)?;
        failures.push(failure.exit);
    }
    for some in inputs.documents.chunks(AT_A_TIME) {
        let read: Vec<Outcome<Document>> = some.par_iter().map(|input| read(input, &decisions)).collect();
        for (input, document) in some.iter().zip(read) {
            match document {
                Ok(document) => print(&input.name(), &document.article, &decisions, output)?,
                Err(failure) => {
                    report_failure(&input.name(), &failure, output)?;
                    failures.push(failure.exit);
                }
            }
        }
    }
    Ok(exit_of(&failures))
}

fn print(name: &str, article: &Article, decisions: &Decisions, output: Output) -> Outcome<()> {
    let view = View::of_article(article).with(decisions);
    output.print(
        || {
            let mut text = format!("{}\n{}", sanitize(name), view.text());
            for quote in &article.quotes {
                text.push_str(&format!("    {}\n", sanitize(&quote.text)));
            }
            text
        },
        || {
            let mut members = view.json();
            members.insert("path".into(), json!(name));
            members.insert("text".into(), json!(article.text));
            members.insert("mediaType".into(), json!(article.media_type));
            members.insert("charset".into(), json!(article.charset.name));
            Value::Object(members)
        },
    )
}
