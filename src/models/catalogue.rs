//! Pairs of GGUF files by short name.
//!
//! The repositories are those that llama.cpp's own list of vision models names (`docs/multimodal.md`),
//! and the makers' own. A size or a hash stands here only where at least two public sources that
//! are independent of each other agree on it; what is left out is asked of the hub. A hash that
//! differs from the hub's means that the repository was changed since, and is told.
//!
//! To add one: name repository, both files, the licence and what is special. Leave out what you do
//! not know.

/// A model by short name.
#[derive(Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Entry {
    /// What a user writes.
    pub name: &'static str,
    /// `owner/name` on the hub.
    pub repository: &'static str,
    /// The pair that is meant without a quantisation: language model and projector. Without one,
    /// the repository's files are chosen from as for any other.
    pub pair: Option<(&'static str, &'static str)>,
    /// Under which terms the weights are, as far as is known.
    pub licence: &'static str,
    /// What is special.
    pub notes: &'static str,
    /// What is known of files.
    pub files: &'static [Known],
}

/// What is known of a file.
#[derive(Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Known {
    /// Its name in the repository.
    pub file: &'static str,
    /// Its size in bytes.
    pub size: u64,
    /// Its SHA-256.
    pub sha256: &'static str,
}

impl Entry {
    /// What is known of a file of this model.
    pub fn known(&self, file: &str) -> Option<&'static Known> {
        self.files.iter().find(|known| known.file == file)
    }

    /// What the pair takes on disk, where both sizes are known.
    pub fn size(&self) -> Option<u64> {
        let (model, projector) = self.pair?;
        Some(self.known(model)?.size + self.known(projector)?.size)
    }
}

const fn known(file: &'static str, size: u64, sha256: &'static str) -> Known {
    Known { file, size, sha256 }
}

