//! Size and speed of the archive on real logs, beside gzip, zstd and clp-s.
//!
//! `cargo bench --bench archive -- [--quick] [--best] [--sizes | --speed] [PART OF A NAME...]`
//!
//! Data: each file of 2 MB and more below `logs/` of the folder that LOGGUARD_SHARED names (packed with zstd; it is no part of the
//! project). Sizes: raw bytes to one byte of what the whole program leaves below `data/` at each effort (scores, templates, evidence and
//! all), beside `gzip -9`, `zstd -3` and `zstd -19 --long` (long distance matching, windows of 2^27) of the same bytes. Speed: medians
//! of some runs of files of 10 MB and more; caches are warm, and what else runs on the machine is not known. Leaves out: peak memory and the
//! scored pipeline (`cargo bench --bench process`). `--quick` takes the first 4 MB of each file and one run, for a look; `--best` takes
//! the best run instead of the median, for a machine that others use.
//! CLP_S names a clp-s program (`pip install yscope-clp-core`), which reads JSON alone.
#![allow(clippy::print_stdout, reason = "a benchmark prints its tables")]

mod files;
mod sizes;
mod speed;

/// What is measured.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// A look: the first bytes of each file, one run.
    pub quick: bool,
    /// The best of the runs instead of their median: what is left where other work takes turns on the machine.
    pub best: bool,
    sizes: bool,
    speed: bool,
    names: Vec<String>,
}

/// Anything that ends a measurement.
pub type Failure = Box<dyn std::error::Error>;

fn main() -> Result<(), Failure> {
    let mut options = Options::default();
    for argument in std::env::args().skip(1) {
        match argument.as_str() {
            "--quick" => options.quick = true,
            "--best" => options.best = true,
            "--sizes" => options.sizes = true,
            "--speed" => options.speed = true,
            // What cargo adds by itself.
            "--bench" => {}
            flag if flag.starts_with("--") => {
                return Err(format!("{flag}: use --quick, --best, --sizes, --speed").into());
            }
            name => options.names.push(name.to_owned()),
        }
    }
    let Some(root) = std::env::var_os("LOGGUARD_SHARED") else {
        println!("LOGGUARD_SHARED is not set: nothing to measure");
        return Ok(());
    };
    let logs = std::path::Path::new(&root).join("logs");
    let files = files::list(&logs, &options.names)?;
    if !options.speed {
        sizes::print(&files, &options)?;
    }
    if !options.sizes {
        speed::print(&files, &options)?;
    }
    Ok(())
}
