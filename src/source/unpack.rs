//! Containers -> members: gzip, zstd, bzip2, xz, tar and zip, told by content, nested as deep as the caps allow.

use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use sha2::{Digest, Sha256};

use super::frame::Framer;
use crate::model::Timestamp;

/// The head of a member that is shown to [`Sink::begin`], at most.
pub const SAMPLE_BYTES: usize = 256 << 10;
/// Bytes that tell a container from anything else (the magic of tar ends at 262, its header at 512).
const PEEK: usize = 512;
/// Ratios are not judged before this much was unpacked: a small file of zeros is no bomb.
const RATIO_GRACE: u64 = 64 << 20;

/// How far containers are followed.
#[derive(Debug, Clone, Copy)]
pub struct Caps {
    /// Containers within containers.
    pub depth: u32,
    /// Members of one file, however nested.
    pub members: u64,
    /// Unpacked bytes for each packed byte, judged beyond 64 MiB.
    pub ratio: u64,
}

impl Default for Caps {
    fn default() -> Caps {
        Caps { depth: 5, members: 100_000, ratio: 1_000 }
    }
}

/// A stream of lines: a plain file, what a compressed file unpacks to, or a member of a bundle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Its relative name, without the endings of the compression that was undone.
    pub name: String,
    /// The file it was read from.
    pub path: PathBuf,
    /// How it was unpacked, outermost first; empty for a plain file.
    pub unpacked: Vec<String>,
    /// Bytes of the file on disk.
    pub size: Option<u64>,
    /// Modification time of the member or else of the file.
    pub modified: Option<Timestamp>,
    /// Device and inode of the file.
    pub file_id: Option<(u64, u64)>,
}

/// What to do with a member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// Read it from its first byte.
    Take,
    /// Leave it.
    Skip,
    /// Go on behind this many bytes; the caller has made sure that they are the known ones.
    After(u64),
    /// Its first `bytes` bytes are known, if their SHA-256 is this: go on behind them, or else read it from its first byte.
    Resume {
        /// Known bytes.
        bytes: u64,
        /// Their hash, hexadecimal.
        sha256: String,
    },
}

/// Bytes of a member that could not be read, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SkippedBytes {
    /// Offset in the unpacked member.
    pub offset: u64,
    /// Why; also where nobody can say how many bytes there would have been.
    pub reason: String,
}

/// How a member ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberEnd {
    /// Bytes read of it, from its first.
    pub bytes: u64,
    /// What could not be read.
    pub skipped: Option<SkippedBytes>,
}

/// How a file ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileEnd {
    /// SHA-256 of the file as it lies on disk, hexadecimal; absent where it was not read to its end.
    pub sha256: Option<String>,
    /// Whether the file was packed.
    pub is_container: bool,
}

/// Whether the first bytes of a file are those of a container.
pub fn is_container(head: &[u8]) -> bool {
    Kind::of(head) != Kind::Plain
}

/// The receiver wants no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stop;

/// Receives members one after the other.
pub trait Sink {
    /// A member begins; `head` is its first bytes, up to [`SAMPLE_BYTES`].
    fn begin(&mut self, member: &Member, head: &[u8]) -> Result<Decision, Stop>;
    /// The bytes that [`Decision::Resume`] spoke of are the known ones; `hash` has taken them in.
    fn resumed(&mut self, hash: &Sha256) -> Result<(), Stop>;
    /// The bytes that [`Decision::Resume`] spoke of are others now: what follows is read from the first byte after all.
    fn restarted(&mut self, member: &Member) -> Result<(), Stop>;
    /// Whole lines of the member; see [`super::LONGEST_LINE`] for the exception.
    fn chunk(&mut self, bytes: Vec<u8>) -> Result<(), Stop>;
    /// The member ended; called after `begin` unless that said skip.
    fn end(&mut self, end: MemberEnd) -> Result<(), Stop>;
    /// Something was not taken, and why.
    fn refused(&mut self, name: &str, reason: &str) -> Result<(), Stop>;
    /// Bytes read from disk since the last call, for whoever shows progress.
    fn progress(&mut self, bytes: u64);
}

