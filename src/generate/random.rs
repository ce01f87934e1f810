//! Random numbers that are the same on every machine and in every version: xoshiro256++ and integer arithmetic only.

/// xoshiro256++ 1.0 (Blackman and Vigna), seeded by splitmix64 as its authors advise.
#[derive(Debug, Clone)]
pub(super) struct Random {
    state: [u64; 4],
}

impl Random {
    pub(super) fn new(seed: u64) -> Random {
        let mut mixed = seed;
        let mut next = || {
            mixed = mixed.wrapping_add(0x9E37_79B9_7F4A_7C15);
            let mut z = mixed;
            z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
            z ^ (z >> 31)
        };
        Random { state: [next(), next(), next(), next()] }
    }

    pub(super) fn next(&mut self) -> u64 {
        let [mut a, mut b, mut c, mut d] = self.state;
        let out = a.wrapping_add(d).rotate_left(23).wrapping_add(a);
        let shifted = b << 17;
        c ^= a;
        d ^= b;
        b ^= c;
        a ^= d;
        c ^= shifted;
        self.state = [a, b, c, d.rotate_left(45)];
        out
    }

    /// A number below `limit`, nearly uniform (the bias is below `limit` / 2^32); 0 for a limit of 0.
    pub(super) fn below(&mut self, limit: u32) -> u32 {
        (((self.next() >> 32) * u64::from(limit)) >> 32) as u32
    }

    /// Whether something of this chance (of 65,536) happens.
    pub(super) fn chance(&mut self, of_65536: u32) -> bool {
        (self.next() >> 48) < u64::from(of_65536)
    }

    /// One of a list.
    pub(super) fn pick<T: Copy + Default>(&mut self, list: &[T]) -> T {
        list.get(self.below(list.len() as u32) as usize).copied().unwrap_or_default()
    }
}

/// Ranks with weights 1, 1/2, 1/3 ... (Zipf's law), as cumulated integers.
#[derive(Debug, Clone)]
pub(super) struct Zipf {
    cumulated: Vec<u32>,
}

impl Zipf {
    pub(super) fn new(ranks: u32) -> Zipf {
        let mut total = 0u32;
        let cumulated = (1..=ranks)
            .map(|rank| {
                total += 1_000_000 / rank;
                total
            })
            .collect();
        Zipf { cumulated }
    }

    /// A rank from 0.
    pub(super) fn draw(&self, random: &mut Random) -> usize {
        let at = random.below(self.cumulated.last().copied().unwrap_or(0));
        self.cumulated.partition_point(|bound| *bound <= at)
    }
}
