//! Every bound of the project in one place: its value, its unit, why it is there.
//!
//! A bound that strangers can reach has a test at it and one past it.

/// Bytes of one log entry (c2sp.org/tlog-tiles: a 16-bit length prefix).
pub const ENTRY_MAX_BYTES: usize = 65_535;

/// Bytes of one signed note. No specification bounds it; 128 KiB holds a checkpoint with 30 post-quantum
/// cosignatures of 3.3 kB each.
pub const NOTE_MAX_BYTES: usize = 131_072;

/// Signature lines of one signed note. c2sp.org/signed-note asks for at least 16.
pub const NOTE_MAX_SIGNATURES: usize = 100;

/// Bytes of a log's origin, and of a key name: ML-DSA-44 cosignatures carry them behind one length byte.
pub const KEY_NAME_MAX_BYTES: usize = 255;

/// Hashes of one inclusion or consistency proof: the levels of a tree of 2^63 leaves (c2sp.org/tlog-witness).
pub const PROOF_MAX_HASHES: usize = 63;

/// Leaves of a tree. A size fits a signed 64-bit number, as c2sp.org/tlog-cosignature wants of its times.
pub const TREE_MAX_SIZE: u64 = i64::MAX as u64;

/// Bytes of a policy file. It bounds the logs, witnesses and groups too; c2sp.org/tlog-policy asks for at least
/// 32 of each, which with post-quantum keys of 1.8 kB is 120 kB.
pub const POLICY_MAX_BYTES: usize = 262_144;

/// Bytes of one `.tlog-proof` file: a proof, a checkpoint, and an entry with its disclosures in base64.
pub const TLOG_PROOF_MAX_BYTES: usize = 4 * 1024 * 1024;

/// Bytes of one disclosure, before base64url: a quotation of some length and its selectors.
pub const DISCLOSURE_MAX_BYTES: usize = 65_536;

/// Bytes of one file of disclosures: 256 entries' worth.
pub const DISCLOSURES_FILE_MAX_BYTES: usize = 64 * 1024 * 1024;

/// Openings of one entry: 65,535 bytes have room for a thousand commitments, and openings for more.
pub const OPENINGS_MAX: usize = 4_096;

/// Characters of all openings of one entry. The longest quotations, as many as are kept, take 6 million; taken apart, small
/// things take a hundred times as much memory.
pub const OPENINGS_MAX_CHARS: usize = 8 * 1024 * 1024;

/// Bytes of a document that is read: what an editor would call an article is a thousand times smaller.
pub const DOCUMENT_MAX_BYTES: u64 = 32 * 1024 * 1024;

/// Characters of extracted text that the rules look at in full; a longer text is hashed whole, and looked at
/// in its head and tail.
pub const RULES_MAX_CHARS: usize = 2_000_000;

/// Claimed origins, and bylines, kept of one document. More is a list, not an article; the rest is counted in
/// a warning.
pub const CLAIMS_MAX: usize = 32;

/// Quotations kept of one document.
pub const QUOTES_MAX: usize = 200;

/// Characters of one claim (an origin, a byline, a title) as printed.
pub const CLAIM_MAX_CHARS: usize = 300;

/// Bytes of an OpenSSH key file: an Ed25519 key, encrypted, is about 450.
pub const KEY_FILE_MAX_BYTES: u64 = 16_384;

/// Characters of a free note of a person.
pub const NOTE_TEXT_MAX_CHARS: usize = 4_000;

/// Bytes of a URL.
pub const URL_MAX_BYTES: usize = 2_048;

/// Characters of one quotation. A mark that is never closed ends here.
pub const QUOTE_MAX_CHARS: usize = 5_000;

/// Paragraphs whose digests are kept of one document: all of them must fit one disclosure.
pub const PARAGRAPHS_MAX: usize = 500;

/// Bytes of a document that is read as Markdown; its tree takes sixty times as much memory. A larger one is read as
/// plain text.
pub const MARKDOWN_MAX_BYTES: usize = 4 * 1024 * 1024;

/// Elements of a page that may be open at a time. Real pages stay below 100; what is deeper is flattened.
pub const HTML_MAX_DEPTH: usize = 400;