/// Reads one file, unpacking as needed.
pub fn read_file(path: &Path, name: &str, caps: Caps, sink: &mut dyn Sink) -> Result<io::Result<FileEnd>, Stop> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(cause) => return Ok(Err(cause)),
    };
    let data = match file.metadata() {
        Ok(data) => data,
        Err(cause) => return Ok(Err(cause)),
    };
    if data.is_dir() {
        return Ok(Err(io::Error::new(io::ErrorKind::IsADirectory, "is a folder")));
    }
    let member = Member {
        name: name.to_owned(),
        path: path.to_owned(),
        unpacked: Vec::new(),
        size: data.is_file().then_some(data.len()),
        modified: data.modified().ok().and_then(|time| {
            let since = time.duration_since(std::time::UNIX_EPOCH).ok()?;
            Timestamp::from_seconds(i64::try_from(since.as_secs()).ok()?, since.subsec_nanos())
        }),
        file_id: file_id(&data),
    };
    read(Box::new(file), member, caps, sink)
}

/// Reads a stream that has no file (standard input), unpacking as needed.
pub fn read_stream(
    stream: Box<dyn Read>,
    name: &str,
    caps: Caps,
    sink: &mut dyn Sink,
) -> Result<io::Result<FileEnd>, Stop> {
    let member = Member {
        name: name.to_owned(),
        path: PathBuf::from("-"),
        unpacked: Vec::new(),
        size: None,
        modified: None,
        file_id: None,
    };
    read(stream, member, caps, sink)
}

fn read(stream: Box<dyn Read>, member: Member, caps: Caps, sink: &mut dyn Sink) -> Result<io::Result<FileEnd>, Stop> {
    let counted = Counted { inner: stream, count: Arc::default(), hash: Some(Sha256::new()) };
    let packed = counted.count.clone();
    let mut raw = counted;
    let mut walk = Walk { caps, sink, members: 0, packed, reported: 0, is_container: false };
    let outcome = walk.unpack(&mut raw, member, 0)?;
    // A container may be followed by bytes its own end mark does not cover: they belong to the file's hash.
    let drained = match outcome {
        Ok(()) => io::copy(&mut raw, &mut io::sink()).map(|_| ()),
        Err(cause) => Err(cause),
    };
    walk.report();
    let is_container = walk.is_container;
    Ok(drained.map(|()| FileEnd {
        sha256: raw.hash.map(|hash| hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()),
        is_container,
    }))
}

#[cfg(unix)]
fn file_id(data: &std::fs::Metadata) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt;
    Some((data.dev(), data.ino()))
}

#[cfg(not(unix))]
fn file_id(_: &std::fs::Metadata) -> Option<(u64, u64)> {
    None
}

/// Counts what is read, and hashes it where it is the file itself.
struct Counted<R> {
    inner: R,
    count: Arc<AtomicU64>,
    hash: Option<Sha256>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.count.fetch_add(read as u64, Ordering::Relaxed);
        if let (Some(hash), Some(bytes)) = (&mut self.hash, buffer.get(..read)) {
            hash.update(bytes);
        }
        Ok(read)
    }
}

/// Fails once far more was unpacked than any log packs.
struct Guarded<R> {
    inner: R,
    packed: Arc<AtomicU64>,
    packed_before: u64,
    unpacked: u64,
    ratio: u64,
}

impl<R: Read> Read for Guarded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.unpacked = self.unpacked.saturating_add(read as u64);
        let packed = self.packed.load(Ordering::Relaxed).saturating_sub(self.packed_before);
        if self.unpacked > RATIO_GRACE && self.unpacked / packed.max(1) > self.ratio {
            let what =
                format!("unpacks to more than {} times its size: a decompression bomb? (see --max-ratio)", self.ratio);
            return Err(io::Error::new(io::ErrorKind::InvalidData, what));
        }
        Ok(read)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Gzip,
    Zstd,
    Bzip2,
    Xz,
    Tar,
    Zip,
    Plain,
}

impl Kind {
    fn of(head: &[u8]) -> Kind {
        if head.starts_with(&[0x1f, 0x8b, 8]) {
            Kind::Gzip
        } else if head.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) {
            Kind::Zstd
        } else if head.starts_with(b"BZh") && head.get(4..10) == Some(&[0x31, 0x41, 0x59, 0x26, 0x53, 0x59]) {
            Kind::Bzip2
        } else if head.starts_with(&[0xfd, b'7', b'z', b'X', b'Z', 0]) {
            Kind::Xz
        } else if head.starts_with(b"PK\x03\x04") || head.starts_with(b"PK\x05\x06") {
            Kind::Zip
        } else if is_tar_header(head) {
            Kind::Tar
        } else {
            Kind::Plain
        }
    }

    fn name(self) -> &'static str {
        match self {
            Kind::Gzip => "gzip",
            Kind::Zstd => "zstd",
            Kind::Bzip2 => "bzip2",
            Kind::Xz => "xz",
            Kind::Tar => "tar",
            Kind::Zip => "zip",
            Kind::Plain => "plain",
        }
    }

    /// Endings that go when the compression is undone, with what takes their place.
    fn endings(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Kind::Gzip => &[(".gz", ""), (".tgz", ".tar"), (".GZ", "")],
            Kind::Zstd => &[(".zst", ""), (".tzst", ".tar"), (".zstd", "")],
            Kind::Bzip2 => &[(".bz2", ""), (".tbz2", ".tar"), (".tbz", ".tar")],
            Kind::Xz => &[(".xz", ""), (".txz", ".tar")],
            _ => &[],
        }
    }
}

