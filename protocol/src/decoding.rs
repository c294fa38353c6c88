//! Decoding a body piece by piece, with bounded memory (RFC 1950, RFC 1951 and RFC 1952).
//!
//! A kilobyte may decode to a megabyte. So what comes of a body is given in steps, and the caller takes the next one when the
//! client has taken what came of the last.

mod gzip;
mod inflate;

use thiserror::Error;

use crate::encoding::Decoder;
use crate::limits;
use gzip::Gzip;
use inflate::Inflate;

/// How many decoded bytes are gathered before they are given.
const STEP_BYTES: usize = limits::DECODE_STEP_BYTES as usize;

/// How many encoded bytes are decoded at once. A byte of deflate stands for 1,032 bytes at most, so what is given
/// exceeds [`STEP_BYTES`] by some 260 kilobytes at most.
const BITE_BYTES: usize = 256;

/// How many bites one step takes at most, whatever comes of them: there are bodies that decode to nothing for a long time.
const STEP_BITES: usize = 256;

/// A body that is being decoded.
pub struct Decoding(State);

enum State {
    Gzip(Gzip),
    /// Nothing has come of it yet, so it is not known whether it has the zlib format.
    UnknownDeflate,
    Deflate(Inflate),
    /// Nothing may follow.
    EndedDeflate,
}

/// Why a body cannot be decoded: it is not what its coding says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Undecodable {
    /// It breaks a rule of its format, or a checksum does not match.
    #[error("the body does not have the format of its content coding")]
    Corrupt,
    /// It lacks its end.
    #[error("the body ends before its content coding says that it does")]
    Short,
    /// It goes on behind its end.
    #[error("the body goes on behind the end of its content coding")]
    Long,
}

impl Decoding {
    /// Nothing has been decoded yet.
    pub fn new(decoder: Decoder) -> Self {
        Self(match decoder {
            Decoder::Gzip => State::Gzip(Gzip::new()),
            Decoder::Deflate => State::UnknownDeflate,
        })
    }

    /// Decodes from the front of `encoded`, and moves it behind what has been taken in. Gives up to about 300 KiB, which may
    /// be nothing.
    ///
    /// # Errors
    /// Where the body is not what its coding says. Then it must break off: what has been given is not the whole.
    pub fn step(&mut self, encoded: &mut &[u8]) -> Result<Vec<u8>, Undecodable> {
        let mut decoded = Vec::new();
        for _ in 0..STEP_BITES {
            if encoded.is_empty() || decoded.len() >= STEP_BYTES {
                break;
            }
            let bite = encoded.get(..BITE_BYTES).unwrap_or(encoded);
            let taken = self.0.decode(bite, &mut decoded)?;
            *encoded = encoded.get(taken..).unwrap_or_default();
        }
        Ok(decoded)
    }

    /// For a body that has come to its end.
    ///
    /// # Errors
    /// Where it is not whole.
    pub fn finish(self) -> Result<(), Undecodable> {
        let is_whole = match self.0 {
            State::Gzip(gzip) => gzip.is_whole(),
            State::UnknownDeflate | State::Deflate(_) => false,
            State::EndedDeflate => true,
        };
        if is_whole { Ok(()) } else { Err(Undecodable::Short) }
    }
}

impl State {
    /// Decodes from the front of a bite, and says how many of its bytes have been taken in.
    fn decode(&mut self, bite: &[u8], decoded: &mut Vec<u8>) -> Result<usize, Undecodable> {
        match self {
            Self::Gzip(gzip) => gzip.decode(bite, decoded),
            Self::UnknownDeflate => {
                let is_zlib = bite.first().is_some_and(has_zlib_format);
                *self = Self::Deflate(if is_zlib { Inflate::zlib() } else { Inflate::raw() });
                self.decode(bite, decoded)
            }
            Self::Deflate(inflate) => {
                let taken = inflate.decode(bite, decoded)?;
                if taken.is_end {
                    *self = Self::EndedDeflate;
                }
                Ok(taken.bytes)
            }
            Self::EndedDeflate => Err(Undecodable::Long),
        }
    }
}

