//! What finds records.

use std::ops::RangeInclusive;

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};

use crate::index::{RecordState, span};

/// Which records.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Which records")]
pub struct FilterArgs {
    /// Of an origin claimed under this name: words as printed, an id of the authority file, or a Wikidata item
    #[arg(long, value_name = "NAME")]
    pub origin: Option<String>,

    /// With these words in a byline whose opening is at hand
    #[arg(long, value_name = "NAME")]
    pub byline: Option<String>,

    /// In this language: fr takes fr-CA too
    #[arg(long, value_name = "TAG")]
    pub language: Option<String>,

    /// Published on or after: 2026, 2026-11, 2026-11-23, or a time; a record that does not say when is left out
    #[arg(long, value_name = "DATE", value_parser = date)]
    pub from: Option<RangeInclusive<i64>>,

    /// Published on or before
    #[arg(long, value_name = "DATE", value_parser = date)]
    pub to: Option<RangeInclusive<i64>>,

    /// That this became of, the gravest counts
    #[arg(long, value_name = "STATE", value_parser = states())]
    pub state: Option<RecordState>,
}

/// Which of the records found.
#[derive(Debug, Clone, Default, Args)]
pub struct PageArgs {
    /// Print at most this many
    #[arg(long, value_name = "COUNT")]
    pub limit: Option<usize>,

    /// Pass over this many first
    #[arg(long, value_name = "COUNT", default_value_t = 0)]
    pub offset: usize,
}

/// `dateline list`
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  dateline list
  dateline list --origin 'ministère de la pêche' --from 2026-10
  dateline list --state retracted
  dateline list --limit 50 --offset 100
  dateline list --format json | jq -r 'select(.language == \"fr\") | .record'

With --origin, --byline, --language, --from, --to or --state only records are listed whose signer was
allowed to make them, and did.")]
pub struct ListArgs {
    /// Print at most this many, the newest
    #[arg(long, value_name = "COUNT")]
    pub last: Option<usize>,

    /// Read the whole log instead of what the search index names
    #[arg(long)]
    pub whole_log: bool,

    #[command(flatten)]
    #[allow(missing_docs)]
    pub page: PageArgs,

    #[command(flatten)]
    #[allow(missing_docs)]
    pub filter: FilterArgs,
}

/// `dateline search`
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  dateline search lac barrage
  dateline search 'niveau du lac' arrêt*
  dateline search 国防部 --from 2026-10 --language zh
  dateline search préfet --origin 'Mairie de Port-Clair' --state claimed
  dateline search lac --format json | jq -r '[.record, .title] | @tsv'

All words must occur, in any form of case and accents; an argument of several words is a phrase, as are
words in \"quotation marks\"; a word that ends in * is a beginning. The best are printed first: words of the title,
of origins and bylines count for more. The text of a document is searched where its original is stored.

What is found is looked up in an index in records/.local, which follows the log by itself; what is
printed of it is read from the log. Whoever can write there can hide records from a search, and what
became of them: --whole-log reads the latter from the log alone.")]
pub struct SearchArgs {
    /// What must occur
    #[arg(required = true, value_name = "WORD")]
    pub words: Vec<String>,

    /// Print at most this many
    #[arg(long, value_name = "COUNT", default_value_t = 20)]
    pub limit: usize,

    /// Pass over this many first
    #[arg(long, value_name = "COUNT", default_value_t = 0)]
    pub offset: usize,

    /// Read all that was said of what is found from the whole log, not only what the search index names
    #[arg(long)]
    pub whole_log: bool,

    #[command(flatten)]
    #[allow(missing_docs)]
    pub filter: FilterArgs,
}

fn date(text: &str) -> Result<RangeInclusive<i64>, String> {
    span(text).ok_or_else(|| "it is not a date like 2026-11-23, 2026-11 or 2026".into())
}

fn states() -> impl TypedValueParser<Value = RecordState> {
    PossibleValuesParser::new(RecordState::ALL.map(RecordState::word)).map(|word| {
        let state = RecordState::ALL.into_iter().find(|state| state.word() == word);
        state.expect("internal error: a word of none of the states was taken")
    })
}
