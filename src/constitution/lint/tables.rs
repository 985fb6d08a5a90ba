//! The words that are flagged, in groups, each with the question that leads to a better rule.
//!
//! A word is here when it is seldom innocent in a rule about images: a lint that cries wolf is worse
//! than none. Where it is innocent in a certain phrase, the phrase stands under `INNOCENT`.

/// Words that are flagged for one reason.
pub(super) struct Group {
    /// What is asked of whoever wrote one of them, or what it is that one of them names; short,
    /// since it stands below the word.
    pub(super) ask: &'static str,
    /// What to do about it.
    pub(super) hint: &'static str,
    /// What may be written instead.
    pub(super) instead: Instead,
    /// The phrases, in lower case; `*` at the end of a word stands for any ending.
    pub(super) words: &'static [&'static str],
}

/// What may be written in a word's place.
#[derive(Clone, Copy)]
pub(super) enum Instead {
    /// That is up to the author.
    Nothing,
    /// Nothing at all: without it the sentence says what is to be seen.
    LeaveOut,
    /// Other words, one for each of the group's.
    Write(&'static [&'static str]),
}

/// Words that need an opinion.
#[rustfmt::skip]
pub(super) const SUBJECTIVE: &[Group] = &[
    Group {
        ask: "what has this effect?",
        hint: "name what has the effect, such as an open wound",
        instead: Instead::LeaveOut,
        words: &["shocking", "disturbing", "gruesome", "graphic", "gory", "horrific", "horrifying", "horrible", "scary", "frightening", "terrifying", "repulsive", "disgusting", "upsetting", "distressing", "traumatic", "traumatizing", "traumatising", "unsettling", "grotesque", "macabre", "creepy", "gratuitous"],
    },
    Group {
        ask: "which pose, act or part?",
        hint: "name the pose, the act or the bare part of the body, with a number where one helps",
        instead: Instead::Nothing,
        words: &["suggestive", "suggestively", "sexually suggestive", "provocative", "provocatively", "seductive", "seductively", "sexualized", "sexualised", "sexualizes", "sexualises", "sexualizing", "sexualising", "sexy", "erotic", "erotically", "lewd", "obscene", "obscenity", "indecent", "indecently", "indecency", "vulgar", "vulgarity", "explicit", "explicitly", "sexually explicit", "risqué", "racy", "revealing", "scantily clad", "scantily dressed", "accentuat*", "pornographic", "pornography", "lascivious", "sensual", "intimate", "intimacy"],
    },
    Group {
        ask: "by whose standard?",
        hint: "name the things or acts that you mean by it",
        instead: Instead::Nothing,
        words: &["inappropriate", "inappropriately", "appropriate", "appropriately", "improper", "improperly", "unacceptable", "acceptable", "unsuitable", "suitable", "harmful", "dangerous", "dangerously", "unsafe", "risky", "immoral", "unethical", "bad taste", "tasteless", "questionable", "problematic", "objectionable", "undesirable", "disrespectful", "disrespect", "respectful", "reckless", "recklessly", "irresponsible", "unhealthy", "controversial", "sensitive"],
    },
    Group {
        ask: "which sign, gesture or act?",
        hint: "name the signs, gestures, texts or acts that count",
        instead: Instead::Nothing,
        words: &["offensive", "offensively", "insulting", "degrading", "demeaning", "humiliating", "hateful", "hostile", "threatening", "threateningly", "menacing", "menacingly", "aggressive", "aggressively", "abusive", "derogatory", "discriminatory", "racist", "sexist", "intimidating", "cruel", "cruelly", "cruelty", "extremist"],
    },
    Group {
        ask: "more than what?",
        hint: "give a measure, or leave the word out",
        instead: Instead::LeaveOut,
        words: &["excessive", "excessively", "extreme", "extremely", "unnecessary", "unnecessarily", "reasonable", "unreasonable", "unusual", "unusually", "serious", "seriously", "severe", "severely", "significant", "significantly", "undue", "unduly"],
    },
    Group {
        ask: "seen or not?",
        hint: "name what is seen that makes one think so",
        instead: Instead::Nothing,
        words: &["appear to", "appears to", "appearing to", "appear likely", "appears likely", "seem", "seems", "seem to", "seems to", "seem likely", "seems likely", "seem likely to", "seems likely to", "seeming", "seemingly", "likely", "likely to", "unlikely", "unlikely to", "probably", "possibly", "apparently", "presumably"],
    },
    Group {
        ask: "which of many things?",
        hint: "name those that count, such as a punch, a gunshot or a cut",
        instead: Instead::Nothing,
        words: &["violence", "violent", "violently", "sexual content", "adult content", "violent content", "hateful content", "harmful content", "nudity", "abuse", "abuses", "abused", "harassment", "bullying", "hate", "hatred", "extremism", "terrorism", "gore", "profanity", "discrimination", "misconduct", "self-harm"],
    },
];

