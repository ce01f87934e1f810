//! Reads the index: which blocks may satisfy a condition.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::ops::{Bound, Range};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use hashbrown::HashMap;
use tantivy::collector::DocSetCollector;
use tantivy::query::{InvertedIndexRangeQuery, Query, TermQuery};
use tantivy::schema::IndexRecordOption;
use tantivy::{Index, Searcher, TantivyError, Term};
use xxhash_rust::xxh3::xxh3_64;

use super::schema::{FILTERS, Fields, LINES, LineTokenizer, Payload, SCHEMA_VERSION, schema};
use super::{IndexError, Lookup, filter};

/// Filters kept in memory once read, in bytes.
const CACHE: usize = 64 << 20;

/// A group of the index and where its filter lies.
#[derive(Debug, Clone)]
struct GroupFilter {
    records: Range<u64>,
    at: u64,
    len: u64,
    sum: u64,
}

/// The filters of words, read when first asked.
struct Filters {
    groups: Vec<GroupFilter>,
    file: Mutex<Cache>,
}

struct Cache {
    file: File,
    bytes: usize,
    filters: HashMap<u64, Arc<Vec<u8>>>,
}

/// An index as of its last commit.
pub struct Reader {
    folder: PathBuf,
    index: Index,
    searcher: Searcher,
    fields: Fields,
    payload: Payload,
    filters: Filters,
}

impl Reader {
    /// Opens the index in `folder` after checking that its files have the checksums they were written with and that it is of
    /// the archive named. A filter is checked when it is read.
    pub fn open(folder: &Path, archive: &str) -> Result<Reader, IndexError> {
        Reader::load(folder)?.of(archive)
    }

    /// The same where it is of the archive named.
    pub fn of(self, archive: &str) -> Result<Reader, IndexError> {
        if self.payload.archive == archive { Ok(self) } else { Err(IndexError::Foreign { folder: self.folder }) }
    }

    /// The same of whatever archive, for [`Reader::of`]; so it can be opened while the archive is.
    pub fn load(folder: &Path) -> Result<Reader, IndexError> {
        if !folder.join("meta.json").is_file() {
            return Err(IndexError::Missing { folder: folder.to_owned() });
        }
        let damaged = |what: String| IndexError::Damaged { folder: folder.to_owned(), what };
        let unreadable = |cause: TantivyError| damaged(format!("can't be read: {cause}"));
        let index = Index::open_in_dir(folder).map_err(unreadable)?;
        let (known, fields) = schema();
        if index.schema() != known {
            return Err(IndexError::Foreign { folder: folder.to_owned() });
        }
        let bad = index.validate_checksum().map_err(unreadable)?;
        if let Some(file) = bad.iter().min() {
            return Err(damaged(format!("{} is damaged", file.display())));
        }
        index.tokenizers().register(LINES, LineTokenizer::default());
        let payload = index
            .load_metas()
            .map_err(unreadable)?
            .payload
            .and_then(|payload| serde_json::from_str::<Payload>(&payload).ok())
            .ok_or_else(|| damaged("does not say what it covers".to_owned()))?;
        if payload.schema != SCHEMA_VERSION {
            return Err(IndexError::Foreign { folder: folder.to_owned() });
        }
        let searcher = index
            .reader_builder()
            .reload_policy(tantivy::ReloadPolicy::Manual)
            .try_into()
            .map_err(unreadable)?
            .searcher();
        let file = File::open(folder.join(FILTERS)).map_err(|cause| damaged(format!("{FILTERS}: {cause}")))?;
        let groups = groups(&searcher).map_err(unreadable)?;
        let filters = Filters { groups, file: Mutex::new(Cache { file, bytes: 0, filters: HashMap::new() }) };
        let length = folder.join(FILTERS).metadata().map_or(0, |data| data.len());
        let reader = Reader { folder: folder.to_owned(), index, searcher, fields, payload, filters };
        if reader.filters_len() > length {
            return Err(damaged(format!("{FILTERS} is cut short")));
        }
        Ok(reader)
    }

    /// Records covered: all with a smaller id.
    pub fn covered(&self) -> u64 {
        self.payload.records
    }

    /// The tantivy index, for the writer that goes on with it.
    pub(super) fn into_index(self) -> Index {
        self.index
    }

    /// Bytes of the file of filters that the last commit names.
    pub(super) fn filters_len(&self) -> u64 {
        self.filters.groups.iter().map(|group| group.at.saturating_add(group.len)).max().unwrap_or(0)
    }

    /// Bytes of the index's files.
    pub fn bytes(folder: &Path) -> u64 {
        let Ok(entries) = std::fs::read_dir(folder) else { return 0 };
        entries
            .flatten()
            .filter_map(|entry| entry.metadata().ok())
            .filter(|data| data.is_file())
            .map(|data| data.len())
            .sum()
    }

    /// Ids of the records of all blocks that may satisfy the condition, as ascending ranges that do not touch.
    pub fn blocks(&self, lookup: &Lookup) -> Result<Vec<Range<u64>>, IndexError> {
        self.find(lookup).map_err(|cause| IndexError::Damaged {
            folder: self.folder.clone(),
            what: format!("can't be searched: {cause}"),
        })
    }