/// Whether 512 bytes are a tar header: the magic and the checksum of its bytes.
fn is_tar_header(head: &[u8]) -> bool {
    if head.get(257..262) != Some(b"ustar") {
        return false;
    }
    let Some(header) = head.get(..512) else { return false };
    let sum: u64 = header
        .iter()
        .enumerate()
        .map(|(at, byte)| u64::from(if (148..156).contains(&at) { b' ' } else { *byte }))
        .sum();
    let field = header.get(148..156).unwrap_or_default();
    let text: String = field.iter().map(|byte| *byte as char).collect();
    u64::from_str_radix(text.trim_matches(['\0', ' ']), 8) == Ok(sum)
}

/// Why a member's name must not be used, or `None`.
fn bad_name(name: &str) -> Option<&'static str> {
    if name.is_empty() {
        return Some("has no name");
    }
    if name.starts_with(['/', '\\']) || name.as_bytes().get(1) == Some(&b':') {
        return Some("has an absolute path");
    }
    if name.split(['/', '\\']).any(|part| part == "..") {
        return Some("has a path that leads out of its folder");
    }
    if name.contains('\0') {
        return Some("has a NUL byte in its name");
    }
    None
}

struct Walk<'a> {
    caps: Caps,
    sink: &'a mut dyn Sink,
    members: u64,
    packed: Arc<AtomicU64>,
    reported: u64,
    is_container: bool,
}

