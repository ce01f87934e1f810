//! A dense autoencoder: a network that learns to write a row down again through few units. What is unlike all it learnt from
//! comes out wrong, and the squared error says how much.
//!
//! Leaky ReLU between the layers, a linear last one, mean squared error, Adam (D. Kingma, J. Ba, 2015) in batches of 32. Only
//! addition, multiplication, division and square root: the same seed and rows give the same network on every machine.

use super::{Joint, Row};
use crate::detect::config::DetectConfig;
use crate::detect::feature::FEATURES;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde::{Deserialize, Serialize};

/// Rows of one step.
const BATCH: usize = 32;
/// Slope of a unit below zero.
const LEAK: f32 = 0.01;
/// Fading of the mean and of the mean square of gradients.
const FADE: (f32, f32) = (0.9, 0.999);
/// Most hidden layers.
pub const MOST_LAYERS: usize = 8;
/// Most units of a layer.
pub const MOST_UNITS: usize = 256;

/// One layer: `outputs` rows of `inputs` weights.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Layer {
    inputs: usize,
    weights: Vec<f32>,
    bias: Vec<f32>,
}

/// A trained network.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(in crate::detect) struct Autoencoder {
    layers: Vec<Layer>,
}

impl Autoencoder {
    /// Trains a network with the hidden layers, epochs and learning rate of `config`; `None` for fewer than 8 rows.
    pub fn train(rows: &[Row], config: &DetectConfig, seed: u64) -> Option<Autoencoder> {
        if rows.len() < 8 {
            return None;
        }
        let mut random = StdRng::seed_from_u64(seed);
        let mut widths = vec![FEATURES];
        widths.extend(config.hidden.iter().take(MOST_LAYERS).map(|width| (*width).clamp(1, MOST_UNITS)));
        widths.push(FEATURES);
        let layers = widths
            .windows(2)
            .filter_map(|pair| match *pair {
                [inputs, outputs] => Some(Layer::new(inputs, outputs, &mut random)),
                _ => None,
            })
            .collect();
        let mut network = Autoencoder { layers };
        let mut trainer = Trainer::new(&network, config.learning_rate);
        let mut order: Vec<usize> = (0..rows.len()).collect();
        for _ in 0..config.epochs {
            shuffle(&mut order, &mut random);
            for batch in order.chunks(BATCH) {
                let batch = batch.iter().filter_map(|at| rows.get(*at));
                trainer.step(&mut network, batch);
            }
        }
        let is_finite = network.layers.iter().flat_map(|layer| &layer.weights).all(|weight| weight.is_finite());
        is_finite.then_some(network)
    }

    /// Fills `activations` with the outputs of every layer, the row itself first.
    fn forward(&self, row: &Row, activations: &mut Vec<Vec<f32>>) {
        activations.resize_with(self.layers.len() + 1, Vec::new);
        if let Some(first) = activations.first_mut() {
            first.clear();
            first.extend_from_slice(row);
        }
        let last = self.layers.len().saturating_sub(1);
        for (number, layer) in self.layers.iter().enumerate() {
            let (before, after) = activations.split_at_mut(number + 1);
            let (Some(input), Some(output)) = (before.last(), after.first_mut()) else { return };
            layer.apply(input, number < last, output);
        }
    }
}

impl Joint for Autoencoder {
    /// The sum of squared errors, in decades squared.
    fn value(&self, row: &Row) -> f32 {
        let mut activations = Vec::new();
        self.forward(row, &mut activations);
        let Some(output) = activations.last() else { return 0.0 };
        output.iter().zip(row).map(|(out, is)| (out - is) * (out - is)).sum()
    }

    fn is_sound(&self) -> bool {
        let mut width = FEATURES;
        let fits = (1..=MOST_LAYERS + 1).contains(&self.layers.len())
            && self.layers.iter().all(|layer| {
                let outputs = layer.bias.len();
                let fits = layer.inputs == width
                    && (1..=MOST_UNITS).contains(&outputs)
                    && layer.weights.len() == layer.inputs * outputs;
                width = outputs;
                fits
            });
        fits && width == FEATURES
    }

    fn bytes(&self) -> usize {
        self.layers.iter().map(|layer| (layer.weights.capacity() + layer.bias.capacity()) * size_of::<f32>()).sum()
    }
}

impl Layer {
    /// Weights at random within the bounds that keep the spread of what goes through (K. He and others, 2015).
    fn new(inputs: usize, outputs: usize, random: &mut StdRng) -> Layer {
        let bound = (6.0 / inputs as f32).sqrt();
        let weights = (0..inputs * outputs).map(|_| (2.0 * random.random::<f32>() - 1.0) * bound).collect();
        Layer { inputs, weights, bias: vec![0.0; outputs] }
    }

    fn apply(&self, input: &[f32], bent: bool, output: &mut Vec<f32>) {
        output.clear();
        output.extend(self.weights.chunks_exact(self.inputs.max(1)).zip(&self.bias).map(|(weights, bias)| {
            let sum: f32 = weights.iter().zip(input).map(|(weight, value)| weight * value).sum::<f32>() + bias;
            if bent && sum < 0.0 { LEAK * sum } else { sum }
        }));
    }
}

