//! What is said of records, and of keys.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

/// Who signs a statement, and where it goes.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Signing")]
pub struct SignArgs {
    /// Sign with this OpenSSH private key, or with `agent` [default: a key that may, in keys/private, else the agent]
    #[arg(long, value_name = "FILE")]
    pub key: Option<PathBuf>,

    /// Leave the statement in records/pending/ for whoever holds the log's key (`dateline publish`)
    #[arg(long)]
    pub pending: bool,
}

/// `dateline confirm`
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  dateline confirm 4
  dateline confirm 4 origin byline
  dateline confirm 4 --correct 'byline=A. Diarra' --note 'asked the desk'
  dateline confirm story.txt --reject byline/1

Says what the document claims, as you read it: not that the claim is true. A claim is named as
origin, byline, title, publisher, published, dateline, language or quote, with /N where there are
several, counted from 0; or by its JSON Pointer. Nothing is changed: your last word on a claim
holds, beside those of others.")]
pub struct ConfirmArgs {
    /// The registration: its record, or the registered file
    #[arg(value_name = "RECORD|FILE")]
    pub record: PathBuf,

    /// Confirm these claims [default: all but quotations, unless others are corrected or rejected]
    #[arg(value_name = "CLAIM")]
    pub claims: Vec<String>,

    /// Say what a claim should read; committed, so that it can be erased (can be repeated)
    #[arg(long, value_name = "CLAIM=TEXT")]
    pub correct: Vec<String>,

    /// Say that the document claims nothing of the sort (can be repeated)
    #[arg(long, value_name = "CLAIM")]
    pub reject: Vec<String>,

    /// Add a note; it is committed, so that it can be erased
    #[arg(long, value_name = "TEXT")]
    pub note: Option<String>,

    #[command(flatten)]
    #[allow(missing_docs)]
    pub sign: SignArgs,
}

/// What an assessor found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum FoundState {
    /// Something independent agrees
    Corroborated,
    /// It is so, by a method that shows it
    Verified,
    /// There are reasons against it
    Disputed,
    /// It is not so
    Refuted,
    /// It could not be found out
    Inconclusive,
    /// You take back what you said
    Withdrawn,
}

/// How an assessor found it out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum FoundBy {
    /// The named origin signed it
    OriginSignature,
    /// It was seen on a site of the named origin
    OriginPublication,
    /// It was found in an archive of the named origin
    ArchiveMatch,
    /// It was found in the agency's feed
    WireFeedMatch,
    /// The named origin was asked
    DirectContact,
    /// Another source says the same, without having it from the first
    SecondIndependentSource,
    /// The document itself was examined
    DocumentForensics,
    /// Only what is said about the document was looked at
    MetadataOnly,
    /// Judgement alone
    EditorialJudgement,
}

/// How sure an assessor is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Sureness {
    /// Hardly
    Low,
    /// Fairly
    Medium,
    /// Very
    High,
}

/// `dateline assess`
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  dateline assess 4 origin verified --method origin-publication --evidence https://mil.example/en/1
  dateline assess 4 origin/1 disputed --method document-forensics --confidence medium
  dateline assess 4 origin withdrawn

One claim, one state, one method. A claim is verified by originSignature, originPublication,
archiveMatch, wireFeedMatch or directContact alone. Your last word on a claim holds; those of other
assessors stand beside it.")]
pub struct AssessArgs {
    /// The registration: its record, or the registered file
    #[arg(value_name = "RECORD|FILE")]
    pub record: PathBuf,

    /// The claim: origin, byline/1, title … or a JSON Pointer
    #[arg(value_name = "CLAIM")]
    pub claim: String,

    /// What you found
    #[arg(value_name = "STATE", value_enum)]
    pub state: FoundState,

    /// How you found it out; a withdrawal needs none
    #[arg(long, value_name = "METHOD", value_enum)]
    pub method: Option<FoundBy>,

    /// Name what it rests on: a record, an address, or a file, of which the digest is recorded (can be repeated)
    #[arg(long, value_name = "RECORD|URL|FILE")]
    pub evidence: Vec<String>,

    /// Say how sure you are
    #[arg(long, value_name = "LEVEL", value_enum)]
    pub confidence: Option<Sureness>,

    /// Add a note; it is committed, so that it can be erased
    #[arg(long, value_name = "TEXT")]
    pub note: Option<String>,

    #[command(flatten)]
    #[allow(missing_docs)]
    pub sign: SignArgs,
}

/// What one document is to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum RelationName {
    /// It has words of it, verbatim
    Quotes,
    /// It names it as support
    Cites,
    /// It was written from it
    IsBasedOn,
    /// It is it in another language
    TranslationOf,
    /// It republishes it unchanged
    Syndicates,
    /// It is a part of it
    ExcerptOf,
    /// It says what was wrong in it
    Corrects,
    /// It says what was unclear in it
    Clarifies,
    /// It says what is new since
    Updates,
    /// It takes it back
    Retracts,
    /// It takes its place
    Supersedes,
    /// It says otherwise
    Contradicts,
    /// It has the same content
    SameContentAs,
    /// It has nearly the same content
    NearDuplicateOf,
    /// It is a recording, scan or picture of it
    RecordingOf,
}