/// The models with a short name, from small to large.
pub const CATALOGUE: &[Entry] = &[
    Entry {
        name: "smolvlm-256m",
        repository: "ggml-org/SmolVLM-256M-Instruct-GGUF",
        pair: Some(("SmolVLM-256M-Instruct-Q8_0.gguf", "mmproj-SmolVLM-256M-Instruct-Q8_0.gguf")),
        licence: "Apache-2.0",
        notes: "the smallest; to try the plumbing",
        files: &[
            known(
                "SmolVLM-256M-Instruct-Q8_0.gguf",
                175_054_528,
                "2a31195d3769c0b0fd0a4906201666108834848db768af11de1d2cef7cd35e65",
            ),
            known(
                "mmproj-SmolVLM-256M-Instruct-Q8_0.gguf",
                103_769_856,
                "7e943f7c53f0382a6fc41b6ee0c2def63ba4fded9ab8ed039cc9e2ab905e0edd",
            ),
        ],
    },
    Entry {
        name: "smolvlm-500m",
        repository: "ggml-org/SmolVLM-500M-Instruct-GGUF",
        pair: Some(("SmolVLM-500M-Instruct-Q8_0.gguf", "mmproj-SmolVLM-500M-Instruct-Q8_0.gguf")),
        licence: "Apache-2.0",
        notes: "small",
        files: &[
            known(
                "SmolVLM-500M-Instruct-Q8_0.gguf",
                436_806_912,
                "9d4612de6a42214499e301494a3ecc2be0abdd9de44e663bda63f1152fad1bf4",
            ),
            known(
                "mmproj-SmolVLM-500M-Instruct-Q8_0.gguf",
                108_783_360,
                "d1eb8b6b23979205fdf63703ed10f788131a3f812c7b1f72e0119d5d81295150",
            ),
        ],
    },
    Entry {
        name: "internvl3-1b",
        repository: "ggml-org/InternVL3-1B-Instruct-GGUF",
        pair: Some(("InternVL3-1B-Instruct-Q8_0.gguf", "mmproj-InternVL3-1B-Instruct-Q8_0.gguf")),
        licence: "see the card of OpenGVLab/InternVL3-1B",
        notes: "",
        files: &[],
    },
    Entry {
        name: "qwen3-vl-2b",
        repository: "Qwen/Qwen3-VL-2B-Instruct-GGUF",
        pair: Some(("Qwen3VL-2B-Instruct-Q4_K_M.gguf", "mmproj-Qwen3VL-2B-Instruct-Q8_0.gguf")),
        licence: "Apache-2.0",
        notes: "",
        files: &[
            known(
                "Qwen3VL-2B-Instruct-Q4_K_M.gguf",
                1_107_409_952,
                "089d75c52f4b7ffc56ba998ffc50aae89fcafc755f9e7208aacca281dca6c2ae",
            ),
            known(
                "mmproj-Qwen3VL-2B-Instruct-Q8_0.gguf",
                445_053_216,
                "f9a68fabba69c3b81e153367b2c7521030b0fa8bb0de400c9599c8e6725f9c82",
            ),
        ],
    },
    Entry {
        name: "internvl3-2b",
        repository: "ggml-org/InternVL3-2B-Instruct-GGUF",
        pair: None,
        licence: "see the card of OpenGVLab/InternVL3-2B",
        notes: "",
        files: &[],
    },
    Entry {
        name: "qwen2.5-vl-3b",
        repository: "ggml-org/Qwen2.5-VL-3B-Instruct-GGUF",
        pair: Some((
            "Qwen2.5-VL-3B-Instruct-Q4_K_M.gguf",
            "mmproj-Qwen2.5-VL-3B-Instruct-Q8_0.gguf",
        )),
        licence: "see the card of Qwen/Qwen2.5-VL-3B-Instruct",
        notes: "the GGUF repository says Apache-2.0; the makers' card decides",
        files: &[
            known(
                "Qwen2.5-VL-3B-Instruct-Q4_K_M.gguf",
                1_929_901_056,
                "d02fe9b69ad8cadbbd228e387667af66612c44bed29ffc8eb1e7caf9ac486c12",
            ),
            known(
                "Qwen2.5-VL-3B-Instruct-Q8_0.gguf",
                3_285_474_304,
                "fa8aeb3b6bf6152774e87d13e09892aa065f4e0c4abe90806cd8ab18ff72d9fe",
            ),
            known(
                "mmproj-Qwen2.5-VL-3B-Instruct-Q8_0.gguf",
                844_757_728,
                "980c9b2f78c04e6cff93d277ada09e768394f112d75db3b4e9dea8a69f9fb904",
            ),
            known(
                "mmproj-Qwen2.5-VL-3B-Instruct-f16.gguf",
                1_338_428_128,
                "b9160fe9d814d1fadf68395677468534778b39ac33c2e7561b7b218626e60d5e",
            ),
        ],
    },
    Entry {
        name: "qwen3-vl-4b",
        repository: "Qwen/Qwen3-VL-4B-Instruct-GGUF",
        pair: Some(("Qwen3VL-4B-Instruct-Q4_K_M.gguf", "mmproj-Qwen3VL-4B-Instruct-Q8_0.gguf")),
        licence: "Apache-2.0",
        notes: "",
        files: &[
            known(
                "Qwen3VL-4B-Instruct-Q4_K_M.gguf",
                2_497_281_664,
                "66358cb18bb6b3b1b6675aa412c7a88ef01d228f481184d13668e5201c730a0a",
            ),
            known(
                "mmproj-Qwen3VL-4B-Instruct-Q8_0.gguf",
                453_974_304,
                "30ba2c7dd3127a4561b6cba9d13d0f711c91bdb38742e2f56d73c8cb596bd06d",
            ),
        ],
    },
    Entry {
        name: "gemma-3-4b",
        repository: "ggml-org/gemma-3-4b-it-GGUF",
        pair: Some(("gemma-3-4b-it-Q4_K_M.gguf", "mmproj-model-f16.gguf")),
        licence: "Gemma Terms of Use",
        notes: "",
        files: &[
            known(
                "gemma-3-4b-it-Q4_K_M.gguf",
                2_489_757_856,
                "882e8d2db44dc554fb0ea5077cb7e4bc49e7342a1f0da57901c0802ea21a0863",
            ),
            known(
                "mmproj-model-f16.gguf",
                851_251_104,
                "8c0fb064b019a6972856aaae2c7e4792858af3ca4561be2dbf649123ba6c40cb",
            ),
        ],
    },
    Entry {
        name: "shieldstral-3b",
        repository: "noctrex/Shieldstral-1.0-3B-GGUF",
        pair: None,
        licence: "Apache-2.0",
        notes: "trained to judge; a community's conversion of Mistral's weights",
        files: &[known(
            "Shieldstral-1.0-3B-Q8_0.gguf",
            3_651_679_008,
            "35b755bed2d473fb3d88f7d1d7b83203bd9f0c1b8bff42624e6fd9231d89d3c4",
        )],
    },
    Entry {
        name: "qwen2.5-vl-7b",
        repository: "ggml-org/Qwen2.5-VL-7B-Instruct-GGUF",
        pair: Some((
            "Qwen2.5-VL-7B-Instruct-Q4_K_M.gguf",
            "mmproj-Qwen2.5-VL-7B-Instruct-Q8_0.gguf",
        )),
        licence: "Apache-2.0",
        notes: "",
        files: &[
            known(
                "Qwen2.5-VL-7B-Instruct-Q4_K_M.gguf",
                4_683_072_032,
                "9258bf05b12686d097ff3b6b18d968ab393649780aa2b3cd67fec43d50554392",
            ),
            known(
                "mmproj-Qwen2.5-VL-7B-Instruct-Q8_0.gguf",
                853_119_712,
                "2ddb555391bae966e412deab9e07b58afa18bcc06930ba0f1c78a3695ab9e506",
            ),
            known(
                "mmproj-Qwen2.5-VL-7B-Instruct-f16.gguf",
                1_354_162_912,
                "c24a7f5fcfc68286f0a217023b6738e73bea4f11787a43e8238d4bb1b8604cde",
            ),
        ],
    },
    Entry {
        name: "qwen3-vl-8b",
        repository: "Qwen/Qwen3-VL-8B-Instruct-GGUF",
        pair: Some(("Qwen3VL-8B-Instruct-Q4_K_M.gguf", "mmproj-Qwen3VL-8B-Instruct-Q8_0.gguf")),
        licence: "Apache-2.0",
        notes: "",
        files: &[
            known(
                "Qwen3VL-8B-Instruct-Q4_K_M.gguf",
                5_027_784_800,
                "67d1659bfe71b89d50b45a4ad1a9e5b997e5bb16ce5da66a6a6167abd569e9e2",
            ),
            known(
                "mmproj-Qwen3VL-8B-Instruct-Q8_0.gguf",
                752_289_728,
                "c6ba85508d82f42590e6eb77d5340369ab6fecf107a7561d809523d8aa5f3bfd",
            ),
        ],
    },
    Entry {
        name: "gemma-3-12b",
        repository: "ggml-org/gemma-3-12b-it-GGUF",
        pair: Some(("gemma-3-12b-it-Q4_K_M.gguf", "mmproj-model-f16.gguf")),
        licence: "Gemma Terms of Use",
        notes: "",
        files: &[
            known(
                "gemma-3-12b-it-Q4_K_M.gguf",
                7_300_574_976,
                "7bb69bff3f48a7b642355d64a90e481182a7794707b3133890646b1efa778ff5",
            ),
            known(
                "mmproj-model-f16.gguf",
                854_200_224,
                "30c02d056410848227001830866e0a269fcc28aaf8ca971bded494003de9f5a5",
            ),
        ],
    },
    Entry {
        name: "pixtral-12b",
        repository: "ggml-org/pixtral-12b-GGUF",
        pair: None,
        licence: "see the card of mistralai/Pixtral-12B-2409",
        notes: "some answers may fail, see docs/models.md",
        files: &[],
    },
];

#[cfg(test)]
mod tests {
    use super::super::{ModelName, choose};
    use super::*;

    #[test]
    fn every_entry_is_a_name_a_repository_and_hashes_that_are_some() {
        let mut names: Vec<&str> = CATALOGUE.iter().map(|entry| entry.name).collect();
        for entry in CATALOGUE {
            let name: ModelName = entry.name.parse().unwrap();
            assert_eq!(name.repository.to_string(), entry.repository);
            assert!(!entry.licence.is_empty());
            for known in entry.files {
                assert!(known.size > 1_000_000, "{}", known.file);
                assert_eq!(known.sha256.len(), 64, "{}", known.file);
                assert!(known.sha256.bytes().all(|b| b"0123456789abcdef".contains(&b)));
            }
        }
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), CATALOGUE.len());
    }

    #[test]
    fn a_pair_is_a_model_and_its_projector() {
        for (model, projector) in CATALOGUE.iter().filter_map(|entry| entry.pair) {
            let chosen = choose([model, projector], None).unwrap();
            assert_eq!(chosen.model, [model]);
            assert_eq!(chosen.projector.as_deref(), Some(projector));
        }
    }
}
