//! Writes the index: groups and flagged records, then a commit that says up to which record it covers the archive.

use std::fs::{File, OpenOptions};
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use tantivy::{Index, IndexWriter, TantivyDocument, TantivyError};

use super::IndexError;
use super::schema::{FILTERS, Fields, LINES, LineTokenizer, Payload, SCHEMA_VERSION, schema};
use super::words::GroupWords;
use xxhash_rust::xxh3::xxh3_64;

/// Bytes of memory for documents not yet on disk.
const HEAP: usize = 48 << 20;

/// A flagged record, as the index keeps it.
#[derive(Debug, Clone, PartialEq)]
pub struct FlaggedRecord {
    /// Its id.
    pub id: u64,
    /// Its score.
    pub score: f32,
    /// Rules that fired.
    pub rules: Vec<String>,
    /// Its reasons, in words.
    pub reasons: Vec<String>,
    /// Whom it is about.
    pub entity: Option<String>,
}

/// The one writer of an index.
pub struct Writer {
    folder: PathBuf,
    fields: Fields,
    writer: IndexWriter,
    archive: String,
    covered: u64,
    /// The filters of words, one after the other; only what a committed document names counts.
    filters: File,
    filters_len: u64,
}

impl Writer {
    /// Opens the index in `folder`, or makes one. An index that is damaged, of another archive or another version is
    /// emptied: [`Writer::covered`] is 0 then, and the caller fills it from the archive.
    pub fn open(folder: &Path, archive: &str) -> Result<Writer, IndexError> {
        let failed = |cause: TantivyError| IndexError::Write { folder: folder.to_owned(), cause: cause.to_string() };
        match super::Reader::open(folder, archive) {
            Ok(reader) => {
                let (covered, filters_len) = (reader.covered(), reader.filters_len());
                let index = reader.into_index();
                Writer::on(folder, index, archive, covered, filters_len).map_err(failed)
            }
            Err(_) => Writer::create(folder, archive),
        }
    }

    /// Throws away what is in `folder` of an index and makes an empty one.
    pub fn create(folder: &Path, archive: &str) -> Result<Writer, IndexError> {
        let failed = |cause: String| IndexError::Write { folder: folder.to_owned(), cause };
        std::fs::create_dir_all(folder).map_err(|cause| failed(cause.to_string()))?;
        empty(folder).map_err(|cause| failed(cause.to_string()))?;
        let (schema, _) = schema();
        let index = Index::create_in_dir(folder, schema).map_err(|cause| failed(cause.to_string()))?;
        // Until its first commit it says nothing of what it covers, and whoever opens it then makes it anew.
        Writer::on(folder, index, archive, 0, 0).map_err(|cause| failed(cause.to_string()))
    }

    fn on(folder: &Path, index: Index, archive: &str, covered: u64, filters_len: u64) -> Result<Writer, TantivyError> {
        index.tokenizers().register(LINES, LineTokenizer::default());
        let (_, fields) = schema();
        // One thread: the order of documents, and so the bytes on disk, must not depend on scheduling.
        let writer = index.writer_with_num_threads(1, HEAP)?;
        let mut filters = OpenOptions::new().create(true).truncate(false).write(true).open(folder.join(FILTERS))?;
        // What lies beyond was written by a run that ended before its commit.
        filters.set_len(filters_len)?;
        filters.seek(SeekFrom::End(0))?;
        let (folder, archive) = (folder.to_owned(), archive.to_owned());
        Ok(Writer { folder, fields, writer, archive, covered, filters, filters_len })
    }

    /// Records covered by the last commit: all with a smaller id.
    pub fn covered(&self) -> u64 {
        self.covered
    }

    /// Takes up a group.
    pub fn add_group(&mut self, group: &GroupWords) -> Result<(), IndexError> {
        let mut document = TantivyDocument::default();
        document.add_u64(self.fields.first, group.first);
        document.add_u64(self.fields.count, group.count);
        let filter = group.filter.as_deref().unwrap_or_default();
        document.add_u64(self.fields.filter_at, self.filters_len);
        document.add_u64(self.fields.filter_len, filter.len() as u64);
        document.add_u64(self.fields.filter_sum, xxh3_64(filter));
        for address in &group.addresses {
            document.add_bytes(self.fields.address, &address.to_be_bytes());
        }
        self.filters.write_all(filter).map_err(|cause| self.failed(&cause.into()))?;
        self.filters_len += filter.len() as u64;
        self.add(document)?;
        for block in group.blocks.iter().filter(|block| !block.words.is_empty()) {
            let mut document = TantivyDocument::default();
            document.add_u64(self.fields.first, group.first.saturating_add(block.first));
            document.add_u64(self.fields.count, block.count);
            document.add_text(self.fields.word, &block.words);
            self.add(document)?;
        }
        Ok(())
    }

    /// Takes up a flagged record.
    pub fn add_flagged(&mut self, record: &FlaggedRecord) -> Result<(), IndexError> {
        let mut document = TantivyDocument::default();
        document.add_u64(self.fields.first, record.id);
        document.add_u64(self.fields.count, 0);
        document.add_f64(self.fields.score, f64::from(record.score));
        for rule in &record.rules {
            document.add_text(self.fields.rule, rule);
        }
        for reason in &record.reasons {
            document.add_text(self.fields.reason, reason);
        }
        if let Some(entity) = &record.entity {
            document.add_text(self.fields.entity, entity);
        }
        self.add(document)
    }

    /// Makes everything taken up visible to readers, as covering all records below `records`.
    pub fn commit(&mut self, records: u64) -> Result<(), IndexError> {
        let payload = Payload { schema: SCHEMA_VERSION, archive: self.archive.clone(), records };
        let payload = serde_json::to_string(&payload).unwrap_or_default();
        self.filters.sync_data().map_err(|cause| self.failed(&cause.into()))?;
        let committed = self.writer.prepare_commit().and_then(|mut commit| {
            commit.set_payload(&payload);
            commit.commit()
        });
        committed.map_err(|cause| self.failed(&cause))?;
        self.covered = records;
        Ok(())
    }

    /// Waits for merges that go on in the background.
    pub fn close(self) -> Result<(), IndexError> {
        let folder = self.folder;
        self.writer.wait_merging_threads().map_err(|cause| IndexError::Write { folder, cause: cause.to_string() })
    }

    fn add(&mut self, document: TantivyDocument) -> Result<(), IndexError> {
        match self.writer.add_document(document) {
            Ok(_) => Ok(()),
            Err(cause) => Err(self.failed(&cause)),
        }
    }

    fn failed(&self, cause: &TantivyError) -> IndexError {
        IndexError::Write { folder: self.folder.clone(), cause: cause.to_string() }
    }
}

/// Removes the files of an index and nothing else (the folder may hold what the user put there).
fn empty(folder: &Path) -> std::io::Result<()> {
    const OURS: &[&str] = &["idx", "term", "pos", "fast", "fieldnorm", "store", "del", "lock", "json", "temp", "pnm"];
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let extension = path.extension().map(|extension| extension.to_string_lossy().into_owned()).unwrap_or_default();
        let is_ours = OURS.contains(&extension.as_str())
            || name.starts_with(".tantivy")
            || name == ".managed.json"
            || name == FILTERS;
        if path.is_file() && is_ours {
            std::fs::remove_file(&path)?;
        }
    }
    Ok(())
}