/// Who says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum AssertedByName {
    /// The document itself
    Text,
    /// A program that compared the two
    Machine,
    /// You
    Person,
}

/// `dateline cite`
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  dateline cite 9 4
  dateline cite 9 4 --relation quotes --quote 'the harbour stays closed'
  dateline cite article.md dispatch.txt --relation is-based-on
  dateline cite 9 --unresolved 'Ministry press release' --unresolved-org 'Ministry of Defence'

The first document cites, quotes, corrects … the others. One that nobody has registered is named in
words, by its address or by whose it is, and stays unresolved until somebody registers it.")]
pub struct CiteArgs {
    /// The document that relates: its record, or the registered file
    #[arg(value_name = "RECORD|FILE")]
    pub record: PathBuf,

    /// What it relates to
    #[arg(value_name = "RECORD|FILE", required_unless_present_any = ["unresolved", "unresolved_url", "unresolved_org"])]
    pub targets: Vec<PathBuf>,

    /// What it is to them
    #[arg(long, value_name = "RELATION", value_enum, default_value_t = RelationName::Cites)]
    pub relation: RelationName,

    /// Give the words of the target that stand in it; committed, so that they can be erased
    #[arg(long, value_name = "TEXT")]
    pub quote: Option<String>,

    /// Name in words what nobody has registered
    #[arg(long, value_name = "TEXT")]
    pub unresolved: Option<String>,

    /// Name its address
    #[arg(long, value_name = "URL")]
    pub unresolved_url: Option<String>,

    /// Name whose it is
    #[arg(long, value_name = "NAME")]
    pub unresolved_org: Option<String>,

    /// Say who says so
    #[arg(long, value_name = "WHO", value_enum, default_value_t = AssertedByName::Person)]
    pub asserted_by: AssertedByName,

    #[command(flatten)]
    #[allow(missing_docs)]
    pub sign: SignArgs,
}

/// What is told in a notice.
#[derive(Debug, Clone, Default, Args)]
pub struct NoticeArgs {
    /// Name what takes its place
    #[arg(long, value_name = "RECORD|FILE")]
    pub replaced_by: Option<PathBuf>,

    /// Name the address where it was said in public
    #[arg(long, value_name = "URL")]
    pub url: Option<String>,

    /// Say it in words; committed, so that they can be erased
    #[arg(long, value_name = "TEXT")]
    pub note: Option<String>,

    #[command(flatten)]
    #[allow(missing_docs)]
    pub sign: SignArgs,
}

/// `dateline correct`
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  dateline correct 4 --note 'the figure was 15, not 1.5' --replaced-by 9
  dateline correct story.txt --url https://www.example.org/corrections#12")]
pub struct CorrectArgs {
    /// The registration that something was wrong in
    #[arg(value_name = "RECORD|FILE")]
    pub record: PathBuf,

    #[command(flatten)]
    #[allow(missing_docs)]
    pub notice: NoticeArgs,
}

/// `dateline retract`
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  dateline retract 4 --note 'the release was forged'
  dateline retract story.txt --replaced-by 9

Nobody should rest on the document any more: `dateline gate` fails what does. The record itself
stays, as everything does.")]
pub struct RetractArgs {
    /// The registration that is taken back
    #[arg(value_name = "RECORD|FILE")]
    pub record: PathBuf,

    #[command(flatten)]
    #[allow(missing_docs)]
    pub notice: NoticeArgs,
}

/// What else a publisher says of a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum NoticeName {
    /// Something in it was unclear
    Clarification,
    /// There is something new since
    Update,
    /// It must not be used
    Kill,
    /// It must not be published before a time
    Embargo,
    /// It was taken from where it was published
    Takedown,
}

/// `dateline note`
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  dateline note 4 clarification --note 'the minister spoke of last year'
  dateline note 4 embargo --until 2026-12-01T06:00:00Z
  dateline note 4 kill")]
pub struct NoteArgs {
    /// The registration that it is about
    #[arg(value_name = "RECORD|FILE")]
    pub record: PathBuf,

    /// What is said of it
    #[arg(value_name = "KIND", value_enum)]
    pub kind: NoticeName,

    /// Say when an embargo ends, as an RFC 3339 time
    #[arg(long, value_name = "TIME")]
    pub until: Option<String>,

    #[command(flatten)]
    #[allow(missing_docs)]
    pub notice: NoticeArgs,
}

/// What was found where nothing came that could be compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ObservedName {
    /// Nothing is there any more
    Gone,
    /// The server does not give it out
    Blocked,
    /// The address leads to another one
    Moved,
}

