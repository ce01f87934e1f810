//! Unpacks zstd frames. A context takes 160 KB and is made anew in the time of a small frame, so each thread keeps one.

use std::cell::RefCell;

use zstd::bulk::Decompressor;

thread_local! {
    static CONTEXT: RefCell<Option<Decompressor<'static>>> = const { RefCell::new(None) };
}

/// Unpacks a frame of at most `size` bytes.
pub fn unpack(frame: &[u8], size: usize) -> std::io::Result<Vec<u8>> {
    CONTEXT.with_borrow_mut(|context| match context {
        Some(context) => context.decompress(frame, size),
        None => context.insert(Decompressor::new()?).decompress(frame, size),
    })
}
