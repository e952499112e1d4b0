//! What pods write and read.

use cucumber::{given, then, when};

use crate::{
    verdict::Stop,
    world::{State, World},
};

#[given(expr = "pod {string} writes {string} to {string}")]
#[when(expr = "pod {string} writes {string} to {string}")]
async fn writes(world: &mut World, pod: String, text: String, file: String) -> Result<(), Stop> {
    let command = format!("echo '{text}' > {file}");
    world.exec(&pod, &["sh", "-c", &command]).await?;
    Ok(())
}

#[then(expr = "pod {string} reads {string} from {string}")]
async fn reads(world: &mut World, pod: String, text: String, file: String) -> Result<(), Stop> {
    let expected = format!("pod {pod:?} runs");
    world
        .comes_true(&expected, |seen| seen.is(&pod, State::Running))
        .await?;
    // A file that is not there reads as nothing: the pod answered, so something can be said.
    let command = format!("cat {file} 2>/dev/null || true");
    let found = world.exec(&pod, &["sh", "-c", &command]).await?;
    if found == text {
        return Ok(());
    }
    Err(Stop::Fail(format!(
        "expected: pod {pod:?} reads {text:?} from {file}; seen: {found:?}"
    )))
}
