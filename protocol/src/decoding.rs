//! Decoding a body piece by piece, with bounded memory (RFC 1950, RFC 1951 and RFC 1952).
//!
//! A kilobyte may decode to a megabyte. So what comes of a body is given in steps, and the caller takes the next one when the
//! client has taken what came of the last.

use std::io::Write;

use flate2::write::MultiGzDecoder;
use flate2::{Decompress, FlushDecompress, Status};
use thiserror::Error;

use crate::encoding::Decoder;
use crate::limits;

/// How many decoded bytes are gathered before they are given.
const STEP_BYTES: usize = limits::DECODE_STEP_BYTES as usize;

/// How many encoded bytes are decoded at once. A byte of deflate stands for 1,032 bytes at most, so what is given
/// exceeds [`STEP_BYTES`] by some 260 kilobytes at most.
const BITE_BYTES: usize = 256;

/// How many bites one step takes at most, whatever comes of them: there are bodies that decode to nothing for a long time.
const STEP_BITES: usize = 256;

/// How often the decoder is asked for what it has held back, each time for up to [`STEP_BYTES`]. It holds back up to 32
/// kilobytes, which is how far deflate looks back (RFC 1951, section 2).
const LAST_STEPS: usize = 4;

/// A body that is being decoded.
#[derive(Debug)]
pub struct Decoding(State);

#[derive(Debug)]
enum State {
    /// Holds what has been decoded and not been given yet.
    Gzip(MultiGzDecoder<Vec<u8>>),
    /// Nothing has come of it yet, so it is not known whether it has the zlib format.
    UnknownDeflate,
    Deflate(Decompress),
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
            Decoder::Gzip => State::Gzip(MultiGzDecoder::new(Vec::new())),
            Decoder::Deflate => State::UnknownDeflate,
        })
    }

    /// Decodes from the front of `encoded`, and moves it behind what has been taken in. Gives up to about 300 KiB, which may
    /// be nothing. Some of it may be held back until the next step, or [`Decoding::finish`].
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

    /// What has been held back of a body that has come to its end.
    ///
    /// # Errors
    /// As for [`Decoding::step`], and where the body is not whole.
    pub fn finish(self) -> Result<Vec<u8>, Undecodable> {
        match self.0 {
            State::Gzip(decoder) => decoder.finish().map_err(|_| Undecodable::Short),
            State::UnknownDeflate => Err(Undecodable::Short),
            mut state @ State::Deflate(_) => {
                let mut decoded = Vec::new();
                for _ in 0..LAST_STEPS {
                    state.decode(&[], &mut decoded)?;
                    if matches!(state, State::EndedDeflate) {
                        return Ok(decoded);
                    }
                }
                Err(Undecodable::Short)
            }
            State::EndedDeflate => Ok(Vec::new()),
        }
    }
}

impl State {
    /// Decodes from the front of a bite, and says how many of its bytes have been taken in.
    fn decode(&mut self, bite: &[u8], decoded: &mut Vec<u8>) -> Result<usize, Undecodable> {
        match self {
            Self::Gzip(decoder) => {
                let taken = decoder.write(bite).map_err(|_| Undecodable::Corrupt)?;
                decoded.append(decoder.get_mut());
                // It takes in something of whatever is right: what it does not, nobody will.
                if taken == 0 { Err(Undecodable::Corrupt) } else { Ok(taken) }
            }
            Self::UnknownDeflate => {
                *self = Self::Deflate(Decompress::new(bite.first().is_some_and(has_zlib_format)));
                self.decode(bite, decoded)
            }
            Self::Deflate(decompress) => {
                let before = decompress.total_in();
                decoded.reserve(STEP_BYTES);
                let status = decompress.decompress_vec(bite, decoded, FlushDecompress::None);
                let taken = decompress.total_in().saturating_sub(before);
                if status.map_err(|_| Undecodable::Corrupt)? == Status::StreamEnd {
                    *self = Self::EndedDeflate;
                }
                // No more than the bite.
                Ok(usize::try_from(taken).unwrap_or(bite.len()))
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
    use flate2::Compression;
    use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};

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
        let rest = decoding.finish()?;
        assert!(rest.len() <= 2 * STEP_BYTES, "{} bytes were held back", rest.len());
        all.extend(rest);
        Ok(all)
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