/// A number of the network under training: its gradient, and the faded mean and mean square of its gradients.
#[derive(Clone, Copy, Default)]
struct Slope {
    gradient: f32,
    mean: f32,
    square: f32,
}

struct Trainer {
    rate: f32,
    steps: i32,
    /// For each layer the slopes of weights, then of biases.
    slopes: Vec<Vec<Slope>>,
    activations: Vec<Vec<f32>>,
    error: Vec<f32>,
    error_before: Vec<f32>,
}

impl Trainer {
    fn new(network: &Autoencoder, rate: f32) -> Trainer {
        let slopes =
            network.layers.iter().map(|layer| vec![Slope::default(); layer.weights.len() + layer.bias.len()]).collect();
        Trainer { rate, steps: 0, slopes, activations: Vec::new(), error: Vec::new(), error_before: Vec::new() }
    }

    fn step<'a>(&mut self, network: &mut Autoencoder, batch: impl Iterator<Item = &'a Row>) {
        let mut rows = 0.0f32;
        for row in batch {
            rows += 1.0;
            network.forward(row, &mut self.activations);
            self.backward(network, row);
        }
        self.steps += 1;
        let (mean_bias, square_bias) = (1.0 - FADE.0.powi(self.steps), 1.0 - FADE.1.powi(self.steps));
        for (layer, slopes) in network.layers.iter_mut().zip(&mut self.slopes) {
            for (number, slope) in layer.weights.iter_mut().chain(&mut layer.bias).zip(slopes) {
                let gradient = slope.gradient / rows.max(1.0);
                slope.gradient = 0.0;
                slope.mean = FADE.0 * slope.mean + (1.0 - FADE.0) * gradient;
                slope.square = FADE.1 * slope.square + (1.0 - FADE.1) * gradient * gradient;
                *number -= self.rate * (slope.mean / mean_bias) / ((slope.square / square_bias).sqrt() + 1e-8);
            }
        }
    }

    /// Adds the gradients of one row's error.
    fn backward(&mut self, network: &Autoencoder, row: &Row) {
        self.error.clear();
        if let Some(output) = self.activations.last() {
            self.error.extend(output.iter().zip(row).map(|(out, is)| 2.0 * (out - is) / FEATURES as f32));
        }
        for (number, layer) in network.layers.iter().enumerate().rev() {
            let (Some(input), Some(slopes)) = (self.activations.get(number), self.slopes.get_mut(number)) else {
                return;
            };
            let (weights, biases) = slopes.split_at_mut(layer.weights.len());
            self.error_before.clear();
            self.error_before.resize(layer.inputs, 0.0);
            let rows =
                layer.weights.chunks_exact(layer.inputs.max(1)).zip(weights.chunks_exact_mut(layer.inputs.max(1)));
            for (((of_unit, slopes), bias), error) in rows.zip(biases).zip(&self.error) {
                bias.gradient += error;
                let places = of_unit.iter().zip(slopes).zip(input.iter().zip(&mut self.error_before));
                for ((weight, slope), (value, before)) in places {
                    slope.gradient += error * value;
                    *before += error * weight;
                }
            }
            if number > 0 {
                // The slope of the bend: what came out negative went in negative.
                self.error_before.iter_mut().zip(input).filter(|(_, out)| **out < 0.0).for_each(|(e, _)| *e *= LEAK);
            }
            std::mem::swap(&mut self.error, &mut self.error_before);
        }
    }
}

fn shuffle(order: &mut [usize], random: &mut StdRng) {
    for last in (1..order.len()).rev() {
        order.swap(last, random.random_range(0..=last));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config() -> DetectConfig {
        DetectConfig { hidden: vec![8, 3, 8], epochs: 40, learning_rate: 0.01, ..DetectConfig::default() }
    }

    /// Rows in which the second half of the features repeats the first.
    fn rows() -> Vec<Row> {
        let mut random = StdRng::seed_from_u64(3);
        (0..400)
            .map(|_| {
                let level = random.random::<f32>();
                std::array::from_fn(|at| if at % 2 == 0 { level } else { 1.0 - level })
            })
            .collect()
    }

    #[test]
    fn what_breaks_the_pattern_is_odder_than_what_keeps_it() {
        let network = Autoencoder::train(&rows(), &config(), 1).unwrap();
        let usual = rows().iter().map(|row| network.value(row)).sum::<f32>() / 400.0;
        let broken: Row = std::array::from_fn(|at| if at < 6 { 0.9 } else { 0.1 });
        assert!(network.value(&broken) > 20.0 * usual, "{usual} {}", network.value(&broken));
        assert!(network.is_sound());
    }

    #[test]
    fn the_same_seed_gives_the_same_network() {
        let (one, two) = (Autoencoder::train(&rows(), &config(), 5), Autoencoder::train(&rows(), &config(), 5));
        let row = [0.3; FEATURES];
        assert_eq!(one.unwrap().value(&row), two.unwrap().value(&row));
        assert!(Autoencoder::train(&rows()[..5], &config(), 5).is_none());
    }
}