/// Whether a body in "deflate" begins as RFC 1950 says: with 8, for the compression method, in the low half of the byte. Some
/// servers leave the zlib format away (RFC 9110, section 8.4.1.2); then the byte would be of a stored block with a bit set in what
/// is skipped, which nobody writes.
fn has_zlib_format(first: &u8) -> bool {
    first & 0x0F == 8
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};
    use flate2::{Compression, GzBuilder};

    use super::*;

    fn gzip(plain: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(plain).unwrap();
        encoder.finish().unwrap()
    }

    fn zlib(plain: &[u8]) -> Vec<u8> {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(plain).unwrap();
        encoder.finish().unwrap()
    }

    fn raw(plain: &[u8]) -> Vec<u8> {
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(plain).unwrap();
        encoder.finish().unwrap()
    }

    /// Decodes a body that comes in pieces of this size.
    fn decode(decoder: Decoder, encoded: &[u8], piece: usize) -> Result<Vec<u8>, Undecodable> {
        let mut decoding = Decoding::new(decoder);
        let mut all = Vec::new();
        let mut steps = 0..100_000;
        for mut piece in encoded.chunks(piece) {
            while !piece.is_empty() {
                assert!(steps.next().is_some(), "it does not get on");
                let decoded = decoding.step(&mut piece)?;
                assert!(decoded.len() <= STEP_BYTES + BITE_BYTES * 1032, "a step gave {} bytes", decoded.len());
                all.extend(decoded);
            }
        }
        decoding.finish().map(|()| all)
    }

    /// Bytes that compress badly, and well.
    fn samples() -> Vec<Vec<u8>> {
        let noise = (0..200_000_u32).map(|index| (index.wrapping_mul(2_654_435_761) >> 13).to_le_bytes()[0]).collect();
        vec![vec![], b"a".to_vec(), b"compressible ".repeat(100), noise, vec![0; 5_000_000]]
    }

    #[test]
    fn what_was_encoded_is_decoded_however_it_comes() {
        for plain in samples() {
            for piece in [1, 7, 1000, 1 << 20] {
                let expected = Ok(plain.clone());
                assert!(decode(Decoder::Gzip, &gzip(&plain), piece) == expected, "gzip of {} bytes", plain.len());
                assert!(decode(Decoder::Deflate, &zlib(&plain), piece) == expected, "zlib of {} bytes", plain.len());
                assert!(decode(Decoder::Deflate, &raw(&plain), piece) == expected, "deflate of {} bytes", plain.len());
            }
        }
    }

    #[test]
    fn a_step_ends_when_it_has_enough() {
        // Stored blocks (RFC 1951, section 3.2.4) of 128 bytes, which take 133: so 256 of them are read in 133 bites.
        let block = [[0, 128, 0, !128, !0].as_slice(), &[7; 128]].concat();
        let encoded = block.repeat(257);
        let mut rest = encoded.as_slice();
        assert_eq!(Decoding::new(Decoder::Deflate).step(&mut rest).unwrap().len(), STEP_BYTES);
        assert_eq!(rest.len(), block.len());
    }

    #[test]
    fn gzip_in_several_members_is_one_body() {
        let (members, plain) = (samples().iter().flat_map(|plain| gzip(plain)).collect::<Vec<_>>(), samples().concat());
        for piece in [1, 100, 1 << 20] {
            assert!(decode(Decoder::Gzip, &members, piece).is_ok_and(|decoded| decoded == plain), "pieces of {piece}");
        }
    }

    /// With every field that a header may have.
    fn gzip_with_all_fields(plain: &[u8]) -> Vec<u8> {
        let builder = GzBuilder::new().mtime(1).extra(vec![0; 300]).filename("name").comment("comment");
        let mut encoder = builder.write(Vec::new(), Compression::best());
        encoder.write_all(plain).unwrap();
        let mut encoded = encoder.finish().unwrap();
        // Always there; the length of the extra field, and it; the texts, each with a zero.
        let header = [10, 2, 300, 5, 8].into_iter().sum::<usize>();
        encoded[3] |= 2;
        let mut crc = flate2::Crc::new();
        crc.update(&encoded[..header]);
        let check = crc.sum().to_le_bytes();
        encoded.splice(header..header, check[..2].iter().copied());
        encoded
    }

    #[test]
    fn a_header_may_have_all_fields() {
        let plain = b"compressible ".repeat(100);
        let encoded = gzip_with_all_fields(&plain);
        let mut plainly = Vec::new();
        std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(encoded.as_slice()), &mut plainly).unwrap();
        assert!(plainly == plain, "other decoders read it");
        for piece in [1, 7, 1 << 20] {
            assert!(decode(Decoder::Gzip, &encoded, piece).is_ok_and(|decoded| decoded == plain), "pieces of {piece}");
        }
        for (index, mask) in [(0, 1), (1, 1), (2, 1), (3, 0x20), (3, 0x40), (3, 0x80), (20, 1), (320, 1), (326, 1)] {
            let mut altered = encoded.clone();
            altered[index] ^= mask;
            assert_eq!(decode(Decoder::Gzip, &altered, 7), Err(Undecodable::Corrupt), "byte {index}");
        }
        let empty_extra = [&[0x1f, 0x8b, 8, 4, 0, 0, 0, 0, 0, 0, 0, 0], &gzip(&plain)[10..]].concat();
        assert!(decode(Decoder::Gzip, &empty_extra, 7).is_ok_and(|decoded| decoded == plain));
    }

    #[test]
    fn what_is_not_whole_is_never_taken_for_whole() {
        let plain = b"compressible ".repeat(100);
        for (decoder, encoded) in
            [(Decoder::Gzip, gzip(&plain)), (Decoder::Deflate, zlib(&plain)), (Decoder::Deflate, raw(&plain))]
        {
            for length in 0..encoded.len() {
                for piece in [1, 1 << 20] {
                    let decoded = decode(decoder, &encoded[..length], piece);
                    assert!(decoded.is_err(), "{decoder:?}, {length} of {} bytes", encoded.len());
                }
            }
        }
    }

    #[test]
    fn what_is_altered_or_goes_on_is_refused() {
        let plain = b"compressible ".repeat(100);
        for (decoder, encoded, trailer) in [(Decoder::Gzip, gzip(&plain), 8), (Decoder::Deflate, zlib(&plain), 4)] {
            for index in encoded.len() - trailer..encoded.len() {
                let mut altered = encoded.clone();
                altered[index] ^= 1;
                assert!(decode(decoder, &altered, 10).is_err(), "{decoder:?}, byte {index}");
            }
            for piece in [1, 1 << 20] {
                assert!(decode(decoder, &[encoded.as_slice(), b"more"].concat(), piece).is_err(), "{decoder:?}");
                assert!(decode(decoder, b"neither of the two", piece).is_err(), "{decoder:?}");
            }
        }
        assert_eq!(decode(Decoder::Deflate, &[raw(&plain), vec![0]].concat(), 10), Err(Undecodable::Long));
    }
}
