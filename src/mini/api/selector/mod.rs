//! Selectors of objects: by labels, and by a few fields of each kind.

mod fields;
mod labels;

pub use fields::Fields;
pub use labels::{Labels, Operator, Requirement};
