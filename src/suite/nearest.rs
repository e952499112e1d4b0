//! What somebody may have meant.

/// The candidates that are fewest edits away from `word`, nearest first; those far from it are left out.
pub(crate) fn nearest<'a>(
    word: &str,
    candidates: impl Iterator<Item = &'a str>,
    count: usize,
) -> Vec<&'a str> {
    let far = word.chars().count() / 3 + 1;
    let mut all: Vec<(usize, &str)> = candidates
        .map(|candidate| (distance(word, candidate), candidate))
        .filter(|(distance, candidate)| {
            *distance <= far || (word.len() > 2 && candidate.contains(word))
        })
        .collect();
    all.sort();
    all.dedup();
    all.into_iter()
        .take(count)
        .map(|(_, candidate)| candidate)
        .collect()
}

/// How many characters have to be added, dropped or exchanged to get from one to the other.
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (above, a) in one.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = above + 1;
        for (left, b) in other.iter().enumerate() {
            let exchanged = diagonal + usize::from(a != *b);
            diagonal = row[left + 1];
            row[left + 1] = exchanged.min(row[left] + 1).min(diagonal + 1);
        }
    }
    row[other.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_come_first_and_the_far_ones_not_at_all() {
        let all = ["ordering", "recovery", "storage", "ordering/startup"];
        assert_eq!(nearest("ordring", all.into_iter(), 2), ["ordering"]);
        assert_eq!(nearest("startup", all.into_iter(), 2), ["ordering/startup"]);
        assert_eq!(distance("kitten", "sitting"), 3);
    }
}
