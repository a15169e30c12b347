//! Sets the kernel extends: any number can be held, the known ones are constants with a name and a release.

/// Declares a newtype over the kernel's number, its constants and what is known of them.
macro_rules! open_set {
    ($(#[$meta:meta])* $type:ident {
        $($(#[$item:meta])*
        $constant:ident = $number:literal, $name:literal, $kernel:literal, $major:literal, $minor:literal;)*
    }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $type(pub u32);

        impl $type {
            $($(#[$item])*
            ///
            #[doc = concat!("Number ", $number, ", `", $kernel, "`, since Linux ", $major, ".", $minor, ".")]
            #[doc(alias = $kernel)]
            pub const $constant: Self = Self($number);)*

            /// Every constant, ascending.
            pub const ALL: &'static [Self] = &[$(Self::$constant),*];

            /// The constant's name in lower case; `None` for a number without one.
            #[must_use]
            pub const fn name(self) -> Option<&'static str> {
                match self.0 {
                    $($number => Some($name),)*
                    _ => None,
                }
            }

            /// The name the kernel's headers have.
            #[must_use]
            pub const fn kernel_name(self) -> Option<&'static str> {
                match self.0 {
                    $($number => Some($kernel),)*
                    _ => None,
                }
            }

            /// The constant of this [`name`](Self::name).
            #[must_use]
            pub fn by_name(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|known| known.name() == Some(name))
            }

            /// The first release that knows the number.
            #[must_use]
            pub const fn since(self) -> Option<$crate::base::KernelVersion> {
                match self.0 {
                    $($number => Some($crate::base::KernelVersion::new($major, $minor)),)*
                    _ => None,
                }
            }
        }

        impl std::fmt::Display for $type {
            /// The name, or the bare number when there is none.
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                match self.name() {
                    Some(name) => f.pad(name),
                    None => std::fmt::Display::fmt(&self.0, f),
                }
            }
        }

        impl std::fmt::Debug for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, concat!(stringify!($type), "({})"), self)
            }
        }
    };
}

pub(crate) use open_set;
