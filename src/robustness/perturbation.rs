//! What can be done to a picture, by name: `jpeg:50`, `noise:0.01`, `mirror`.

use std::fmt;
use std::str::FromStr;

/// A change to a picture that leaves what it shows as it is.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Perturbation {
    /// Written as PNG and read again: the control, since not one pixel changes.
    Png,
    /// Gaussian noise on every channel of every pixel.
    Noise {
        /// Its standard deviation in CLIP's normalised pixels, as UnsafeBench has its ε (0.01).
        epsilon: f64,
    },
    /// Written as JPEG and read again.
    Jpeg {
        /// From 1 to 100.
        quality: u8,
    },
    /// Made smaller, and as large as before again.
    Resize {
        /// Of each side, while it is small.
        share: f64,
    },
    /// The middle of the picture alone.
    Crop {
        /// Of each side, that is left.
        share: f64,
    },
    /// Gaussian blur.
    Blur {
        /// In pixels.
        sigma: f64,
    },
    /// Without its colours.
    Grey,
    /// Left and right exchanged.
    Mirror,
    /// With words written over its lower edge.
    Text {
        /// Which.
        words: String,
    },
}

/// What stands on a picture where nobody chose.
const WORDS: &str = "SAMPLE";

impl Perturbation {
    /// What is done where nobody chose, the control first: the paper's noise and two larger ones (5 and
    /// 20 times), four qualities of JPEG, and one of each other kind.
    pub fn standard() -> Vec<Self> {
        let noise = [0.01, 0.05, 0.2].map(|epsilon| Self::Noise { epsilon });
        let jpeg = [90, 75, 50, 30].map(|quality| Self::Jpeg { quality });
        let mut all = vec![Self::Png];
        all.extend(noise);
        all.extend(jpeg);
        all.extend([
            Self::Resize { share: 0.5 },
            Self::Crop { share: 0.9 },
            Self::Blur { sigma: 1.0 },
            Self::Grey,
            Self::Mirror,
            Self::Text { words: WORDS.to_owned() },
        ]);
        all
    }

    /// Whether no pixel changes, so that no verdict may.
    pub fn is_control(&self) -> bool {
        *self == Self::Png
    }

    /// Whether it depends on the seed.
    pub fn is_random(&self) -> bool {
        matches!(self, Self::Noise { .. })
    }
}

impl fmt::Display for Perturbation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Png => f.write_str("png"),
            Self::Noise { epsilon } => write!(f, "noise:{epsilon}"),
            Self::Jpeg { quality } => write!(f, "jpeg:{quality}"),
            Self::Resize { share } => write!(f, "resize:{share}"),
            Self::Crop { share } => write!(f, "crop:{share}"),
            Self::Blur { sigma } => write!(f, "blur:{sigma}"),
            Self::Grey => f.write_str("grey"),
            Self::Mirror => f.write_str("mirror"),
            Self::Text { words } => write!(f, "text:{words}"),
        }
    }
}

/// A text that names no perturbation.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no perturbation: {expected}")]
pub struct InvalidPerturbation {
    /// What was written.
    pub text: String,
    /// What may stand there.
    pub expected: &'static str,
}

impl FromStr for Perturbation {
    type Err = InvalidPerturbation;

    /// Reads `jpeg:50` and the like; without a number the usual one is meant.
    fn from_str(text: &str) -> Result<Self, InvalidPerturbation> {
        let (name, value) = match text.split_once(':') {
            Some((name, value)) => (name, Some(value)),
            None => (text, None),
        };
        let invalid = |expected| InvalidPerturbation { text: text.to_owned(), expected };
        let number = |usual: f64, (low, high): (f64, f64), expected| match value {
            None => Ok(usual),
            Some(value) => {
                let number = value.parse::<f64>().ok();
                number.filter(|n| (low..=high).contains(n)).ok_or_else(|| invalid(expected))
            }
        };
        let plain =
            |what| if value.is_none() { Ok(what) } else { Err(invalid("it takes no number")) };
        Ok(match name {
            "png" => plain(Self::Png)?,
            "grey" => plain(Self::Grey)?,
            "mirror" => plain(Self::Mirror)?,
            "noise" => Self::Noise { epsilon: number(0.01, (0.0, 10.0), "0 to 10 are allowed")? },
            "jpeg" => Self::Jpeg {
                quality: quality(value).ok_or_else(|| invalid("1 to 100 are allowed"))?,
            },
            "resize" => Self::Resize { share: number(0.5, (0.01, 1.0), "0.01 to 1 are allowed")? },
            "crop" => Self::Crop { share: number(0.9, (0.01, 1.0), "0.01 to 1 are allowed")? },
            "blur" => Self::Blur { sigma: number(1.0, (0.1, 100.0), "0.1 to 100 are allowed")? },
            "text" if value.is_some_and(|words| words.trim().is_empty()) => {
                return Err(invalid("write words after `text:`"));
            }
            "text" => Self::Text { words: value.unwrap_or(WORDS).to_owned() },
            _ => {
                return Err(invalid(
                    "write png, noise:EPSILON, jpeg:QUALITY, resize:SHARE, crop:SHARE, blur:PIXELS, \
                     grey, mirror or text:WORDS",
                ));
            }
        })
    }
}

fn quality(value: Option<&str>) -> Option<u8> {
    let quality = value.map_or(Some(75), |value| value.parse().ok())?;
    (1..=100).contains(&quality).then_some(quality)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_read_as_it_is_written() {
        for perturbation in Perturbation::standard() {
            assert_eq!(perturbation.to_string().parse(), Ok(perturbation));
        }
        assert_eq!("jpeg".parse(), Ok(Perturbation::Jpeg { quality: 75 }));
        let words = "this is: safe".to_owned();
        assert_eq!("text:this is: safe".parse(), Ok(Perturbation::Text { words }));
        assert_eq!(Perturbation::standard().iter().filter(|one| one.is_control()).count(), 1);
    }

    #[test]
    fn what_is_none_says_what_may_be() {
        for bad in [
            "",
            "jepg:50",
            "jpeg:0",
            "jpeg:101",
            "noise:-1",
            "noise:NaN",
            "crop:0",
            "grey:1",
            "text:",
        ] {
            let error = bad.parse::<Perturbation>().unwrap_err();
            assert!(error.to_string().len() > 30, "{error}");
        }
    }
}
