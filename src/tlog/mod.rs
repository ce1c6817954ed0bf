//! Layer 1, pure: the Merkle tree of RFC 6962 and its files as c2sp.org/tlog-tiles lays them out.
//!
//! ```text
//! tile/0/000          8,192 bytes: the leaf hashes of entries 0 to 255
//! tile/0/001.p/44     1,408 bytes: those of entries 256 to 299, as long as there are 300
//! tile/1/000.p/1         32 bytes: the root of tile/0/000
//! tile/entries/000    entries 0 to 255, each behind two bytes of length
//! ```
//!
//! Hashing and paths only: signatures and checkpoints are in `note`, files in `storage`. Who may lie here: whoever
//! serves the files. [`TileReader`] authenticates every tile against a root before it uses a hash of it.

pub mod bundle;
pub mod edge;
pub mod proof;
pub mod reader;
pub mod tile;
pub mod tree;

pub use bundle::{BundleError, EntryBundle, bundles_of};
pub use edge::{Edge, EdgeError, subtrees_of};
pub use proof::{ConsistencyProof, InclusionProof, ProofError};
pub use reader::{HashReader, ReadError, Subtree, TileReader, TileSource};
pub use tile::{Tile, TileError};
pub use tree::{empty_root, leaf_hash, node_hash};
