//! Arithmetic of the field with 256 elements (x⁸ + x⁴ + x³ + x² + 1), and the weights that units have in a mix.

/// x⁸, without the part that overflows.
const REDUCED: u8 = 0x1d;
const EXPONENTS: [u8; 255] = exponents();
const LOGARITHMS: [u8; 256] = logarithms();

/// The weight of a unit in the mix with this seed: an element of a Cauchy matrix. So as many mixes of the same units as
/// there are seeds tell each something new; of 128 units in a row, as the lower bits of their numbers are used.
pub fn weight(unit: u32, seed: u8) -> u8 {
    inverse((seed | 0x80) ^ (unit as u8 & 0x7f))
}

/// What times `factor` is 1; `factor` is not 0.
pub fn inverse(factor: u8) -> u8 {
    EXPONENTS[(255 - usize::from(LOGARITHMS[usize::from(factor)])) % 255]
}

pub fn multiply(one: u8, other: u8) -> u8 {
    if one == 0 || other == 0 {
        return 0;
    }
    let sum = usize::from(LOGARITHMS[usize::from(one)]) + usize::from(LOGARITHMS[usize::from(other)]);
    EXPONENTS[sum % 255]
}

/// Adds `shard` times `factor` to `sum`, which grows where it is shorter.
pub fn add_multiple(sum: &mut Vec<u8>, shard: &[u8], factor: u8) {
    if sum.len() < shard.len() {
        sum.resize(shard.len(), 0);
    }
    let row = row(factor);
    for (sum, byte) in sum.iter_mut().zip(shard) {
        *sum ^= row[usize::from(*byte)];
    }
}

/// Multiplies all bytes by `factor`.
pub fn scale(shard: &mut [u8], factor: u8) {
    let row = row(factor);
    shard.iter_mut().for_each(|byte| *byte = row[usize::from(*byte)]);
}

/// `factor` times each byte.
fn row(factor: u8) -> [u8; 256] {
    let mut row = [0; 256];
    let mut power = factor;
    for bit in 0..8 {
        let half = 1 << bit;
        for at in 0..half {
            row[half + at] = row[at] ^ power;
        }
        power = double(power);
    }
    row
}

const fn double(element: u8) -> u8 {
    element << 1 ^ if element & 0x80 == 0 { 0 } else { REDUCED }
}

const fn exponents() -> [u8; 255] {
    let mut exponents = [1; 255];
    let mut at = 1;
    while at < 255 {
        exponents[at] = double(exponents[at - 1]);
        at += 1;
    }
    exponents
}

const fn logarithms() -> [u8; 256] {
    let mut logarithms = [0; 256];
    let mut at = 0;
    while at < 255 {
        logarithms[EXPONENTS[at] as usize] = at as u8;
        at += 1;
    }
    logarithms
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn p14_the_field_has_its_laws() {
        for one in 1..=255 {
            assert_eq!(multiply(one, inverse(one)), 1);
            assert_eq!(row(one).map(usize::from).iter().sum::<usize>(), 255 * 128);
            for other in 0..=255u8 {
                assert_eq!(row(one)[usize::from(other)], multiply(other, one));
                assert_eq!(multiply(one, other ^ 0x35), multiply(one, other) ^ multiply(one, 0x35));
            }
        }
    }

    #[test]
    fn p14_weights_differ_by_unit_and_by_seed() {
        for seed in 0..=255 {
            let mut weights: Vec<u8> = (1_000..1_128).map(|unit| weight(unit, seed)).collect();
            weights.sort_unstable();
            weights.dedup();
            assert_eq!((weights.len(), weights[0] > 0), (128, true));
        }
        assert_ne!(weight(7, 3), weight(7, 4));
    }
}