/// Nodes of a page that are read. The largest news page seen has 60,000.
pub const HTML_MAX_NODES: usize = 1_000_000;

/// Bytes of a page that are read as HTML.
pub const HTML_MAX_BYTES: usize = 16 * 1024 * 1024;

/// Characters of a value that a format declares. A title or a list of authors is far shorter; what is longer is a text.
pub const DECLARED_MAX_CHARS: usize = 1_000;

/// Values that a format declares and that are kept.
pub const DECLARED_MAX: usize = 500;

/// Pages of a PDF that is read: a newspaper's edition has a hundred.
pub const PDF_MAX_PAGES: usize = 2_000;

/// Glyphs of a PDF that are read: ten times what fits a book.
pub const PDF_MAX_GLYPHS: usize = 5_000_000;

/// Glyphs of one page of a PDF: ten times what fits a newspaper's. Each takes about 100 bytes while its page is read.
pub const PDF_MAX_PAGE_GLYPHS: usize = 200_000;

/// Bytes that the deflated streams of a PDF may hold, pictures aside: eight times the largest document.
pub const PDF_MAX_UNPACKED_BYTES: usize = 256 * 1024 * 1024;

/// Bytes of one `/ActualText` of a PDF. It stands for a cluster of letters, at most for a line.
pub const PDF_MAX_ACTUAL_TEXT_BYTES: usize = 2_048;

/// Bytes of the XMP packet of a PDF, before and after unpacking: programs that record a history write some 100 kB.
pub const PDF_MAX_XMP_BYTES: usize = 1024 * 1024;

/// Elements, texts and marks of one XML document. A book of a thousand pages has 200,000.
pub const XML_MAX_NODES: usize = 2_000_000;

/// Elements of an XML document that may be open at a time.
pub const XML_MAX_DEPTH: usize = 256;

/// Files in a ZIP package that is read.
pub const PACKAGE_MAX_ENTRIES: usize = 10_000;

/// Bytes that are unpacked of one ZIP package, pictures not counted since they are not unpacked.
pub const PACKAGE_MAX_BYTES: u64 = 64 * 1024 * 1024;

/// Headers and footers of a document that are looked at: three of each kind.
pub const AROUND_MAX_PARTS: usize = 6;

/// Lines of one header or footer that are looked at.
pub const AROUND_MAX_LINES: usize = 8;

/// Spaces that one mark of an OpenDocument text may stand for. Nobody indents further.
pub const SPACES_MAX: usize = 80;

/// Groups of an RTF document that may be open at a time.
pub const RTF_MAX_DEPTH: usize = 256;

/// Documents taken out of one file: a feed's entries, a mail's attachments, a web archive's pages.
pub const PARTS_MAX: usize = 10_000;

/// Bytes of a web archive that are read, unpacked.
pub const ARCHIVE_MAX_BYTES: u64 = 512 * 1024 * 1024;

/// Bytes of a lock file of sources: 50,000 sources.
pub const LOCK_MAX_BYTES: usize = 16 * 1024 * 1024;

/// Bytes of the path of an article in a lock file.
pub const LOCK_PATH_MAX_BYTES: usize = 1_024;

/// Bytes of a part of an audit: those of a million entries take some hundred thousand. What is missing, or stored, in a range
/// makes it larger.
pub const PART_MAX_BYTES: usize = 1024 * 1024 * 1024;

/// Hops from a document to what it rests on that are shown; what is further away is counted.
pub const LINEAGE_MAX_DEPTH: usize = 64;

/// Lines of one tree of what a document rests on, and documents of one list of what rests on it. Ten thousand citations
/// of one article fit.
pub const LINEAGE_MAX_LINES: usize = 20_000;

/// Pairs of words that are compared to find how the passages of one document differ from its sources: about a second.
pub const PASSAGE_MAX_PAIRS: usize = 100_000_000;

/// Characters of a document's text that can be searched: what is beyond is a book's.
pub const INDEXED_MAX_CHARS: usize = 2_000_000;

/// Characters of what is asked for in a search.
pub const QUERY_MAX_CHARS: usize = 1_000;
