//! Years of inputs whose stamps have none: a look at every line of a file before it is ingested.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use sha2::Sha256;

use crate::parse::YearScan;
use crate::source::{self, Caps, Decision, Member, MemberEnd, Sink, Stop};

/// The New Years of every member of one file.
#[derive(Default)]
pub struct Years {
    /// The file.
    pub path: PathBuf,
    /// Its members by how they are unpacked.
    pub scans: HashMap<Vec<String>, YearScan>,
    current: YearScan,
    unpacked: Vec<String>,
}

impl Years {
    /// Reads a file once; what can't be read says nothing, and is told by whoever reads it next.
    pub fn of(path: &Path, caps: Caps) -> Years {
        let mut years = Years { path: path.to_owned(), ..Years::default() };
        if let Ok(Err(_)) | Err(Stop) = source::read_file(path, "", caps, &mut years) {
            years.scans.clear();
        }
        years
    }
}

impl Sink for Years {
    fn begin(&mut self, member: &Member, _: &[u8]) -> Result<Decision, Stop> {
        self.unpacked.clone_from(&member.unpacked);
        self.current = YearScan::default();
        Ok(Decision::Take)
    }

    fn resumed(&mut self, _: &Sha256) -> Result<(), Stop> {
        Ok(())
    }

    fn restarted(&mut self, _: &Member) -> Result<(), Stop> {
        Ok(())
    }

    fn chunk(&mut self, bytes: Vec<u8>) -> Result<(), Stop> {
        bytes.split_inclusive(|byte| *byte == b'\n').for_each(|line| self.current.line(line));
        Ok(())
    }

    fn end(&mut self, _: MemberEnd) -> Result<(), Stop> {
        self.scans.insert(std::mem::take(&mut self.unpacked), std::mem::take(&mut self.current));
        Ok(())
    }

    fn refused(&mut self, _: &str, _: &str) -> Result<(), Stop> {
        Ok(())
    }

    fn progress(&mut self, _: u64) {}
}
