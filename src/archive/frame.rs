//! Frames: bytes compressed with zstd or, at the highest effort, with PPMd where that is clearly smaller.
//!
//! PPMd (variant H; Shkarin, "PPM: one step to practicality", DCC 2002) predicts each byte from those before it. It makes text up to a
//! tenth smaller than zstd does and is read at some 10 to 20 MB/s, so only what is kept for long is worth it. A frame tells by its
//! first byte what it is: zstd's begin with 0x28, the others with their order.

use std::cell::RefCell;
use std::io::{Error, ErrorKind, Read, Result, Write};

use ppmd_rust::{PPMD7_MAX_ORDER, Ppmd7Decoder, Ppmd7Encoder};
use zstd::bulk::Compressor;
use zstd::dict::EncoderDictionary;
use zstd::stream::raw::{Decoder, InBuffer, Operation, OutBuffer};
use zstd::zstd_safe::{self, DCtx};

/// From this level of zstd on PPMd is tried.
const PPMD_LEVEL: i32 = 19;
/// Orders that are tried: low ones for columns, high ones for text that repeats.
const ORDERS: [u32; 4] = [3, 6, 10, 18];
/// Shorter texts have nothing to gain, longer ones would keep readers of one record waiting.
const PPMD_BYTES: std::ops::RangeInclusive<usize> = 64..=256 << 10;
/// PPMd must save one byte in so many to be worth its time.
const SAVES_OF: usize = 32;
/// Bytes of PPMd's model for each byte of the text, and bounds.
const MODEL: usize = 64;
const MODEL_BYTES: (usize, usize) = (1 << 16, 16 << 20);

/// First bytes of a frame of zstd.
const ZSTD_MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
/// Bytes that are unpacked at once where not all may be needed; zstd unpacks blocks of 128 KiB.
const STEP: usize = 64 << 10;

thread_local! {
    /// A context takes 160 KB and is made anew in the time of a small frame, so each thread keeps one.
    static CONTEXT: RefCell<Option<DCtx<'static>>> = const { RefCell::new(None) };
}

/// First byte of a frame of zstd whose dictionary comes from outside; the rest is zstd's.
const WITH_WORDS: u8 = 1;

/// Makes frames.
pub struct Packer {
    zstd: Compressor<'static>,
    level: i32,
    longest: usize,
}

impl Packer {
    /// With zstd of a level (1 to 19).
    pub fn new(level: i32) -> Result<Packer> {
        Ok(Packer { zstd: Compressor::new(level)?, level, longest: *PPMD_BYTES.end() })
    }

    /// The smallest frame that is not too slow to read.
    pub fn pack(&mut self, bytes: &[u8]) -> Result<Vec<u8>> {
        let packed = self.zstd.compress(bytes)?;
        let fits = PPMD_BYTES.contains(&bytes.len()) && bytes.len() <= self.longest;
        // What zstd hardly makes smaller has nothing to be predicted from.
        let is_noise = packed.len() >= bytes.len() - bytes.len() / 8;
        if self.level < PPMD_LEVEL || !fits || is_noise {
            return Ok(packed);
        }
        let mut best: Option<Vec<u8>> = None;
        for order in ORDERS {
            let other = ppmd(bytes, order)?;
            if best.as_ref().is_none_or(|best| other.len() < best.len()) {
                best = Some(other);
            }
        }
        Ok(best.filter(|best| best.len() < packed.len() - packed.len() / SAVES_OF).unwrap_or(packed))
    }

    /// The same for bytes that are read before anything else is: those that would keep readers waiting are left to zstd.
    pub fn pack_head(&mut self, bytes: &[u8], longest: usize) -> Result<Vec<u8>> {
        let before = std::mem::replace(&mut self.longest, longest);
        let packed = self.pack(bytes);
        self.longest = before;
        packed
    }
}

