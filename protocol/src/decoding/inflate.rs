//! Deflate (RFC 1951), alone or in the zlib format (RFC 1950).

use miniz_oxide::inflate::TINFLStatus;
use miniz_oxide::inflate::core::{DecompressorOxide, decompress, inflate_flags};

use super::Undecodable;

/// How far deflate looks back (RFC 1951, section 2).
const WINDOW_BYTES: usize = 32 << 10;

/// A stream that is being decoded. It holds nothing back.
pub(super) struct Inflate {
    decompressor: Box<DecompressorOxide>,
    /// The last bytes that have come of it, in a ring.
    window: Vec<u8>,
    /// Where in the window the next byte goes.
    next: usize,
    flags: u32,
}

/// How much of a bite has been taken in, and whether the stream is at its end.
pub(super) struct Taken {
    pub(super) bytes: usize,
    pub(super) is_end: bool,
}

impl Inflate {
    /// Deflate alone.
    pub(super) fn raw() -> Self {
        Self::with(inflate_flags::TINFL_FLAG_IGNORE_ADLER32)
    }

    /// For another stream of the same kind. What there is to look back to is of the last one no more.
    pub(super) fn anew(mut self) -> Self {
        self.decompressor.init();
        self.window.fill(0);
        self.next = 0;
        self
    }

    /// The zlib format: with a header, and a checksum at the end.
    pub(super) fn zlib() -> Self {
        Self::with(inflate_flags::TINFL_FLAG_PARSE_ZLIB_HEADER | inflate_flags::TINFL_FLAG_COMPUTE_ADLER32)
    }

    fn with(flags: u32) -> Self {
        let flags = flags | inflate_flags::TINFL_FLAG_HAS_MORE_INPUT;
        Self { decompressor: Box::default(), window: vec![0; WINDOW_BYTES], next: 0, flags }
    }

    /// Decodes from the front of a bite: all of it, if the stream does not end there.
    pub(super) fn decode(&mut self, bite: &[u8], decoded: &mut Vec<u8>) -> Result<Taken, Undecodable> {
        let mut bytes: usize = 0;
        loop {
            let rest = bite.get(bytes..).unwrap_or_default();
            let (status, read, written) =
                decompress(&mut self.decompressor, rest, &mut self.window, self.next, self.flags);
            let end = self.next.saturating_add(written);
            decoded.extend_from_slice(self.window.get(self.next..end).unwrap_or_default());
            self.next = end % WINDOW_BYTES;
            bytes = bytes.saturating_add(read);
            match status {
                TINFLStatus::HasMoreOutput => {}
                TINFLStatus::NeedsMoreInput => return Ok(Taken { bytes, is_end: false }),
                TINFLStatus::Done => return Ok(Taken { bytes, is_end: true }),
                _ => return Err(Undecodable::Corrupt),
            }
        }
    }
}
