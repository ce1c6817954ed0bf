//! Work on many things, on all cores where that is worth it.

use rayon::prelude::*;

/// So few are done one after the other: to wake other threads, and to wait for them, takes longer than small things do.
const FEW: usize = 16;

/// Returns what `work` makes of each of `items`, in their order.
pub(crate) fn map<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    match items.len() {
        0..=FEW => items.iter().map(work).collect(),
        _ => items.par_iter().map(&work).collect(),
    }
}

/// Does `work` for each of `items` and its number; after an error, perhaps not for all.
///
/// # Errors
/// Of those that there are, one: the first where there are few.
pub(crate) fn try_each<T: Sync, E: Send>(
    items: &[T],
    work: impl Fn(usize, &T) -> Result<(), E> + Sync,
) -> Result<(), E> {
    let work = |(number, item): (usize, &T)| work(number, item);
    match items.len() {
        0..=FEW => items.iter().enumerate().try_for_each(work),
        _ => items.par_iter().enumerate().try_for_each(work),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_and_many_are_done_alike() {
        for count in [0, 1, FEW, FEW + 1, 1000] {
            let items: Vec<usize> = (0..count).collect();
            assert_eq!(map(&items, |item| 2 * item), items.iter().map(|item| 2 * item).collect::<Vec<_>>());
            assert_eq!(try_each(&items, |_, _| Ok::<_, usize>(())), Ok(()));
            let failed =
                try_each(&items, |number, item| if number + 1 == count { Err(*item) } else { Ok(()) });
            assert_eq!(failed.err(), count.checked_sub(1));
        }
    }
}
