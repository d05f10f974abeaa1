//! What paths and link targets may be.

/// Most bytes of a path, and of a link's target.
const MAX_PATH: usize = 1024;

/// Most bytes between two slashes.
const MAX_SEGMENT: usize = 255;

/// Why a path or a target is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// Nothing, or nothing between two slashes.
    #[error("an empty name in a path")]
    Empty,
    /// `.` or `..`.
    #[error("a path with . or .. in it")]
    Dots,
    /// More than 1,024 bytes.
    #[error("a path of more than {MAX_PATH} bytes")]
    Long,
    /// A segment of more than 255 bytes.
    #[error("a name of more than {MAX_SEGMENT} bytes")]
    LongSegment,
    /// A NUL.
    #[error("a path with NUL in it")]
    Nul,
    /// A link that leads out of the directory, or could.
    #[error("a link that may lead out of the directory")]
    Outside,
}

/// Check a path of an entry.
///
/// # Errors
///
/// The first rule that it breaks.
pub fn check_path(path: &str) -> Result<(), PathError> {
    if path.len() > MAX_PATH {
        return Err(PathError::Long);
    }
    path.as_bytes()
        .split(|byte| *byte == b'/')
        .try_for_each(check_segment)
}

fn check_segment(segment: &[u8]) -> Result<(), PathError> {
    match segment {
        [] => Err(PathError::Empty),
        b"." | b".." => Err(PathError::Dots),
        _ if segment.len() > MAX_SEGMENT => Err(PathError::LongSegment),
        _ if segment.contains(&0) => Err(PathError::Nul),
        _ => Ok(()),
    }
}

/// How many folders a path is in, the top not counted.
pub fn depth(path: &str) -> usize {
    path.bytes().filter(|byte| *byte == b'/').count()
}

/// Check the target of a link that is in `depth` folders: `../` at most that often, then a path.
///
/// # Errors
///
/// The first rule that it breaks.
pub fn check_target(target: &str, depth: usize) -> Result<(), PathError> {
    if target.len() > MAX_PATH {
        return Err(PathError::Long);
    }
    let (mut rest, mut up) = (target, 0);
    while let Some(after) = rest.strip_prefix("../") {
        (rest, up) = (after, up + 1);
    }
    if up > depth || rest.starts_with('/') {
        return Err(PathError::Outside);
    }
    check_path(rest)
}