    fn find(&self, lookup: &Lookup) -> Result<Vec<Range<u64>>, TantivyError> {
        Ok(match lookup {
            Lookup::All => union(self.filters.groups.iter().map(|group| group.records.clone()).collect()),
            Lookup::Nothing => Vec::new(),
            Lookup::And(all) => {
                let mut kept = self.find(&Lookup::All)?;
                for part in all {
                    kept = intersection(&kept, &self.find(part)?);
                }
                kept
            }
            Lookup::Or(any) => {
                let mut found = Vec::new();
                for part in any {
                    found.extend(self.find(part)?);
                }
                union(found)
            }
            Lookup::Word(word) => {
                let term = Term::from_field_text(self.fields.word, word);
                let mut found = self.documents(&TermQuery::new(term, IndexRecordOption::Basic))?;
                let hash = filter::hash_of(word.as_bytes());
                for group in &self.filters.groups {
                    if group.len == 0 || filter::may_hold(&self.filters.get(group)?, hash) {
                        found.push(group.records.clone());
                    }
                }
                union(found)
            }
            Lookup::Address { low, high } => {
                let term = |address: &u128| Term::from_field_bytes(self.fields.address, &address.to_be_bytes());
                let range = InvertedIndexRangeQuery::new(Bound::Included(term(low)), Bound::Included(term(high)));
                let mut found = self.documents(&range)?;
                found.extend(
                    self.filters.groups.iter().filter(|group| group.len == 0).map(|group| group.records.clone()),
                );
                union(found)
            }
        })
    }

    /// The records of all documents that match.
    fn documents(&self, query: &dyn Query) -> Result<Vec<Range<u64>>, TantivyError> {
        let found = self.searcher.search(query, &DocSetCollector)?;
        let mut readers = Vec::new();
        for segment in self.searcher.segment_readers() {
            readers.push((segment.fast_fields().u64("first")?, segment.fast_fields().u64("count")?));
        }
        let mut ranges = Vec::with_capacity(found.len());
        for document in found {
            let Some((first, count)) = readers.get(document.segment_ord as usize) else { continue };
            if let (Some(first), Some(count)) = (first.first(document.doc_id), count.first(document.doc_id))
                && count > 0
            {
                ranges.push(first..first.saturating_add(count));
            }
        }
        Ok(ranges)
    }
}

/// The groups named by the documents of an index, in record order.
fn groups(searcher: &Searcher) -> Result<Vec<GroupFilter>, TantivyError> {
    let mut groups = Vec::new();
    for segment in searcher.segment_readers() {
        let columns = segment.fast_fields();
        let (first, count) = (columns.u64("first")?, columns.u64("count")?);
        let (at, len, sum) = (columns.u64("filter_at")?, columns.u64("filter_len")?, columns.u64("filter_sum")?);
        for document in 0..segment.max_doc() {
            let Some(len) = len.first(document) else { continue };
            if let (Some(first), Some(count), Some(at), Some(sum)) =
                (first.first(document), count.first(document), at.first(document), sum.first(document))
            {
                groups.push(GroupFilter { records: first..first.saturating_add(count), at, len, sum });
            }
        }
    }
    groups.sort_unstable_by_key(|group| group.records.start);
    Ok(groups)
}

impl Filters {
    /// The filter of a group, checked.
    fn get(&self, group: &GroupFilter) -> Result<Arc<Vec<u8>>, TantivyError> {
        let mut cache = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(filter) = cache.filters.get(&group.at) {
            return Ok(Arc::clone(filter));
        }
        let len = usize::try_from(group.len).unwrap_or(usize::MAX);
        // The length comes from a checked file, and the file of filters was found to be long enough.
        let mut bytes = vec![0; len];
        cache.file.seek(SeekFrom::Start(group.at))?;
        cache.file.read_exact(&mut bytes)?;
        if xxh3_64(&bytes) != group.sum {
            return Err(TantivyError::InternalError(format!("{FILTERS} is damaged at byte {}", group.at)));
        }
        if cache.bytes.saturating_add(len) > CACHE {
            cache.filters.clear();
            cache.bytes = 0;
        }
        let filter = Arc::new(bytes);
        cache.bytes += len;
        cache.filters.insert(group.at, Arc::clone(&filter));
        Ok(filter)
    }
}

/// The same records as ascending ranges that do not touch.
fn union(mut ranges: Vec<Range<u64>>) -> Vec<Range<u64>> {
    ranges.sort_unstable_by_key(|range| range.start);
    ranges.dedup_by(|next, range| {
        let touches = next.start <= range.end;
        if touches {
            range.end = range.end.max(next.end);
        }
        touches
    });
    ranges
}

