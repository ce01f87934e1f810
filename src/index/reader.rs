//! Reads the index: which blocks may satisfy a condition.

use std::ops::{Bound, Range};
use std::path::{Path, PathBuf};

use tantivy::collector::DocSetCollector;
use tantivy::query::{
    AllQuery, BooleanQuery, EmptyQuery, InvertedIndexRangeQuery, Occur, Query, RegexQuery, TermQuery,
};
use tantivy::schema::IndexRecordOption;
use tantivy::{Index, Searcher, TantivyError, Term};

use super::schema::{ANY_WORD, CUT_WORD, Fields, LINES, LineTokenizer, Payload, SCHEMA_VERSION, schema};
use super::{IndexError, Lookup};

/// An index as of its last commit.
pub struct Reader {
    folder: PathBuf,
    index: Index,
    searcher: Searcher,
    fields: Fields,
    payload: Payload,
}

impl Reader {
    /// Opens the index in `folder` after checking that its files have the checksums they were written with and that it is of
    /// the archive named.
    pub fn open(folder: &Path, archive: &str) -> Result<Reader, IndexError> {
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
        if payload.schema != SCHEMA_VERSION || payload.archive != archive {
            return Err(IndexError::Foreign { folder: folder.to_owned() });
        }
        let searcher = index
            .reader_builder()
            .reload_policy(tantivy::ReloadPolicy::Manual)
            .try_into()
            .map_err(unreadable)?
            .searcher();
        Ok(Reader { folder: folder.to_owned(), index, searcher, fields, payload })
    }

    /// Records covered: all with a smaller id.
    pub fn covered(&self) -> u64 {
        self.payload.records
    }

    /// The tantivy index, for the writer that goes on with it.
    pub(super) fn into_index(self) -> Index {
        self.index
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
        let query = self.query(lookup)?;
        let found = self.searcher.search(&query, &DocSetCollector)?;
        let mut readers = Vec::new();
        for segment in self.searcher.segment_readers() {
            readers.push((segment.fast_fields().u64("first")?, segment.fast_fields().u64("count")?));
        }
        let mut ranges = Vec::with_capacity(found.len());
        for document in found {
            let Some((first, count)) = readers.get(document.segment_ord as usize) else { continue };
            let (first, count) = (first.first(document.doc_id), count.first(document.doc_id));
            if let (Some(first), Some(count)) = (first, count)
                && count > 0
            {
                ranges.push(first..first.saturating_add(count));
            }
        }
        ranges.sort_unstable_by_key(|range| range.start);
        ranges.dedup_by(|next, range| {
            let touches = next.start <= range.end;
            if touches {
                range.end = range.end.max(next.end);
            }
            touches
        });
        Ok(ranges)
    }

    fn query(&self, lookup: &Lookup) -> Result<Box<dyn Query>, TantivyError> {
        Ok(match lookup {
            Lookup::All => Box::new(AllQuery),
            Lookup::Nothing => Box::new(EmptyQuery),
            Lookup::And(all) => self.boolean(all, Occur::Must)?,
            Lookup::Or(any) => self.boolean(any, Occur::Should)?,
            Lookup::Word(word) => any_of(vec![self.word(word), self.word(ANY_WORD)]),
            Lookup::WordRegex(pattern) => match RegexQuery::from_pattern(pattern, self.fields.word) {
                Ok(regex) => any_of(vec![Box::new(regex), self.word(ANY_WORD), self.word(CUT_WORD)]),
                // A pattern too large for the dictionary's automaton prunes nothing; the archive decides.
                Err(_) => Box::new(AllQuery),
            },
            Lookup::Address { low, high } => {
                let term = |address: &u128| Term::from_field_bytes(self.fields.address, &address.to_be_bytes());
                let range = InvertedIndexRangeQuery::new(Bound::Included(term(low)), Bound::Included(term(high)));
                any_of(vec![Box::new(range), self.word(ANY_WORD)])
            }
        })
    }

    fn boolean(&self, parts: &[Lookup], occur: Occur) -> Result<Box<dyn Query>, TantivyError> {
        let mut clauses = Vec::with_capacity(parts.len());
        for part in parts {
            clauses.push((occur, self.query(part)?));
        }
        Ok(match (clauses.is_empty(), occur) {
            (true, Occur::Must) => Box::new(AllQuery),
            (true, _) => Box::new(EmptyQuery),
            _ => Box::new(BooleanQuery::new(clauses)),
        })
    }

    fn word(&self, word: &str) -> Box<dyn Query> {
        Box::new(TermQuery::new(Term::from_field_text(self.fields.word, word), IndexRecordOption::Basic))
    }
}

fn any_of(parts: Vec<Box<dyn Query>>) -> Box<dyn Query> {
    Box::new(BooleanQuery::new(parts.into_iter().map(|part| (Occur::Should, part)).collect()))
}

#[cfg(test)]
mod tests {
    use std::slice::from_ref;

    use super::*;
    use crate::index::{WordCollector, Writer};

    fn filled(folder: &Path) {
        let mut writer = Writer::open(folder, "a").unwrap();
        let mut collector = WordCollector::default();
        let texts = ["alpha 10.0.0.1", "beta external", "alpha gamma 2001:db8::7", "delta"];
        for (number, text) in texts.iter().enumerate() {
            collector.add_record(text.as_bytes());
            let mut block = collector.finish();
            block.first = 10 * number as u64;
            block.count = 10;
            writer.add_block(&block).unwrap();
        }
        writer.commit(40).unwrap();
        writer.close().unwrap();
    }

    fn word(text: &str) -> Lookup {
        Lookup::Word(text.to_owned())
    }

    #[test]
    fn words_patterns_and_addresses_find_their_blocks() {
        let folder = tempfile::tempdir().unwrap();
        filled(folder.path());
        let reader = Reader::open(folder.path(), "a").unwrap();
        assert_eq!(reader.covered(), 40);
        assert_eq!(reader.blocks(&word("alpha")).unwrap(), [0..10, 20..30]);
        assert_eq!(reader.blocks(&word("absent")).unwrap(), []);
        assert_eq!(reader.blocks(&Lookup::WordRegex(".*tern.*".into())).unwrap(), from_ref(&(10..20)));
        assert_eq!(reader.blocks(&Lookup::And(vec![word("alpha"), word("gamma")])).unwrap(), from_ref(&(20..30)));
        assert_eq!(reader.blocks(&Lookup::Or(vec![word("beta"), word("gamma")])).unwrap(), from_ref(&(10..30)));
        assert_eq!(reader.blocks(&Lookup::All).unwrap(), from_ref(&(0..40)));
        let low = u128::from("10.0.0.0".parse::<std::net::Ipv4Addr>().unwrap().to_ipv6_mapped());
        let lookup = Lookup::Address { low, high: low + 255 };
        assert_eq!(reader.blocks(&lookup).unwrap(), from_ref(&(0..10)));
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
        let mut bytes = std::fs::read(&file).unwrap();
        bytes[3] ^= 1;
        std::fs::write(&file, bytes).unwrap();
        assert!(matches!(Reader::open(folder.path(), "a"), Err(IndexError::Damaged { .. })));
    }
}
