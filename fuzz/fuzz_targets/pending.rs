#![no_main]

#[path = "../check.rs"]
mod check;

libfuzzer_sys::fuzz_target!(
    init: check::abort_on_panic(),
    |bytes: &[u8]| check::check("pending", bytes)
);
