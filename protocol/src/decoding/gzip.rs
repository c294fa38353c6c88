//! The gzip format (RFC 1952): members one after another, each of a header, a deflate stream, and a trailer that says what must
//! have come of it.

use std::vec::IntoIter;

use super::Undecodable;
use super::inflate::Inflate;

/// The flags of a header (RFC 1952, section 2.3.1).
const CHECK: u8 = 1 << 1;
const EXTRA: u8 = 1 << 2;
const NAME: u8 = 1 << 3;
const COMMENT: u8 = 1 << 4;
const RESERVED: u8 = 0b1110_0000;

/// The format's identification, and the only method that there is.
const BEGINNING: [u8; 3] = [0x1f, 0x8b, 8];

/// The time, extra flags and the system, which nobody asks for.
const SKIPPED: u16 = 6;

/// A body that is being decoded.
pub(super) struct Gzip {
    part: Part,
    /// Which fields the header is yet to have.
    flags: u8,
    /// Of the header, or of what has come of the stream.
    crc: Crc,
    /// How many bytes have come of the stream, modulo 2^32.
    length: u32,
    is_whole: bool,
    /// What has decoded a member, for the next one: a kilobyte may hold fifty of them.
    spare: Option<Inflate>,
}

/// What the next byte is part of. Where the bytes are known, these are those that are still to come.
enum Part {
    Beginning(IntoIter<u8>),
    Flags,
    Skipped {
        left: u16,
    },
    ExtraLength {
        low: Option<u8>,
    },
    /// A name or a comment, up to a zero.
    Text,
    Check(IntoIter<u8>),
    Stream(Inflate),
    Trailer(IntoIter<u8>),
}

impl Gzip {
    pub(super) fn new() -> Self {
        let part = Part::Beginning(BEGINNING.to_vec().into_iter());
        Self { part, flags: 0, crc: Crc::new(), length: 0, is_whole: false, spare: None }
    }

    /// Whether it may end here: behind a member.
    pub(super) fn is_whole(&self) -> bool {
        self.is_whole
    }

    /// Decodes from the front of a bite, and says how many of its bytes have been taken in.
    pub(super) fn decode(&mut self, bite: &[u8], decoded: &mut Vec<u8>) -> Result<usize, Undecodable> {
        let mut taken: usize = 0;
        for byte in bite {
            if let Part::Stream(inflate) = &mut self.part {
                let before = decoded.len();
                let inflated = inflate.decode(bite.get(taken..).unwrap_or_default(), decoded)?;
                self.came(decoded.get(before..).unwrap_or_default());
                if inflated.is_end {
                    let trailer = [self.crc.sum().to_le_bytes(), self.length.to_le_bytes()];
                    let stream = core::mem::replace(&mut self.part, Part::Trailer(trailer.concat().into_iter()));
                    if let Part::Stream(inflate) = stream {
                        self.spare = Some(inflate);
                    }
                }
                return Ok(taken.saturating_add(inflated.bytes));
            }
            self.take(*byte)?;
            taken = taken.saturating_add(1);
        }
        Ok(taken)
    }

    fn came(&mut self, bytes: &[u8]) {
        self.crc.update(bytes);
        self.length = self.length.wrapping_add(u32::try_from(bytes.len()).unwrap_or(u32::MAX));
    }

    /// Takes in a byte that is not of the stream.
    fn take(&mut self, byte: u8) -> Result<(), Undecodable> {
        self.is_whole = false;
        self.crc.update(&[byte]);
        match &mut self.part {
            Part::Beginning(rest) => {
                if is_last(rest, byte)? {
                    self.part = Part::Flags;
                }
            }
            Part::Flags if byte & RESERVED != 0 => return Err(Undecodable::Corrupt),
            Part::Flags => {
                self.flags = byte;
                self.part = Part::Skipped { left: SKIPPED };
            }
            Part::ExtraLength { low: low @ None } => *low = Some(byte),
            Part::ExtraLength { low: Some(low) } => match u16::from_le_bytes([*low, byte]) {
                0 => self.next_field(),
                left => self.part = Part::Skipped { left },
            },
            Part::Skipped { left: left @ 2.. } => *left = left.saturating_sub(1),
            Part::Skipped { .. } => self.next_field(),
            Part::Text if byte != 0 => {}
            Part::Text => self.next_field(),
            Part::Check(rest) => {
                if is_last(rest, byte)? {
                    self.next_field();
                }
            }
            Part::Trailer(rest) => {
                if is_last(rest, byte)? {
                    *self = Self { is_whole: true, spare: self.spare.take(), ..Self::new() };
                }
            }
            // It does not come byte by byte.
            Part::Stream(_) => {}
        }
        Ok(())
    }

    /// Goes on to the next field that the header has, or to the stream.
    fn next_field(&mut self) {
        self.part = if self.has(EXTRA) {
            Part::ExtraLength { low: None }
        } else if self.has(NAME) || self.has(COMMENT) {
            Part::Text
        } else if self.has(CHECK) {
            Part::Check(self.crc.sum().to_le_bytes().into_iter().take(2).collect::<Vec<_>>().into_iter())
        } else {
            self.crc = Crc::new();
            Part::Stream(self.spare.take().map_or_else(Inflate::raw, Inflate::anew))
        };
    }

    /// Whether the header is yet to have this field; then it comes now.
    fn has(&mut self, flag: u8) -> bool {
        let has = self.flags & flag != 0;
        self.flags &= !flag;
        has
    }
}

/// Whether this byte is the last of those that must come.
fn is_last(rest: &mut IntoIter<u8>, byte: u8) -> Result<bool, Undecodable> {
    if rest.next() == Some(byte) { Ok(rest.as_slice().is_empty()) } else { Err(Undecodable::Corrupt) }
}

/// The checksum of RFC 1952, section 8, by half bytes: a table for whole ones would be a kilobyte, and the usual ones for speed
/// are sixteen, which every new isolate would load.
struct Crc(u32);

/// What half a byte comes to.
const HALVES: [u32; 16] = [
    0x0000_0000,
    0x1db7_1064,
    0x3b6e_20c8,
    0x26d9_30ac,
    0x76dc_4190,
    0x6b6b_51f4,
    0x4db2_6158,
    0x5005_713c,
    0xedb8_8320,
    0xf00f_9344,
    0xd6d6_a3e8,
    0xcb61_b38c,
    0x9b64_c2b0,
    0x86d3_d2d4,
    0xa00a_e278,
    0xbdbd_f21c,
];

impl Crc {
    fn new() -> Self {
        Self(u32::MAX)
    }

    fn update(&mut self, bytes: &[u8]) {
        self.0 = bytes.iter().fold(self.0, |crc, byte| half(half(crc ^ u32::from(*byte))));
    }

    fn sum(&self) -> u32 {
        !self.0
    }
}

/// Moves half a byte out of the checksum.
fn half(crc: u32) -> u32 {
    (crc >> 4) ^ HALVES.get((crc & 15) as usize).copied().unwrap_or_default()
}
