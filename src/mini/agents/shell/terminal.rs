//! The line discipline of a terminal: between what is typed and what a process reads, and what it writes and is shown.

use super::pipe::{Broken, Sink, Source, Writer, pipe};
use super::process::Process;

/// What one typed byte does.
#[derive(Debug, PartialEq, Eq)]
enum Typed {
    /// Shown, and kept for the line.
    Kept,
    /// The line goes to the process.
    Line,
    /// The last character is taken back.
    Erased,
    /// The whole line is taken back, and what runs ends.
    Interrupted,
    /// The end of the input, on an empty line.
    End,
    /// Nothing.
    Ignored,
}

fn typed(byte: u8, line: &[u8]) -> Typed {
    match byte {
        b'\r' | b'\n' => Typed::Line,
        0x7f | 0x08 if line.is_empty() => Typed::Ignored,
        0x7f | 0x08 => Typed::Erased,
        0x03 => Typed::Interrupted,
        0x04 if line.is_empty() => Typed::End,
        0x04 => Typed::Ignored,
        byte if byte < 0x20 && byte != b'\t' => Typed::Ignored,
        _ => Typed::Kept,
    }
}

/// Passes typed bytes on as lines, and shows them, until there are no more.
pub async fn cook(
    typed_bytes: Source,
    lines: Writer,
    shown: Sink,
    process: Process,
) -> Result<(), Broken> {
    let mut line = Vec::new();
    let mut after_return = false;
    loop {
        let bytes = typed_bytes.read(1024).await;
        if bytes.is_empty() {
            return Ok(());
        }
        for byte in bytes {
            // A terminal's "\r\n" is one end of line.
            if byte == b'\n' && std::mem::take(&mut after_return) {
                continue;
            }
            after_return = byte == b'\r';
            match typed(byte, &line) {
                Typed::Kept => {
                    line.push(byte);
                    shown.write(&[byte]).await?;
                }
                Typed::Line => {
                    line.push(b'\n');
                    shown.write(b"\r\n").await?;
                    lines.write(&std::mem::take(&mut line)).await?;
                }
                Typed::Erased => {
                    while line.pop().is_some_and(|byte| byte & 0xc0 == 0x80) {}
                    shown.write(b"\x08 \x08").await?;
                }
                Typed::Interrupted => {
                    line.clear();
                    shown.write(b"^C\r\n").await?;
                    process.interrupt();
                    process.send(super::Signal::Interrupt);
                }
                Typed::End => return Ok(()),
                Typed::Ignored => {}
            }
        }
    }
}

/// A sink whose line ends are shown as a terminal needs them, and the work that passes it on to another.
pub fn shown_on(to: Sink) -> (Sink, impl Future<Output = ()> + Send) {
    let (writer, reader) = pipe();
    let work = async move {
        let source = Source::Pipe(reader);
        loop {
            let some = source.read(16 * 1024).await;
            if some.is_empty() {
                return;
            }
            let mut out = Vec::with_capacity(some.len() + 16);
            for byte in some {
                if byte == b'\n' {
                    out.push(b'\r');
                }
                out.push(byte);
            }
            if to.write(&out).await.is_err() {
                return;
            }
        }
    };
    (Sink::Pipe(writer), work)
}
