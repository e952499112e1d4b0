//! Base64, to which JSON turns bytes.

/// Standard base64 with padding.
pub(crate) fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let byte = |at: usize| u32::from(chunk.get(at).copied().unwrap_or_default());
        let group = (byte(0) << 16) | (byte(1) << 8) | byte(2);
        for place in 0..4 {
            match place <= chunk.len() {
                true => {
                    let letter = (group >> (18 - 6 * place)) & 0x3f;
                    text.push(char::from(LETTERS[letter as usize]));
                }
                false => text.push('='),
            }
        }
    }
    text
}
