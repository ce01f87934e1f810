//! Training: what a detector learns of files or of the archive becomes a model of the store.

use std::path::PathBuf;

use super::ingest::learn;
use super::models::ModelFiles;
use super::replay::replay;
use super::{EngineError, IngestOptions, Refused, Store};
use crate::detect::{DetectConfig, Detector};

/// What to learn from and how.
#[derive(Clone)]
pub struct TrainOptions {
    /// What the model is called.
    pub name: String,
    /// Files to learn from; absent: the records of the archive.
    pub files: Option<IngestOptions>,
    /// Files are CSV and this column holds the lines; absent: a column `log` of files that end in `.csv`.
    pub column: Option<String>,
    /// Kind and settings.
    pub detect: DetectConfig,
}

/// A model that was made.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct TrainReport {
    /// Its file.
    pub path: PathBuf,
    /// Its kind.
    pub kind: &'static str,
    /// Bytes of the file.
    pub bytes: u64,
    /// Lines it was made of.
    pub lines: u64,
    /// Its sources: names without numbers, formats, lines.
    pub sources: Vec<(String, String, u64)>,
    /// What was not taken or can't be read, and why.
    pub refused: Vec<Refused>,
    /// Seconds it took.
    pub seconds: f64,
}

/// Learns and stores a model.
pub fn train(store: &Store, options: TrainOptions) -> Result<TrainReport, EngineError> {
    let started = std::time::Instant::now();
    ModelFiles::check_name(&options.name)?;
    options.detect.check().map_err(EngineError::Usage)?;
    let (detector, refused) = match options.files {
        Some(input) => {
            let (detector, report) = learn(input, options.detect, options.column.as_deref(), store.registry())?;
            (detector, [report.refused, report.incomplete].concat())
        }
        None => {
            let mut detector = Detector::new(options.detect);
            let unreadable = replay(&store.snapshot()?, store.registry(), &mut detector, None, |_, _| {})?;
            let refused = |reason| Refused { name: store.config().data.display().to_string(), reason };
            (detector, unreadable.into_iter().map(refused).collect())
        }
    };
    let model = detector.into_model(&options.name).map_err(EngineError::Training)?;
    let path = ModelFiles::of(&store.config().data).save(&model)?;
    let sources = model.sources().map(|(stem, format, lines)| (stem.to_owned(), format.to_owned(), lines)).collect();
    Ok(TrainReport {
        bytes: std::fs::metadata(&path).map_or(0, |data| data.len()),
        path,
        kind: model.config().kind.name(),
        lines: model.lines(),
        sources,
        refused,
        seconds: started.elapsed().as_secs_f64(),
    })
}