/// Words known from elsewhere, with which frames are made.
pub struct Words(EncoderDictionary<'static>);

impl Words {
    /// Of a text, for a level of zstd.
    pub fn new(text: &[u8], level: i32) -> Result<Words> {
        Ok(Words(EncoderDictionary::try_copy(text, level)?))
    }

    /// A frame for [`unpack_with`].
    pub fn pack(&self, bytes: &[u8]) -> Result<Vec<u8>> {
        let mut frame = vec![WITH_WORDS];
        frame.append(&mut Compressor::with_prepared_dictionary(&self.0)?.compress(bytes)?);
        Ok(frame)
    }
}

/// Whether a frame is unpacked with words.
pub fn needs_words(frame: &[u8]) -> bool {
    frame.first() == Some(&WITH_WORDS)
}

/// Unpacks a frame of at most `size` bytes that was made with words.
pub fn unpack_with(frame: &[u8], size: usize, words: &[u8]) -> Result<Vec<u8>> {
    let frame = frame.get(1..).unwrap_or_default();
    decompress(frame, size, |context, bytes| context.decompress_using_dict(bytes, frame, words))
}

/// Has the thread's context unpack a frame into at most `size` bytes.
fn decompress(
    frame: &[u8],
    size: usize,
    unpack: impl FnOnce(&mut DCtx<'static>, &mut Vec<u8>) -> zstd_safe::SafeResult,
) -> Result<Vec<u8>> {
    // What a frame says of itself it has to keep: no memory is taken for more.
    let stated = zstd_safe::get_frame_content_size(frame).ok().flatten();
    let stated = stated.map_or(size, |stated| usize::try_from(stated).unwrap_or(usize::MAX));
    let mut bytes = Vec::with_capacity(size.min(stated));
    CONTEXT.with_borrow_mut(|context| {
        let context = match context {
            Some(context) => context,
            None => context.insert(DCtx::try_create().ok_or_else(|| Error::from(ErrorKind::OutOfMemory))?),
        };
        unpack(context, &mut bytes).map_err(|code| Error::other(zstd_safe::get_error_name(code)))
    })?;
    Ok(bytes)
}

/// A frame made once.
pub fn pack(bytes: &[u8], level: i32) -> Result<Vec<u8>> {
    Packer::new(level)?.pack(bytes)
}

/// Unpacks a frame of at most `size` bytes; one of PPMd has exactly as many.
pub fn unpack(frame: &[u8], size: usize) -> Result<Vec<u8>> {
    match frame.split_first() {
        Some((order, packed))
            if (2..=PPMD7_MAX_ORDER.min(32)).contains(&u32::from(*order)) && PPMD_BYTES.contains(&size) =>
        {
            let mut decoder = Ppmd7Decoder::new(packed, u32::from(*order), model(size)).map_err(Error::other)?;
            let mut bytes = vec![0; size];
            decoder.read_exact(&mut bytes)?;
            Ok(bytes)
        }
        _ => decompress(frame, size, |context, bytes| context.decompress(bytes, frame)),
    }
}

/// Whether [`unpack_until`] takes a frame: those of zstd without words.
pub fn is_stepwise(frame: &[u8]) -> bool {
    frame.starts_with(&ZSTD_MAGIC)
}

/// Unpacks a frame of zstd of `size` bytes from its start and hands over one piece after the other as long as `take` wants more.
pub fn unpack_until(frame: &[u8], size: usize, mut take: impl FnMut(&[u8]) -> bool) -> Result<()> {
    if zstd_safe::get_frame_content_size(frame).ok().flatten() != Some(size as u64) {
        return Err(Error::other("states another size"));
    }
    let mut decoder = Decoder::new()?;
    let mut from = InBuffer::around(frame);
    let mut piece = vec![0; STEP.min(size)];
    let mut left = size;
    while left > 0 {
        let mut to = OutBuffer::around(piece.as_mut_slice());
        let before = from.pos();
        decoder.run(&mut from, &mut to)?;
        let bytes = to.as_slice();
        if bytes.is_empty() && before == from.pos() {
            return Err(Error::other("is cut off"));
        }
        left = left.checked_sub(bytes.len()).ok_or_else(|| Error::other("is longer than it states"))?;
        if !take(bytes) {
            break;
        }
    }
    Ok(())
}

/// Unpacks a frame of zstd that states its size, if that is at most `most` bytes.
pub fn unpack_stated(frame: &[u8], most: usize) -> Result<Vec<u8>> {
    let stated = zstd_safe::get_frame_content_size(frame).ok().flatten();
    let size = stated.and_then(|size| usize::try_from(size).ok()).filter(|size| *size <= most);
    unpack(frame, size.ok_or_else(|| Error::other("states no size, or too large a one"))?)
}

fn ppmd(bytes: &[u8], order: u32) -> Result<Vec<u8>> {
    let mut encoder = Ppmd7Encoder::new(vec![order as u8], order, model(bytes.len())).map_err(Error::other)?;
    encoder.write_all(bytes)?;
    encoder.finish(false)
}

/// Bytes of the model of a text of so many bytes.
fn model(size: usize) -> u32 {
    let (least, most) = MODEL_BYTES;
    size.saturating_mul(MODEL).clamp(least, most) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Words that follow one another like those of a language, in no order that repeats.
    fn text(count: usize) -> Vec<u8> {
        let words =
            ["disk", "is", "full", "on", "the", "volume", "of", "host", "since", "boot", "was", "slow", "and", "late"];
        let mut state = 7u32;
        let mut text = Vec::new();
        for _ in 0..count {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            text.extend_from_slice(words[(state >> 16) as usize % words.len()].as_bytes());
            text.push(if state >> 29 == 0 { b'\n' } else { b' ' });
        }
        text
    }

    #[test]
    fn frames_of_every_level_come_back() {
        for level in [1, 3, 7, 19] {
            for bytes in [text(2_000), Vec::new(), vec![7; 100], (0..=255).collect()] {
                let frame = pack(&bytes, level).unwrap();
                assert_eq!(unpack(&frame, bytes.len()).unwrap(), bytes, "level {level}");
            }
        }
    }

    #[test]
    fn text_is_smaller_at_the_highest_effort_unless_it_would_keep_readers_waiting() {
        let mut packer = Packer::new(19).unwrap();
        let (text, zstd) = (text(2_000), zstd::bulk::compress(&text(2_000), 19).unwrap());
        assert!(packer.pack(&text).unwrap().len() < zstd.len());
        assert_eq!(packer.pack_head(&text, text.len() - 1).unwrap(), zstd);
    }

    #[test]
    fn words_known_from_elsewhere_make_frames_smaller() {
        let (words, text) = (text(400), text(300));
        let frame = Words::new(&words, 19).unwrap().pack(&text).unwrap();
        assert!(needs_words(&frame) && frame.len() < pack(&text, 19).unwrap().len() / 4);
        assert_eq!(unpack_with(&frame, text.len(), &words).unwrap(), text);
        assert!(!needs_words(&pack(&text, 19).unwrap()) && unpack(&frame, text.len()).is_err());
    }

    #[test]
    fn a_frame_is_unpacked_no_further_than_it_is_asked_for() {
        let text = text(90_000);
        let frame = zstd::bulk::compress(&text, 3).unwrap();
        assert!(is_stepwise(&frame) && !is_stepwise(&ppmd(&text[..600], 6).unwrap()));
        for least in [1, STEP, STEP + 1, text.len()] {
            let mut bytes = Vec::new();
            let mut take = |piece: &[u8]| {
                bytes.extend_from_slice(piece);
                bytes.len() < least
            };
            unpack_until(&frame, text.len(), &mut take).unwrap();
            assert!(
                text.starts_with(&bytes) && (least..least + STEP).contains(&bytes.len()),
                "{least}: {}",
                bytes.len()
            );
        }
        let all = |frame: &[u8], size| unpack_until(frame, size, |_| true);
        assert!(all(&frame, text.len() + 1).is_err(), "states another size");
        assert!(all(&frame[..frame.len() - 9], text.len()).is_err(), "is cut off");
    }

    #[test]
    fn damaged_frames_are_errors_or_other_bytes_of_that_length() {
        let (text, frame) = (text(300), ppmd(&text(300), 6).unwrap());
        for at in 0..frame.len() {
            for bit in 0..8 {
                let mut damaged = frame.clone();
                damaged[at] ^= 1 << bit;
                assert!(unpack(&damaged, text.len()).map_or(true, |bytes| bytes.len() <= text.len()));
                let _ = unpack(damaged.get(..at).unwrap_or_default(), text.len());
            }
        }
    }
}