/// Quantities without a number.
#[rustfmt::skip]
pub(super) const VAGUE: &[Group] = &[
    Group {
        ask: "how many?",
        hint: "choose a number",
        instead: Instead::Write(&["more than five", "three or more", "two or three", "three or more", "more than five"]),
        words: &["many", "several", "a few", "a number of", "numerous"],
    },
    Group {
        ask: "how much?",
        hint: "choose a number, or name the part that has to be seen",
        instead: Instead::Nothing,
        words: &["few", "a lot of", "lots of", "plenty of", "a large number of", "large numbers of", "a large amount of", "large amounts of", "a large quantity of", "large quantities of", "a small amount of", "small amounts of", "a great deal of", "much", "extensive", "extensively", "a large part of", "large parts of"],
    },
    Group {
        ask: "how much?",
        hint: "name the part that has to be seen",
        instead: Instead::Nothing,
        words: &["heavily", "slightly", "mostly", "almost", "nearly", "barely", "hardly"],
    },
    Group {
        ask: "how large?",
        hint: "compare it with a thing in the picture, such as `longer than a hand`",
        instead: Instead::Nothing,
        words: &["large", "big", "huge", "enormous", "massive", "small", "tiny", "oversized"],
    },
    Group {
        ask: "how near?",
        hint: "write `touching`, `within arm's reach` or `in the same picture`",
        instead: Instead::Nothing,
        words: &["near", "nearby", "close to", "close together", "in the vicinity of", "in close proximity to", "in the proximity of", "far from", "far away"],
    },
    Group {
        ask: "how old do they look?",
        hint: "write `a child` or `an adult`",
        instead: Instead::Nothing,
        words: &["young", "very young", "youthful", "elderly"],
    },
];

/// What an image can't show.
#[rustfmt::skip]
pub(super) const NOT_VISIBLE: &[Group] = &[
    Group {
        ask: "a purpose",
        hint: "write what the person does, holds or points at",
        instead: Instead::Nothing,
        words: &["intent", "intents", "the intent to", "with the intent to", "with the intention of", "with the intention to", "intention*", "intend", "intends", "intended", "intended to", "intending to", "deliberate", "deliberately", "on purpose", "for the purpose of", "purpose", "purposes", "in order to", "aim to", "aims to", "aiming to", "meant to", "meant for", "designed to", "attempt to", "attempts to", "attempting to", "try to", "tries to", "trying to", "accidental", "accidentally"],
    },
    Group {
        ask: "an effect on the viewer",
        hint: "write which scene, text or sign has it",
        instead: Instead::Nothing,
        words: &["promot*", "glorif*", "encourag*", "incite", "incites", "inciting", "incitement", "endors*", "advocat*", "normaliz*", "normalis*", "trivializ*", "trivialis*", "praise", "praises", "praising", "condon*", "glamoriz*", "glamouris*", "romanticiz*", "romanticis*", "legitimiz*", "legitimis*", "in favour of", "in favor of"],
    },
    Group {
        ask: "consent",
        hint: "write which gesture, restraint or face shows it",
        instead: Instead::Nothing,
        words: &["consent", "consents", "consensual", "non-consensual", "nonconsensual", "without consent", "without their consent", "without permission", "permission", "authorized", "authorised", "unauthorized", "unauthorised", "voluntar*", "involuntar*", "against their will", "against his will", "against her will", "unwilling", "unwillingly", "willingly", "coerc*"],
    },
    Group {
        ask: "the law",
        hint: "write which things or acts are meant",
        instead: Instead::Nothing,
        words: &["illegal", "illegally", "unlawful", "unlawfully", "lawful", "legally", "illicit", "criminal", "criminals", "crime", "crimes", "licensed", "unlicensed", "contraband", "copyrighted", "trademarked", "pirated"],
    },
    Group {
        ask: "a thing's history",
        hint: "write which thing is seen, and where",
        instead: Instead::Nothing,
        words: &["stolen", "counterfeit*", "forged", "fake", "belongs to", "belong to", "belonging to", "owned by", "owner"],
    },
    Group {
        ask: "an age in years",
        hint: "write how they look",
        instead: Instead::Write(&["children"]),
        words: &["minors"],
    },
    Group {
        ask: "an age in years",
        hint: "write how they look, such as `a child`",
        instead: Instead::Nothing,
        words: &["underage", "under-age", "under the age of", "over the age of", "years old", "years of age", "legal age"],
    },
    Group {
        ask: "a sound or a smell",
        hint: "write what is seen that makes it",
        instead: Instead::Nothing,
        words: &["smell", "smells", "smelly", "odour", "odours", "odor", "odors", "noise", "noises", "noisy", "loud", "loudly", "audible", "sound of", "sounds of", "taste of"],
    },
    Group {
        ask: "who somebody is",
        hint: "write which badge, flag, text or uniform shows it",
        instead: Instead::Nothing,
        words: &["named", "celebrity", "celebrities", "famous", "public figure", "public figures", "politician", "politicians", "real person", "real people", "identity", "nationality", "immigrant", "immigrants", "protected group", "protected groups", "sexual orientation", "ethnicity", "their race", "their religion", "religious beliefs"],
    },
    Group {
        ask: "a thought or a feeling",
        hint: "write which face, gesture or pose shows it",
        instead: Instead::Nothing,
        words: &["think", "thinks", "thinking", "thought", "thoughts", "believe", "believes", "feel", "feels", "feeling", "feelings", "enjoy*", "want to", "wants to", "know that", "knows that", "aware of", "unaware"],
    },
    Group {
        ask: "not this moment",
        hint: "write what is seen at this moment",
        instead: Instead::Nothing,
        words: &["imminent", "imminently", "about to", "soon", "later", "previously", "recently", "in the past", "in the future", "repeatedly", "regularly", "often", "frequently", "long-term", "history of", "will", "would", "could", "might", "lead to", "leads to", "result in", "results in", "afterwards", "before being", "after being", "after having", "no longer", "eventually"],
    },
    Group {
        ask: "known only from elsewhere",
        hint: "write which text, sign or thing is seen",
        instead: Instead::Nothing,
        words: &["misleading", "mislead", "misleads", "false", "falsely", "untrue", "misinformation", "disinformation", "deceptive", "deceptively", "deception", "deceiv*", "scam", "scams", "fraud*", "propaganda", "unproven", "unapproved", "untested", "spam", "unsolicited", "confidential", "private information", "fabricated", "manipulated", "deepfake*", "ai-generated", "conspiracy", "conspiracies"],
    },
    Group {
        ask: "a reason",
        hint: "write what of it is seen",
        instead: Instead::Nothing,
        words: &["because", "because of", "due to", "motivated by", "based on their", "in response to", "for the sake of"],
    },
];

