//! The rule set as the build script made it of the files that it is written in: see `build/main.rs`.

#![allow(clippy::unreadable_literal)]

use super::authority::Row;
use super::claim::{Scope, Strength};
use super::pattern::Pattern;
use super::rules::{BodyKind, Field, Rule, ValueKind};

include!(concat!(env!("OUT_DIR"), "/tables.rs"));
