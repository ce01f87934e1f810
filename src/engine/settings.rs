//! The settings of detection in a file: TOML, every key known, every value within its bounds.
//!
//! ```toml
//! [detection]
//! model-kind = "isolation-forest"   # or "autoencoder", "pca", "rules"
//! alert-budget = 0.01               # share of the records that may be flagged; or, fixed:
//! threshold = 0.8                   # flag whatever scores this and more
//! session-budget = 0.03             # the same of sessions; or session-threshold
//! contamination = 0.0               # share of the lines a model does not learn from
//! seed = 1
//! [isolation-forest]
//! trees = 100
//! sample = 256
//! [autoencoder]
//! hidden = [12, 5, 12]
//! epochs = 30
//! learning-rate = 0.003
//! [pca]
//! components = 5
//! ```

use std::fs::File;
use std::io::Read;
use std::path::Path;

use toml::{Table, Value};

use super::EngineError;
use crate::detect::{DetectConfig, ModelKind};
use crate::query::closest;

/// No file of settings is longer.
const LONGEST: u64 = 1 << 20;

/// A setting: its table, its name, what it must be, and how it is taken up (`None`: it is something else).
struct Setting(&'static str, &'static str, &'static str, fn(&mut DetectConfig, &Value) -> Option<()>);

const SETTINGS: &[Setting] = &[
    Setting("detection", "model-kind", "isolation-forest, autoencoder, pca or rules", |config, value| {
        let wanted = value.as_str()?;
        config.kind = ModelKind::ALL.into_iter().find(|kind| kind.name() == wanted)?;
        Some(())
    }),
    Setting("detection", "alert-budget", "a number", |config, value| set(&mut config.alert_budget, number(value)?)),
    Setting("detection", "threshold", "a number", |config, value| {
        set(&mut config.threshold, Some(number(value)? as f32))
    }),
    Setting("detection", "session-budget", "a number", |config, value| set(&mut config.session_budget, number(value)?)),
    Setting("detection", "session-threshold", "a number", |config, value| {
        set(&mut config.session_threshold, Some(number(value)? as f32))
    }),
    Setting("detection", "contamination", "a number", |config, value| set(&mut config.contamination, number(value)?)),
    Setting("detection", "seed", "a whole number", |config, value| {
        set(&mut config.seed, u64::try_from(value.as_integer()?).ok()?)
    }),
    Setting("isolation-forest", "trees", "a whole number", |config, value| set(&mut config.trees, whole(value)?)),
    Setting("isolation-forest", "sample", "a whole number", |config, value| set(&mut config.sample, whole(value)?)),
    Setting("autoencoder", "hidden", "a list of whole numbers", |config, value| {
        set(&mut config.hidden, value.as_array()?.iter().map(whole).collect::<Option<_>>()?)
    }),
    Setting("autoencoder", "epochs", "a whole number", |config, value| set(&mut config.epochs, whole(value)?)),
    Setting("autoencoder", "learning-rate", "a number", |config, value| {
        set(&mut config.learning_rate, number(value)? as f32)
    }),
    Setting("pca", "components", "a whole number", |config, value| set(&mut config.components, whole(value)?)),
];

/// The pairs of which one excludes the other.
const EITHER: [(&str, &str); 2] = [("alert-budget", "threshold"), ("session-budget", "session-threshold")];

fn set<T>(place: &mut T, value: T) -> Option<()> {
    *place = value;
    Some(())
}

fn number(value: &Value) -> Option<f64> {
    value.as_float().or_else(|| value.as_integer().map(|whole| whole as f64))
}

fn whole(value: &Value) -> Option<usize> {
    usize::try_from(value.as_integer()?).ok()
}

/// Reads the settings of a file over the usual ones. One sentence says what can't be.
pub fn read_settings(path: &Path) -> Result<DetectConfig, EngineError> {
    let failed = |cause| EngineError::File { path: path.to_owned(), action: "reading the settings", cause };
    let mut bytes = Vec::new();
    File::open(path).and_then(|file| file.take(LONGEST + 1).read_to_end(&mut bytes)).map_err(failed)?;
    let wrong = |reason: String| EngineError::Usage(format!("{}: {reason}", path.display()));
    if bytes.len() as u64 > LONGEST {
        return Err(wrong("is too long for a file of settings".to_owned()));
    }
    let text = String::from_utf8(bytes).map_err(|_| wrong("is not UTF-8 text".to_owned()))?;
    settings_of(&text).map_err(wrong)
}

fn settings_of(text: &str) -> Result<DetectConfig, String> {
    let tables: Table = text.parse().map_err(|cause: toml::de::Error| {
        let line =
            cause.span().map_or(1, |span| 1 + text.bytes().take(span.start).filter(|byte| *byte == b'\n').count());
        format!("line {line} is no TOML: {}", cause.message())
    })?;
    let mut config = DetectConfig::default();
    for (name, table) in &tables {
        let known = || SETTINGS.iter().filter(|setting| setting.0 == name);
        let Some(table) = table.as_table().filter(|_| known().next().is_some()) else {
            return Err(unknown("table", name, SETTINGS.iter().map(|setting| setting.0)));
        };
        for (key, value) in table {
            let Some(setting) = known().find(|setting| setting.1 == key) else {
                return Err(unknown(&format!("setting of [{name}]"), key, known().map(|setting| setting.1)));
            };
            setting.3(&mut config, value).ok_or_else(|| format!("{key} must be {}", setting.2))?;
        }
    }
    let detection = tables.get("detection").and_then(Value::as_table);
    let states = |key: &str| detection.is_some_and(|table| table.contains_key(key));
    if let Some((budget, threshold)) = EITHER.into_iter().find(|(one, other)| states(one) && states(other)) {
        return Err(format!("{budget} and {threshold} exclude each other; a threshold holds whatever the budget"));
    }
    config.is_stated = EITHER.iter().any(|(one, other)| states(one) || states(other));
    config.check()?;
    Ok(config)
}

fn unknown<'a>(what: &str, name: &str, known: impl Iterator<Item = &'a str> + Clone) -> String {
    let mut names: Vec<&str> = known.clone().collect();
    names.dedup();
    let name: String = name.chars().take(40).collect();
    match closest(&name, known) {
        Some(meant) => format!("there is no {what} '{name}', did you mean '{meant}'?"),
        None => format!("there is no {what} '{name}'; there are {}", names.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_examples_are_the_usual_configuration() {
        let usual = DetectConfig { is_stated: true, ..DetectConfig::default() };
        let example: String = include_str!("settings.rs")
            .lines()
            .filter_map(|line| line.strip_prefix("//! "))
            .skip_while(|line| *line != "```toml")
            .skip(1)
            .take_while(|line| *line != "```")
            .filter(|line| !line.starts_with("threshold") && !line.starts_with("seed"))
            .map(|line| format!("{line}\n"))
            .collect();
        assert_eq!(settings_of(&example), Ok(usual.clone()));
        let readme = include_str!("../../README.md").split("## Settings").nth(1).unwrap();
        let listed: String = readme
            .lines()
            .skip_while(|line| !line.starts_with("    "))
            .take_while(|line| line.starts_with("    "))
            .map(|line| format!("{line}\n"))
            .collect();
        assert!(SETTINGS.iter().all(|setting| listed.contains(setting.1)), "{listed}");
        assert_eq!(settings_of(&listed), Ok(usual));
    }

    #[test]
    fn what_can_not_be_is_told_in_a_sentence() {
        for (text, sentence) in [
            ("[detection]\ntreshold = 0.5", "there is no setting of [detection] 'treshold', did you mean 'threshold'?"),
            ("[autoencode]\nepochs = 3", "there is no table 'autoencode', did you mean 'autoencoder'?"),
            ("trees = 3", "there is no table 'trees'"),
            ("[isolation-forest]\ntrees = 0", "a forest has 1 to 1,000 trees"),
            ("[isolation-forest]\ntrees = \"many\"", "trees must be a whole number"),
            ("[autoencoder]\nhidden = [3, 999]", "a hidden layer has 1 to 256 units"),
            ("[autoencoder]\nlearning-rate = nan", "the learning rate must be above 0"),
            ("[detection]\nthreshold = 1.5", "the threshold must be from 0 to 1"),
            ("[detection]\nthreshold = 0.5\nalert-budget = 0.1", "exclude each other"),
            ("[detection]\nmodel-kind = \"svm\"", "model-kind must be isolation-forest, autoencoder, pca or rules"),
            ("[pca]\ncomponents = 22", "there are 1 to 21 principal components"),
            ("[detection]\n\nseed = ", "line 3 is no TOML"),
        ] {
            let said = settings_of(text).unwrap_err();
            assert!(said.contains(sentence), "{text}: {said}");
        }
    }
}