/// `dateline observe`
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  dateline observe 4 --url https://www.example.org/story --file saved.html
  dateline observe 4 --url https://www.example.org/story --found gone --status 404

Records what was found at a document's address by other means; `dateline recheck` fetches it itself.
A file is compared with what was registered: unchanged, reflowed or changed.")]
pub struct ObserveArgs {
    /// The registration that was looked for
    #[arg(value_name = "RECORD|FILE")]
    pub record: PathBuf,

    /// The address that was asked
    #[arg(long, value_name = "URL")]
    pub url: String,

    /// What came from there
    #[arg(long, value_name = "FILE", required_unless_present = "found")]
    pub file: Option<PathBuf>,

    /// What was found instead
    #[arg(long, value_name = "WHAT", value_enum, conflicts_with = "file")]
    pub found: Option<ObservedName>,

    /// Say where it moved to
    #[arg(long, value_name = "URL")]
    pub location: Option<String>,

    /// Say the status of the answer
    #[arg(long, value_name = "CODE")]
    pub status: Option<u16>,

    #[command(flatten)]
    #[allow(missing_docs)]
    pub sign: SignArgs,
}

/// `dateline recheck`
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  dateline recheck
  dateline recheck 4 9 --format json

Fetches the registered addresses again and appends what was found: unchanged, reflowed (other bytes
of the same wording), changed, moved, gone or blocked. What was found the same the last time is not
appended again, unless --always. Exit 1 if something changed, moved or is gone.")]
pub struct RecheckArgs {
    /// The registrations [default: all that have an address]
    #[arg(value_name = "RECORD|FILE")]
    pub records: Vec<PathBuf>,

    /// Append what was found even where it is what was found before
    #[arg(long)]
    pub always: bool,

    #[command(flatten)]
    #[allow(missing_docs)]
    pub fetch: super::FetchArgs,

    #[command(flatten)]
    #[allow(missing_docs)]
    pub sign: SignArgs,
}

/// On what ground openings are destroyed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ReasonName {
    /// Personal data of somebody who may ask for it
    Pii,
    /// A court's order
    CourtOrder,
    /// Somebody must not be known as a source
    SourceProtection,
    /// A trade secret
    TradeSecret,
    /// It was recorded by mistake
    Error,
}

/// `dateline erase`
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  dateline erase 4 bylines --reason pii
  dateline erase 4 /bylines/0 note --reason source-protection
  dateline erase 4 bylines --original --reason pii

Destroys the openings of committed fields here, with everything derived from them, and appends that
it did: every proof still verifies, and the field reads WITHHELD. With words of the document go the
digests of its paragraphs and numbers, by which they could be guessed. From a bucket that keeps versions
the older ones go too; what a lock keeps is told, and goes when this is run again. It cannot reach
copies that others have: backups, clones, proof files, and the history of git.")]
pub struct EraseArgs {
    /// The record
    #[arg(value_name = "RECORD|FILE")]
    pub record: PathBuf,

    /// A committed field, or all below it: bylines, /bylines/0, quotes, note …
    #[arg(value_name = "FIELD", required_unless_present = "original")]
    pub fields: Vec<String>,

    /// Destroy the stored original too
    #[arg(long)]
    pub original: bool,

    /// Say on what ground
    #[arg(long, value_name = "REASON", value_enum)]
    pub reason: ReasonName,

    /// Do not ask
    #[arg(long, short)]
    pub yes: bool,

    /// Sign with this OpenSSH private key, or with `agent` [default: a data officer's key in keys/private, else the agent]
    #[arg(long, value_name = "FILE")]
    pub key: Option<PathBuf>,
}

/// `dateline reveal`
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  dateline reveal 12

Registers the document that was sealed as that record, and puts the opening of its commitment beside
the log: anybody can see then that it was there at that place in the log.")]
pub struct RevealArgs {
    /// The record of `dateline add --sealed`
    #[arg(value_name = "RECORD")]
    pub record: u64,

    /// Register what is found without asking
    #[arg(long, short)]
    pub yes: bool,

    #[command(flatten)]
    #[allow(missing_docs)]
    pub stated: super::Stated,

    /// Do not store the original beside the log
    #[arg(long)]
    pub no_store: bool,

    /// Sign with this OpenSSH private key, or with `agent` [default: the enrolled key in keys/private, else the agent]
    #[arg(long, value_name = "FILE")]
    pub key: Option<PathBuf>,
}

/// `dateline pending`
#[derive(Debug, Subcommand)]
pub enum PendingCommand {
    /// List the statements that wait to be appended
    #[command(after_help = "Example:\n  dateline pending list --format json")]
    List,
}

/// `dateline publish`
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  dateline publish
  dateline publish --dry-run

Appends what waits in records/pending/, in one commit: registrations first, then statements about
them in the order in which they were made. What is in the log already is only cleared away. What
cannot be appended stays, and is told.")]
pub struct PublishArgs {
    /// Say what would be appended, and do nothing
    #[arg(long)]
    pub dry_run: bool,
}