/// The records in both of two lists of ascending ranges that do not touch.
fn intersection(left: &[Range<u64>], right: &[Range<u64>]) -> Vec<Range<u64>> {
    let mut both = Vec::new();
    let mut right = right.iter().peekable();
    for range in left {
        while let Some(other) = right.peek() {
            let (start, end) = (range.start.max(other.start), range.end.min(other.end));
            if start < end {
                both.push(start..end);
            }
            if other.end > range.end {
                break;
            }
            right.next();
        }
    }
    both
}

#[cfg(test)]
mod tests {
    use std::slice::from_ref;

    use super::*;
    use crate::index::{GroupWords, WordCollector, Writer};

    fn filled(folder: &Path) {
        let mut writer = Writer::open(folder, "a").unwrap();
        let mut collector = WordCollector::default();
        let texts = ["alpha 10.0.0.1", "beta external", "alpha gamma 2001:db8::7", "delta"];
        for (number, text) in texts.iter().enumerate() {
            for _ in 0..10 {
                collector.add_record(text.as_bytes());
            }
            let mut group = collector.finish();
            group.first = 10 * number as u64;
            writer.add_group(&group).unwrap();
        }
        writer.commit(40).unwrap();
        writer.close().unwrap();
    }

    fn word(text: &str) -> Lookup {
        Lookup::Word(text.to_owned())
    }

    #[test]
    fn words_and_addresses_find_their_groups() {
        let folder = tempfile::tempdir().unwrap();
        filled(folder.path());
        let reader = Reader::open(folder.path(), "a").unwrap();
        assert_eq!(reader.covered(), 40);
        assert_eq!(reader.blocks(&word("alpha")).unwrap(), [0..10, 20..30]);
        assert_eq!(reader.blocks(&word("absent")).unwrap(), []);
        assert_eq!(reader.blocks(&Lookup::And(vec![word("alpha"), word("gamma")])).unwrap(), from_ref(&(20..30)));
        assert_eq!(reader.blocks(&Lookup::Or(vec![word("beta"), word("gamma")])).unwrap(), from_ref(&(10..30)));
        assert_eq!(reader.blocks(&Lookup::All).unwrap(), from_ref(&(0..40)));
        let low = u128::from("10.0.0.0".parse::<std::net::Ipv4Addr>().unwrap().to_ipv6_mapped());
        let lookup = Lookup::Address { low, high: low + 255 };
        assert_eq!(reader.blocks(&lookup).unwrap(), from_ref(&(0..10)));
    }

    #[test]
    fn a_usual_word_names_its_blocks() {
        let folder = tempfile::tempdir().unwrap();
        let mut writer = Writer::open(folder.path(), "a").unwrap();
        let mut collector = WordCollector::default();
        for number in 0..4_096 {
            collector.add_record(if number < 3_000 { b"usual" } else { b"other" });
        }
        writer.add_group(&collector.finish()).unwrap();
        writer.commit(4_096).unwrap();
        writer.close().unwrap();
        let reader = Reader::open(folder.path(), "a").unwrap();
        assert_eq!(reader.blocks(&word("usual")).unwrap(), from_ref(&(0..3_072)));
        assert_eq!(reader.blocks(&word("other")).unwrap(), from_ref(&(0..4_096)), "a rare word names its group");
    }

    #[test]
    fn a_group_of_which_nothing_is_known_may_hold_anything() {
        let folder = tempfile::tempdir().unwrap();
        let mut writer = Writer::open(folder.path(), "a").unwrap();
        writer.add_group(&GroupWords::any(5, 7)).unwrap();
        writer.commit(12).unwrap();
        writer.close().unwrap();
        let reader = Reader::open(folder.path(), "a").unwrap();
        assert_eq!(reader.blocks(&word("x")).unwrap(), from_ref(&(5..12)));
        assert_eq!(reader.blocks(&Lookup::Address { low: 0, high: 1 }).unwrap(), from_ref(&(5..12)));
    }

    #[test]
    fn an_index_of_another_archive_or_with_a_flipped_bit_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        filled(folder.path());
        assert!(matches!(Reader::open(folder.path(), "b"), Err(IndexError::Foreign { .. })));
        let file = std::fs::read_dir(folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .find(|path| path.extension().is_some_and(|extension| extension == "term"))
            .unwrap();
        let whole = std::fs::read(&file).unwrap();
        let mut bytes = whole.clone();
        bytes[3] ^= 1;
        std::fs::write(&file, bytes).unwrap();
        assert!(matches!(Reader::open(folder.path(), "a"), Err(IndexError::Damaged { .. })));
        std::fs::write(&file, whole).unwrap();
        let filters = folder.path().join(FILTERS);
        let mut bytes = std::fs::read(&filters).unwrap();
        let last = bytes.len() - 1;
        bytes[last] ^= 1;
        std::fs::write(&filters, &bytes).unwrap();
        let reader = Reader::open(folder.path(), "a").unwrap();
        assert!(matches!(reader.blocks(&word("alpha")), Err(IndexError::Damaged { .. })));
        std::fs::write(&filters, &bytes[..last]).unwrap();
        assert!(matches!(Reader::open(folder.path(), "a"), Err(IndexError::Damaged { .. })));
    }
}
