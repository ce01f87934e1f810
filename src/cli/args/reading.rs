//! How inputs are read: the arguments that `process`, `formats`, `train` and `score` share.

use std::path::PathBuf;

use clap::Args;

use super::values::zone;
use crate::engine::{IngestOptions, Store};
use crate::model::Zone;

/// How inputs are read.
#[derive(Debug, Clone, Args)]
pub struct Reading {
    /// Read everything as this format (see `logguard formats --list`)
    #[arg(long, value_name = "NAME")]
    pub format: Option<String>,
    /// Formats of your own, in TOML
    #[arg(long, value_name = "FILE")]
    pub formats: Vec<PathBuf>,
    /// Zone of times that state none, such as +02:00
    #[arg(long, value_name = "OFFSET", value_parser = zone, default_value = "UTC", allow_hyphen_values = true)]
    pub tz: Zone,
    /// Year of times that state none
    #[arg(long, value_name = "YEAR", value_parser = clap::value_parser!(i32).range(1970..=2261))]
    pub year: Option<i32>,
}

impl Reading {
    /// Adds the formats of files to those of a store.
    pub fn add_formats(&self, store: &mut Store) -> anyhow::Result<()> {
        for file in &self.formats {
            store.add_formats(file)?;
        }
        Ok(())
    }

    /// Options with every default for reading `paths` so.
    pub fn options(&self, store: &Store, paths: Vec<String>) -> IngestOptions {
        let options = store.ingest_options(paths);
        IngestOptions { format: self.format.clone(), zone: self.tz, year: self.year, ..options }
    }
}
