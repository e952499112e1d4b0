//! What is known of images by their names.
//!
//! Every image exists, unless its name says otherwise: its registry is below `invalid` or `example` (the domains that
//! never exist), or its name or tag contains `does-not-exist`, `nonexistent` or `no-such`. Images called busybox, alpine
//! and the like have a shell and nothing else; nginx serves files on port 80; pause and agnhost wait. Any other image has
//! a service of its own that runs until it is told to end.

use crate::mini::agents::shell::Image;

/// Why an image cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refused {
    /// `ErrImagePull` or `InvalidImageName`.
    pub reason: &'static str,
    pub message: String,
}

/// Registry, repository and tag of an image's name.
fn parts(name: &str) -> (Option<&str>, &str, &str) {
    let name_only = name.split('@').next().unwrap_or(name);
    let (path, tag) = match name_only.rsplit_once(':') {
        Some((path, tag)) if !tag.contains('/') => (path, tag),
        _ => (name_only, "latest"),
    };
    match path.split_once('/') {
        Some((host, rest)) if host.contains(['.', ':']) || host == "localhost" => {
            (Some(host), rest, tag)
        }
        _ => (None, path, tag),
    }
}

/// What a node has after it pulled the image.
pub(super) fn pull(name: &str) -> Result<Image, Refused> {
    let (host, repository, tag) = parts(name);
    let allowed =
        |char: char| char.is_ascii_lowercase() || char.is_ascii_digit() || "._-/".contains(char);
    if repository.is_empty() || !repository.chars().all(allowed) {
        let message = format!(
            "Failed to apply default image tag \"{name}\": couldn't parse image name \"{name}\": invalid reference format"
        );
        let reason = "InvalidImageName";
        return Err(Refused { reason, message });
    }
    let domain = host.and_then(|host| host.split(':').next()?.rsplit('.').next());
    let nowhere = matches!(domain, Some("invalid" | "example"));
    let missing = ["does-not-exist", "nonexistent", "no-such"]
        .iter()
        .any(|word| name.contains(word));
    if nowhere || missing {
        let host = host.unwrap_or("docker.io/library");
        let full = format!("{host}/{repository}:{tag}");
        let why = if nowhere {
            "failed to do request: dial tcp: lookup: no such host"
        } else {
            "not found"
        };
        let message = format!(
            "failed to pull and unpack image \"{full}\": failed to resolve reference \"{full}\": {full}: {why}"
        );
        let reason = "ErrImagePull";
        return Err(Refused { reason, message });
    }
    Ok(image(repository, tag))
}

fn image(repository: &str, tag: &str) -> Image {
    let base = repository.rsplit('/').next().unwrap_or(repository);
    let words = |words: &[&str]| {
        words
            .iter()
            .map(|word| (*word).to_owned())
            .collect::<Vec<String>>()
    };
    let plain = Image {
        command: words(&["sh"]),
        programs: Vec::new(),
        unknown: false,
        ports: Vec::new(),
        documents: None,
        old_nslookup: base == "busybox" && is_old(tag),
    };
    match base {
        "busybox" | "alpine" | "debian" | "ubuntu" | "bash" => plain,
        "nginx" | "nginx-slim" | "nginx-unprivileged" => Image {
            command: words(&["nginx", "-g", "daemon off;"]),
            programs: words(&["nginx", "nginx-debug", "/docker-entrypoint.sh"]),
            ports: vec![80],
            documents: Some("/usr/share/nginx/html".to_owned()),
            ..plain
        },
        "pause" => Image {
            command: words(&["/pause"]),
            programs: words(&["pause"]),
            ..plain
        },
        "agnhost" => Image {
            command: words(&["/agnhost", "pause"]),
            programs: words(&["agnhost"]),
            ..plain
        },
        other => Image {
            command: words(&[other]),
            programs: words(&[other]),
            unknown: true,
            ..plain
        },
    }
}

/// Busybox before 1.29.
fn is_old(tag: &str) -> bool {
    let mut numbers = tag.split(['.', '-']).map(str::parse::<u32>);
    matches!((numbers.next(), numbers.next()), (Some(Ok(1)), Some(Ok(minor))) if minor < 29)
}

/// What runs in a container: its command and arguments over those of its image.
pub(super) fn argv(
    image: &Image,
    command: Option<&[String]>,
    args: Option<&[String]>,
) -> Vec<String> {
    let given = |words: Option<&[String]>| {
        words
            .filter(|words| !words.is_empty())
            .map(<[String]>::to_vec)
    };
    match (given(command), given(args)) {
        (Some(command), args) => command
            .into_iter()
            .chain(args.unwrap_or_default())
            .collect(),
        (None, None) => image.command.clone(),
        // An image with nothing but a shell has no entrypoint: the arguments are the command.
        (None, Some(args)) if image.programs.is_empty() => args,
        (None, Some(args)) => image.command.iter().take(1).cloned().chain(args).collect(),
    }
}

/// A digest that is always the same for the same name.
pub(super) fn digest(name: &str) -> String {
    let (host, repository, _) = parts(name);
    let host = host.unwrap_or("docker.io/library");
    format!("{host}/{repository}@sha256:{}", hex64(name))
}

/// 64 hexadecimal digits made from a text.
pub(super) fn hex64(text: &str) -> String {
    let word = |salt: u64| {
        let mut hash = 0xcbf2_9ce4_8422_2325_u64 ^ salt.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        for byte in text.bytes() {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
        (hash ^ (hash >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9)
    };
    (1..=4).map(|salt| format!("{:016x}", word(salt))).collect()
}
