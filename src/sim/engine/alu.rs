//! Division, where the instruction set says more than the machine: by zero, and past the end of the signed numbers.

macro_rules! division {
    ($ty:ty: $div:ident $rem:ident $sdiv:ident $srem:ident) => {
        /// 0 where the divisor is 0.
        pub(super) const fn $div(dividend: $ty, divisor: $ty) -> $ty {
            match dividend.checked_div(divisor) {
                Some(quotient) => quotient,
                None => 0,
            }
        }

        /// The dividend where the divisor is 0.
        pub(super) const fn $rem(dividend: $ty, divisor: $ty) -> $ty {
            match dividend.checked_rem(divisor) {
                Some(remainder) => remainder,
                None => dividend,
            }
        }

        /// 0 where the divisor is 0; the least number divided by -1 is itself.
        pub(super) const fn $sdiv(dividend: $ty, divisor: $ty) -> $ty {
            match divisor {
                0 => 0,
                _ => dividend.cast_signed().wrapping_div(divisor.cast_signed()).cast_unsigned(),
            }
        }

        /// The dividend where the divisor is 0; else the sign is that of the dividend.
        pub(super) const fn $srem(dividend: $ty, divisor: $ty) -> $ty {
            match divisor {
                0 => dividend,
                _ => dividend.cast_signed().wrapping_rem(divisor.cast_signed()).cast_unsigned(),
            }
        }
    };
}

division!(u64: div64 rem64 sdiv64 srem64);
division!(u32: div32 rem32 sdiv32 srem32);