/// What is said of an exception.
pub(super) const EXCEPTIONS: &[&str] = &[
    "unless",
    "except",
    "except for",
    "except when",
    "except if",
    "excepting",
    "with the exception of",
    "other than",
    "but not",
    "but not if",
    "but not when",
    "but for",
    "excluding",
    "not including",
    "save for",
    "as long as",
    "so long as",
    "provided that",
    "only if",
    "only when",
    "may only",
    "must only",
    "if not",
    "aside from",
    "apart from",
];

/// What something missing is said by.
pub(super) const ABSENT: &[&str] = &[
    "without",
    "without any",
    "with no",
    "not wearing",
    "not covered",
    "not fully covered",
    "not completely covered",
    "not entirely covered",
    "not covered by",
    "not dressed",
    "not fully dressed",
    "not clothed",
    "not fully clothed",
    "not holding",
    "not carrying",
    "not using",
    "wear no",
    "wears no",
    "wearing no",
    "has no",
    "have no",
    "having no",
    "lacking",
    "lack of",
    "absence of",
    "unsupervised",
    "unattended",
    "unaccompanied",
];

/// Phrases in which a flagged word means no harm.
#[rustfmt::skip]
pub(super) const INNOCENT: &[&str] = &[
    "graphic design*", "graphic novel*", "graphic tee*", "extreme sport*", "severe weather",
    "revealing a", "revealing an", "revealing the", "revealing their", "revealing his", "revealing her",
    "threatening a", "threatening an", "threatening the", "threatening another", "threatening someone", "threatening somebody", "threatening people", "threatening them",
    "light sensitive", "sensitive plant*", "adult content label",
    "as many as", "as much as", "as few as", "large intestine*", "small intestine*", "big toe*", "big cat", "big cats", "small of", "near death",
    "false teeth", "false tooth", "false nail*", "false eyelash*", "fake blood", "fake teeth", "fake nail*", "fake eyelash*", "later life",
    "as long as a", "as long as an", "as long as the", "apart from each", "apart from one",
    "identity card*", "identity document*", "identity papers", "crime scene*", "promotional", "forged iron", "forged steel",
    "with or without", "without exception", "without consent", "without their consent", "without his consent", "without her consent", "without permission", "without authorization", "without authorisation", "whether or not",
];

/// After these a word is what is said, and not a colour of the next one: it can't be left out.
#[rustfmt::skip]
pub(super) const SAID: &[&str] = &[
    "is", "are", "be", "being", "appear", "appears", "look", "looks", "seem", "seems", "too", "so",
    "very", "more", "most", "less", "and", "or", "as", "not", "how",
];

/// Before these nothing is left to be coloured, or too little to be a rule.
#[rustfmt::skip]
pub(super) const EMPTY: &[&str] = &[
    "and", "or", "that", "which", "who", "if", "when", "in", "on", "at", "by", "to", "with", "of",
    "for", "must", "may", "should", "is", "are", "content", "image", "images", "imagery", "picture",
    "pictures", "photo", "photos", "material", "thing", "things", "way", "manner", "act", "acts",
    "behaviour", "behavior", "context", "scene", "scenes", "nature",
];
