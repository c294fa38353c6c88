//! The identifiers of the protocol, each a type of its own so that one cannot be passed for another.

use core::fmt;

macro_rules! identifier {
    ($(#[$doc:meta])* $name:ident, $length:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; $length]);

        impl $name {
            /// How many bytes it has.
            pub const LENGTH: usize = $length;

            /// From its bytes.
            pub const fn from_bytes(bytes: [u8; $length]) -> Self {
                Self(bytes)
            }

            /// Its bytes.
            pub const fn as_bytes(&self) -> &[u8; $length] {
                &self.0
            }

            /// From hexadecimal digits, of either case.
            pub fn parse(text: &str) -> Option<Self> {
                crate::bytes::from_hex(text).map(Self)
            }
        }

        /// Lower-case hexadecimal.
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }
    };
}

identifier! {
    /// Names one record: a SHA-256 over route, scope and key. It says nothing about any of them to who sees it.
    RecordId, 32
}

identifier! {
    /// What a request asks for: a SHA-256 over method, path, query and payload.
    Fingerprint, 32
}

identifier! {
    /// One try to execute a request: 128 random bits drawn by the Worker. It is the fence as well: the ledger takes an
    /// outcome only from the attempt that holds the record. (A counter would start again once the record is gone.)
    AttemptId, 16
}

identifier! {
    /// Names a layout of a route's records: a hash over its name and its number of shards.
    LayoutId, 8
}

identifier! {
    /// Names a secret that bodies are sealed with: a hash over it.
    SealKeyId, 8
}

impl RecordId {
    /// Which of `count` shards keeps this record.
    pub fn shard(&self, count: core::num::NonZeroU16) -> u16 {
        // The remainder is smaller than `count`, so it fits.
        u16::try_from(first_number(&self.0).checked_rem(u64::from(count.get())).unwrap_or(0)).unwrap_or(0)
    }
}

/// The number that the first eight bytes of an id are.
pub(crate) fn first_number(id: &[u8]) -> u64 {
    id.first_chunk().copied().map_or(0, u64::from_be_bytes)
}
