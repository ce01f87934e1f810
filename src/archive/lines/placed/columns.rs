//! The columns in which values of fields stand: what each value gives, asked once for each different one where these have numbers.

use super::pieces::Part;
use super::{DecodeError, NOWHERE, OVER};
use crate::archive::fields::is_dash;
use crate::archive::lines::forms::{Described, DescribedTable};
use crate::archive::lines::outline::stamps_of;
use crate::archive::lines::read::Loader;
use crate::archive::lines::stamps;
use crate::archive::lines::values::{Text, decimal};
use crate::archive::values::{Builder, UNKNOWN};

/// Integers within so many of each other are looked up in a table.
const DENSE: u64 = 1 << 14;

/// The columns of a chunk.
pub struct Columns<'a> {
    /// As they are described.
    pub described: &'a DescribedTable<'a>,
    /// The cut of each record.
    pub cuts: &'a [u64],
    /// How many values each has.
    pub counts: &'a [usize],
    /// Time stamps of all columns of such, once they are read.
    pub stamps: Option<Vec<Vec<u64>>>,
}

impl<'a> Columns<'a> {
    /// The list of each value of a column.
    pub fn lists(
        &mut self,
        loader: &mut Loader<'_, '_>,
        column: u32,
        part: Part,
        dash: bool,
        builder: &mut Builder,
    ) -> Result<Vec<u16>, DecodeError> {
        let (of, count) = self.column(column)?;
        let mut list = |value: &[u8]| -> Result<u16, DecodeError> {
            let Some(value) = part.of(value) else { return Ok(UNKNOWN) };
            if !(dash && is_dash(value)) {
                builder.value(value);
            }
            Ok(builder.list())
        };
        match &of {
            Described::Equal(bytes) => Ok(vec![list(bytes)?; count]),
            Described::Dictionary { number, ids } => {
                let words = loader.dictionaries().get(*number, None)?;
                let ids = loader.integers(ids, count)?;
                each_once(&ids, words.len(), |id| list(words.get(id as usize).ok_or(OVER)?))
            }
            Described::Numbers { width, integers } => {
                let values = loader.integers(integers, count)?;
                let (least, most) = values.iter().fold((u64::MAX, 0), |(least, most), v| (least.min(*v), most.max(*v)));
                let mut digits = [0; 20];
                let mut list = |value: u64| list(decimal(value, *width, &mut digits));
                match most.wrapping_sub(least) {
                    apart if apart < DENSE => {
                        let apart: Vec<u64> = values.iter().map(|value| value.wrapping_sub(least)).collect();
                        each_once(&apart, DENSE as usize, |value| list(value.wrapping_add(least)))
                    }
                    _ => values.into_iter().map(&mut list).collect(),
                }
            }
            _ => {
                let text = self.text(loader, column)?;
                (0..count).map(|at| list(text.get(at).ok_or(OVER)?)).collect()
            }
        }
    }

    /// The values of a column as bytes.
    pub fn text(&mut self, loader: &mut Loader<'_, '_>, column: u32) -> Result<Text, DecodeError> {
        let (of, count) = self.column(column)?;
        let Described::Stamps { format, .. } = &of else { return loader.text(&of, count) };
        let stamps = match &self.stamps {
            Some(stamps) => stamps,
            None => self.stamps.insert(stamps_of(loader, self.described, self.cuts)?),
        };
        let mut writer = stamps::Writer::new(*format).ok_or(DecodeError("no such form of time"))?;
        let (mut bytes, mut starts) = (Vec::new(), vec![0]);
        for value in stamps.get(column as usize).ok_or(NOWHERE)? {
            bytes.extend_from_slice(writer.write(*value).ok_or(DecodeError("no such time"))?);
            starts.push(bytes.len() as u32);
        }
        Ok(Text { bytes: bytes.into(), starts, gap: 0 })
    }

    fn column(&self, column: u32) -> Result<(Described<'a>, usize), DecodeError> {
        let count = self.counts.get(column as usize).copied().ok_or(NOWHERE)?;
        Ok((self.described.column(column as usize)?, count))
    }
}

/// What `list` gives for each number, asked once for each different one; they are below `most`.
fn each_once(
    numbers: &[u64],
    most: usize,
    mut list: impl FnMut(u64) -> Result<u16, DecodeError>,
) -> Result<Vec<u16>, DecodeError> {
    let mut known: Vec<Option<u16>> = vec![None; most];
    let mut lists = Vec::with_capacity(numbers.len());
    for number in numbers {
        let known = known.get_mut(*number as usize).ok_or(OVER)?;
        let of = match known {
            Some(of) => *of,
            None => *known.insert(list(*number)?),
        };
        lists.push(of);
    }
    Ok(lists)
}
