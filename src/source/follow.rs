//! Files that grow: what was appended since a known length, whole lines only.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::PathBuf;

use super::frame::Framer;

/// A file that is read as it grows.
#[derive(Debug)]
pub struct Followed {
    /// Where it was found; a rename does not change it.
    pub path: PathBuf,
    /// Device and inode: the file stays the same under another name, and another file may take the name.
    pub file_id: Option<(u64, u64)>,
    /// The open file; it stays readable after a rename or removal.
    pub file: File,
    /// Bytes read so far.
    pub bytes: u64,
}

/// What became of a followed file since the last look.
#[derive(Debug, PartialEq, Eq)]
pub enum Growth {
    /// Nothing new that ends a line.
    Nothing,
    /// It has whole lines beyond the known bytes.
    Lines,
    /// It is shorter than what was read of it: it was cut.
    Cut {
        /// Its length now.
        length: u64,
    },
}

/// Reads whole lines beyond `followed.bytes` and hands them on in chunks; `followed.bytes` moves with them.
pub fn grown<E>(
    followed: &mut Followed,
    mut chunk: impl FnMut(Vec<u8>) -> Result<(), E>,
) -> Result<io::Result<Growth>, E> {
    let length = match followed.file.metadata() {
        Ok(data) => data.len(),
        Err(cause) => return Ok(Err(cause)),
    };
    if length < followed.bytes {
        return Ok(Ok(Growth::Cut { length }));
    }
    if length == followed.bytes {
        return Ok(Ok(Growth::Nothing));
    }
    if let Err(cause) = followed.file.seek(SeekFrom::Start(followed.bytes)) {
        return Ok(Err(cause));
    }
    let mut growth = Growth::Nothing;
    let mut framer = Framer::new((&mut followed.file).take(length - followed.bytes), Vec::new());
    loop {
        let lines = match framer.next() {
            Ok(lines) => lines,
            Err(cause) => return Ok(Err(cause)),
        };
        // The last line may still be in the making: it waits for its end, unless it is beyond all bounds.
        if lines.is_empty() || lines.last() != Some(&b'\n') && lines.len() < super::LONGEST_LINE / 2 {
            return Ok(Ok(growth));
        }
        followed.bytes += lines.len() as u64;
        growth = Growth::Lines;
        chunk(lines)?;
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn only_whole_lines_are_taken_and_a_cut_is_seen() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.log");
        let mut writer = File::create(&path).unwrap();
        let mut followed = Followed { path: path.clone(), file_id: None, file: File::open(&path).unwrap(), bytes: 0 };
        let look = |followed: &mut Followed| {
            let mut seen = Vec::new();
            let growth = grown(followed, |chunk| {
                seen.extend(chunk);
                Ok::<(), ()>(())
            });
            (growth.unwrap().unwrap(), String::from_utf8(seen).unwrap())
        };
        assert_eq!(look(&mut followed).0, Growth::Nothing);
        writer.write_all(b"one\ntw").unwrap();
        assert_eq!(look(&mut followed), (Growth::Lines, "one\n".to_owned()));
        assert_eq!(look(&mut followed).0, Growth::Nothing);
        writer.write_all(b"o\n").unwrap();
        assert_eq!(look(&mut followed), (Growth::Lines, "two\n".to_owned()));
        writer.set_len(2).unwrap();
        assert_eq!(look(&mut followed).0, Growth::Cut { length: 2 });
    }
}
