//! What can stand in the way of an answer: a value, never an error and never "safe".

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Why an answer can't be had.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Why {
    /// M lies between the thresholds and no stage settled it.
    Undecided,
    /// The model declined to answer.
    Refused,
    /// A content filter stood between the model and the answer.
    Filtered,
    /// The model answered something that is neither Yes nor No.
    Unparsable {
        /// What came instead.
        detail: String,
    },
    /// The question does not fit the model's context.
    TooLong {
        /// Tokens the question needs with its image.
        needed: u32,
        /// Tokens there is room for.
        limit: u32,
    },
    /// The model said nothing.
    Empty,
    /// The model would not end its reply.
    Overlong {
        /// Tokens after which it was stopped.
        limit: u32,
    },
    /// The model said the same over and over.
    Looping,
    /// The run's budget for reasoning was spent, or this image's.
    BudgetSpent,
    /// The rule or the image is kept on this machine, and the model is on another.
    KeptLocal,
    /// Answers come from a recording, and this question is not in it.
    NotRecorded,
    /// The question waits to be answered in a batch.
    Waiting,
    /// Something broke on the way to this answer.
    Failed {
        /// What broke.
        detail: String,
    },
}

impl Why {
    /// Something broke, in the words of its error.
    pub fn failed(error: impl std::fmt::Display) -> Self {
        Self::Failed { detail: error.to_string() }
    }
}

impl std::fmt::Display for Why {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Undecided => write!(f, "M lies between the thresholds"),
            Self::Refused => write!(f, "the model refused to answer"),
            Self::Filtered => write!(f, "a content filter blocked the answer"),
            Self::Unparsable { detail } => write!(f, "not an answer: {detail}"),
            Self::TooLong { needed, limit } => {
                write!(f, "needs {needed} tokens, and the context has room for {limit}")
            }
            Self::Empty => write!(f, "the reply was empty"),
            Self::Overlong { limit } => write!(f, "the reply did not end within {limit} tokens"),
            Self::Looping => write!(f, "the reply went round in circles"),
            Self::BudgetSpent => write!(f, "the budget for reasoning was spent"),
            Self::KeptLocal => write!(f, "kept on this machine, and the model is on another"),
            Self::NotRecorded => write!(f, "not in the recording"),
            Self::Waiting => write!(f, "waits to be answered in a batch"),
            Self::Failed { detail } => write!(f, "{detail}"),
        }
    }
}
