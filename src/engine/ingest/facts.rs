//! What the system says of a file, for the log of custody.

use std::path::Path;

use crate::model::Timestamp;

/// The bytes of a path that is not UTF-8, in hexadecimal.
#[cfg(unix)]
pub fn path_hex(path: &Path) -> Option<String> {
    use std::os::unix::ffi::OsStrExt;
    let bytes = path.as_os_str().as_bytes();
    std::str::from_utf8(bytes).is_err().then(|| bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// The bytes of a path that is not UTF-8, in hexadecimal.
#[cfg(not(unix))]
pub fn path_hex(_: &Path) -> Option<String> {
    None
}

/// Device and inode of a file.
#[cfg(unix)]
pub fn file_id(data: &std::fs::Metadata) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt;
    Some((data.dev(), data.ino()))
}

/// Device and inode of a file.
#[cfg(not(unix))]
pub fn file_id(_: &std::fs::Metadata) -> Option<(u64, u64)> {
    None
}

/// The modification time of a file.
pub fn modified(data: &std::fs::Metadata) -> Option<Timestamp> {
    let since = data.modified().ok()?.duration_since(std::time::UNIX_EPOCH).ok()?;
    Timestamp::from_seconds(i64::try_from(since.as_secs()).ok()?, since.subsec_nanos())
}
