//! Numbers of seven bits a byte, lowest first, the eighth bit saying that more follow: small
//! ones are short.

/// Puts a number behind what is there.
pub(super) fn push(bytes: &mut Vec<u8>, mut number: u64) {
    while number > 0x7f {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

/// Takes the first number off; `None` where nobody wrote one.
pub(super) fn take(bytes: &mut &[u8]) -> Option<u64> {
    let (mut number, mut shift) = (0_u64, 0);
    loop {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        number |= u64::from(byte & 0x7f).checked_shl(shift)?;
        if byte & 0x80 == 0 {
            return Some(number);
        }
        shift += 7;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn numbers_are_taken_as_they_were_put(numbers in prop::collection::vec(any::<u64>().prop_flat_map(|most| 0..=most), 0..9)) {
            let mut bytes = Vec::new();
            for number in &numbers {
                push(&mut bytes, *number);
            }

            let mut left = &bytes[..];
            for number in numbers {
                prop_assert_eq!(take(&mut left), Some(number));
            }
            prop_assert_eq!(take(&mut left), None);
        }
    }

    #[test]
    fn bytes_that_nobody_wrote_are_no_number() {
        for bytes in [&[][..], &[0x80], &[0xff; 12]] {
            assert_eq!(take(&mut &*bytes), None, "{bytes:?}");
        }
    }
}
