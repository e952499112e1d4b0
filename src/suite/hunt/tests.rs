use super::*;
use crate::report::matrix::Found;

fn run(parts: &[&str]) -> Matrix {
    let hunt = parts
        .iter()
        .fold(Hunt::default(), |hunt, part| hunt.select(*part));
    hunt.run(&Interrupt::default(), &mut |_| {})
        .expect("it is there")
}

#[test]
fn a_mutant_meets_only_as_many_scenarios_as_it_takes_to_find_it_out() {
    let matrix = run(&["leaves-holes"]);
    let [row] = &matrix.mutants[..] else {
        panic!("one was selected: {matrix:#?}");
    };
    assert!(row.is_killed(), "{row:#?}");
    assert!(row.met < 8 && row.met == matrix.runs, "{row:#?}");
    assert!(
        row.breaks
            .iter()
            .all(|broken| broken.found == Found::Killed)
    );
    assert!(
        row.kills
            .iter()
            .any(|kill| kill.named && !kill.event.is_empty())
    );
}

#[test]
fn mutants_are_selected_by_id_by_what_they_break_and_by_party() {
    let ids = |part: &str| -> Vec<&str> {
        let mutants = Hunt::default().select(part).mutants().expect(part);
        mutants.iter().map(|mutant| mutant.id).collect()
    };
    assert_eq!(ids("leaves-holes"), ["leaves-holes"]);
    assert!(ids("ord-lowest-gap-first").contains(&"leaves-holes"));
    assert_eq!(ids("gc"), ["collects-nothing", "collects-no-claims"]);
    let error = Hunt::default().select("leaves-hole").mutants();
    let error = error.expect_err("there is none").to_string();
    assert!(error.contains("did you mean leaves-holes"), "{error}");
}