impl Walk<'_> {
    fn report(&mut self) {
        let now = self.packed.load(Ordering::Relaxed);
        self.sink.progress(now.saturating_sub(self.reported));
        self.reported = now;
    }

    /// Hands on what `reader` unpacks to. The inner error is of the whole file: nothing of it could be told or read.
    fn unpack(&mut self, reader: &mut dyn Read, member: Member, depth: u32) -> Result<io::Result<()>, Stop> {
        let mut head = Vec::with_capacity(PEEK);
        if let Err(cause) = reader.take(PEEK as u64).read_to_end(&mut head) {
            return if depth == 0 { Ok(Err(cause)) } else { self.failed(&member, head, &cause).map(Ok) };
        }
        let kind = Kind::of(&head);
        if kind == Kind::Plain {
            return self.plain(reader, head, &member).map(Ok);
        }
        self.is_container = true;
        if depth >= self.caps.depth {
            self.sink.refused(&member.name, &format!("is nested deeper than {} containers", self.caps.depth))?;
            return Ok(Ok(()));
        }
        let whole = io::Cursor::new(head).chain(reader);
        match kind {
            Kind::Tar => self.tar(whole, &member, depth)?,
            Kind::Zip => self.zip(whole, &member, depth)?,
            _ => self.compressed(kind, whole, &member, depth)?,
        }
        Ok(Ok(()))
    }

    fn compressed(&mut self, kind: Kind, whole: impl Read, member: &Member, depth: u32) -> Result<(), Stop> {
        let mut inner = member.clone();
        inner.unpacked.push(kind.name().to_owned());
        for (ending, instead) in kind.endings() {
            if let Some(stem) = member.name.strip_suffix(ending)
                && !stem.is_empty()
                && !stem.ends_with('/')
            {
                inner.name = format!("{stem}{instead}");
                break;
            }
        }
        let packed = Counted { inner: whole, count: Arc::default(), hash: None };
        let count = packed.count.clone();
        let decoder: Box<dyn Read + '_> = match kind {
            Kind::Gzip => Box::new(flate2::read::MultiGzDecoder::new(packed)),
            Kind::Bzip2 => Box::new(bzip2::read::MultiBzDecoder::new(packed)),
            Kind::Xz => Box::new(liblzma::read::XzDecoder::new_multi_decoder(packed)),
            _ => match zstd::stream::read::Decoder::new(packed) {
                Ok(decoder) => Box::new(decoder),
                Err(cause) => return self.sink.refused(&member.name, &format!("can't be unpacked: {cause}")),
            },
        };
        let mut guarded =
            Guarded { inner: decoder, packed: count, packed_before: 0, unpacked: 0, ratio: self.caps.ratio };
        match self.unpack(&mut guarded, inner, depth + 1)? {
            Ok(()) => Ok(()),
            Err(cause) => self.sink.refused(&member.name, &format!("can't be unpacked: {cause}")),
        }
    }

    fn tar(&mut self, whole: impl Read, member: &Member, depth: u32) -> Result<(), Stop> {
        let mut archive = tar::Archive::new(whole);
        let entries = match archive.entries() {
            Ok(entries) => entries,
            Err(cause) => return self.sink.refused(&member.name, &format!("can't be read as tar: {cause}")),
        };
        for entry in entries {
            let mut entry = match entry {
                Ok(entry) => entry,
                Err(cause) => return self.sink.refused(&member.name, &format!("tar is damaged from here on: {cause}")),
            };
            let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
            let kind = entry.header().entry_type();
            if kind.is_dir() || kind.is_pax_global_extensions() {
                continue;
            }
            let name = name.strip_prefix("./").unwrap_or(&name).to_owned();
            let refusal = bad_name(&name).or(match kind {
                kind if kind.is_file() || kind.is_contiguous() || kind.is_gnu_sparse() => None,
                kind if kind.is_symlink() || kind.is_hard_link() => Some("is a link"),
                _ => Some("is no regular file"),
            });
            if let Some(reason) = refusal {
                self.sink.refused(&format!("{}/{name}", member.name), reason)?;
                continue;
            }
            let modified = entry.header().mtime().ok().filter(|mtime| *mtime > 0);
            let inner = self.inside(member, "tar", &name, modified.and_then(|mtime| i64::try_from(mtime).ok()));
            if self.is_one_too_many(member)? {
                return Ok(());
            }
            if let Err(cause) = self.unpack(&mut entry, inner.clone(), depth + 1)? {
                self.sink.refused(&inner.name, &format!("can't be read: {cause}"))?;
            }
        }
        Ok(())
    }

    fn zip(&mut self, mut whole: impl Read, member: &Member, depth: u32) -> Result<(), Stop> {
        // The directory of a zip is at its end: what can't be rewound goes through a nameless temporary file.
        let spooled = (|| {
            let mut file = tempfile::tempfile()?;
            io::copy(&mut whole, &mut file)?;
            file.flush()?;
            file.rewind()?;
            zip::ZipArchive::new(file).map_err(io::Error::from)
        })();
        let mut archive = match spooled {
            Ok(archive) => archive,
            Err(cause) => return self.sink.refused(&member.name, &format!("can't be read as zip: {cause}")),
        };
        for index in 0..archive.len() {
            let listed = archive.name_for_index(index).and_then(Result::ok).unwrap_or_default().into_owned();
            let mut entry = match archive.by_index(index) {
                Ok(entry) => entry,
                Err(cause) => {
                    self.sink.refused(&format!("{}/{listed}", member.name), &format!("can't be unpacked: {cause}"))?;
                    continue;
                }
            };
            if entry.is_dir() {
                continue;
            }
            let name = String::from_utf8_lossy(entry.name_raw()).replace('\\', "/");
            let reason = if entry.is_symlink() { Some("is a link") } else { bad_name(&name) };
            if let Some(reason) = reason {
                self.sink.refused(&format!("{}/{name}", member.name), reason)?;
                continue;
            }
            let inner = self.inside(member, "zip", &name, None);
            if self.is_one_too_many(member)? {
                return Ok(());
            }
            let count: Arc<AtomicU64> = Arc::default();
            count.store(entry.compressed_size(), Ordering::Relaxed);
            let ratio = self.caps.ratio;
            let mut guarded = Guarded { inner: &mut entry, packed: count, packed_before: 0, unpacked: 0, ratio };
            if let Err(cause) = self.unpack(&mut guarded, inner.clone(), depth + 1)? {
                self.sink.refused(&inner.name, &format!("can't be read: {cause}"))?;
            }
        }
        Ok(())
    }

    fn inside(&self, bundle: &Member, kind: &str, name: &str, modified: Option<i64>) -> Member {
        let mut inner = bundle.clone();
        inner.unpacked.push(format!("{kind}:{name}"));
        inner.name = format!("{}/{name}", bundle.name);
        if let Some(modified) = modified.and_then(|seconds| Timestamp::from_seconds(seconds, 0)) {
            inner.modified = Some(modified);
        }
        inner
    }

    fn is_one_too_many(&mut self, bundle: &Member) -> Result<bool, Stop> {
        self.members += 1;
        if self.members <= self.caps.members {
            return Ok(false);
        }
        self.sink
            .refused(&bundle.name, &format!("holds more than {} members; the rest was not read", self.caps.members))?;
        Ok(true)
    }

    fn plain(&mut self, reader: &mut dyn Read, mut head: Vec<u8>, member: &Member) -> Result<(), Stop> {
        let want = SAMPLE_BYTES.saturating_sub(head.len());
        if let Err(cause) = reader.take(want as u64).read_to_end(&mut head) {
            return self.failed(member, head, &cause);
        }
        match self.sink.begin(member, &head)? {
            Decision::Skip => {
                // The stream must be read on for what lies behind it; a plain file need not.
                if !member.unpacked.is_empty() {
                    let _ = io::copy(reader, &mut io::sink());
                }
                self.report();
                Ok(())
            }
            Decision::Take => self.lines(Framer::new(reader, head), 0),
            Decision::After(bytes) => {
                let mut whole = io::Cursor::new(head).chain(reader);
                if let Err(cause) = io::copy(&mut (&mut whole).take(bytes), &mut io::sink()) {
                    let skipped = SkippedBytes { offset: bytes, reason: cause.to_string() };
                    return self.sink.end(MemberEnd { bytes, skipped: Some(skipped) });
                }
                self.lines(Framer::new(whole, Vec::new()), bytes)
            }
            Decision::Resume { bytes, sha256 } => {
                let whole = io::Cursor::new(head).chain(reader);
                self.resume(whole, bytes, &sha256, member)
            }
        }
    }

    /// Passes over known bytes, keeping them in a temporary file until it is sure that they are the known ones.
    fn resume(&mut self, mut whole: impl Read, bytes: u64, sha256: &str, member: &Member) -> Result<(), Stop> {
        let mut hash = Sha256::new();
        let kept = (|| {
            let mut spool = tempfile::SpooledTempFile::new(1 << 20);
            let mut prefix = (&mut whole).take(bytes);
            let mut buffer = vec![0; 64 << 10];
            loop {
                let read = prefix.read(&mut buffer)?;
                let Some(part) = buffer.get(..read).filter(|part| !part.is_empty()) else { break };
                hash.update(part);
                spool.write_all(part)?;
            }
            spool.rewind()?;
            Ok(spool)
        })();
        let spool = match kept {
            Ok(spool) => spool,
            Err(cause) => return self.failed(member, Vec::new(), &cause),
        };
        let found: String = hash.clone().finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        if found == sha256 {
            self.sink.resumed(&hash)?;
            return self.lines(Framer::new(whole, Vec::new()), bytes);
        }
        self.sink.restarted(member)?;
        self.lines(Framer::new(spool.chain(whole), Vec::new()), 0)
    }

    fn lines(&mut self, mut framer: Framer<impl Read>, start: u64) -> Result<(), Stop> {
        let mut bytes = start;
        loop {
            match framer.next() {
                Ok(chunk) if chunk.is_empty() => {
                    self.report();
                    return self.sink.end(MemberEnd { bytes, skipped: None });
                }
                Ok(chunk) => {
                    bytes += chunk.len() as u64;
                    self.sink.chunk(chunk)?;
                    self.report();
                }
                Err(cause) => {
                    // What was read before the failure is kept; from here on nobody knows.
                    let rest = framer.rest();
                    bytes += rest.len() as u64;
                    if !rest.is_empty() {
                        self.sink.chunk(rest)?;
                    }
                    let skipped = SkippedBytes { offset: bytes, reason: cause.to_string() };
                    return self.sink.end(MemberEnd { bytes, skipped: Some(skipped) });
                }
            }
        }
    }

    /// A member that failed before its head was whole: what there is of it is kept.
    fn failed(&mut self, member: &Member, head: Vec<u8>, cause: &io::Error) -> Result<(), Stop> {
        if self.sink.begin(member, &head)? == Decision::Skip {
            return Ok(());
        }
        let bytes = head.len() as u64;
        if !head.is_empty() {
            self.sink.chunk(head)?;
        }
        self.sink.end(MemberEnd { bytes, skipped: Some(SkippedBytes { offset: bytes, reason: cause.to_string() }) })
    }
}

#[cfg(test)]
#[path = "unpack_tests.rs"]
mod tests;
