"""The things the pictogram world is made of, and every way a person may name them.

One class is one word of the world: what a caption says, what the vision tower's
patch labels mean, and what the truth of a statement is computed from. The list is
short on purpose: a tiny model that knows 24 things well is a better demo than one
that half knows 60. Drawings that people cannot tell apart at 40 pixels are left out for
the same reason: a boy is, in most sets, the man with a rounder chin, so children are
babies and girls here.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Thing:
    """A class: its caption word, its plural, other names, and its pictograms."""

    name: str
    plural: str
    synonyms: tuple[str, ...]  # singular noun phrases without an article
    art: tuple[tuple[str, tuple[str, ...]], ...]  # (code point, slugs in the iconify sets)
    mass: bool = False  # "blood", "fire": takes no article


def _art(*entries: str) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """`"1f52a kitchen-knife"` -> `("1f52a", ("kitchen-knife",))`."""
    return tuple((e.split()[0], tuple(e.split()[1:])) for e in entries)


THINGS: tuple[Thing, ...] = (
    Thing("man", "men", ("adult man",), _art("1f468 man man-1", "1f474 old-man olderman man-2", "1f468-200d-1f9b0 man-red-hair", "1f468-200d-1f9b1 man-curly-hair", "1f9d4 man-beard person-beard bearded-person")),
    Thing("woman", "women", ("lady",), _art("1f469 woman woman-1", "1f475 old-woman olderwoman woman-2", "1f469-200d-1f9b0 woman-red-hair", "1f469-200d-1f9b1 woman-curly-hair")),
    Thing("child", "children", ("kid", "baby", "young child"), _art("1f476 baby baby-1", "1f467 girl girl-1", "1f476-x baby-2", "1f467-x girl-2")),
    Thing("dog", "dogs", ("puppy",), _art("1f436 dog-face dog", "1f415 dog dogside", "1f9ae guide-dog", "1f415-200d-1f9ba service-dog")),
    Thing("cat", "cats", ("kitten",), _art("1f431 cat-face cat", "1f408 cat catside", "1f408-200d-2b1b black-cat")),
    Thing("knife", "knives", ("kitchen knife", "blade"), _art("1f52a kitchen-knife hocho", "1f5e1 dagger daggerknife")),
    Thing("gun", "guns", ("pistol", "firearm", "handgun"), _art("1f52b pistol water-pistol")),
    Thing("bomb", "bombs", ("explosive",), _art("1f4a3 bomb")),
    Thing("crossed swords", "crossed swords", ("swords",), _art("2694 crossed-swords"), mass=True),
    Thing("fire", "fires", ("flames",), _art("1f525 fire"), mass=True),
    Thing("blood", "drops of blood", ("drop of blood",), _art("1fa78 drop-of-blood"), mass=True),
    Thing("skull", "skulls", ("human skull",), _art("1f480 skull", "2620 skull-and-crossbones blackskullcrossbones black-skull-cross-bones")),
    Thing("syringe", "syringes", ("needle",), _art("1f489 syringe")),
    Thing("pill", "pills", ("tablet", "capsule"), _art("1f48a pill pills")),
    Thing("cigarette", "cigarettes", ("lit cigarette",), _art("1f6ac cigarette smokingsymbol smoking")),
    Thing("beer", "glasses of beer", ("beer", "glass of beer", "beer mug", "bottle of beer"), _art("1f37a beer-mug beermug", "1f37b clinking-beer-mugs clinkingbeermugs"), mass=True),
    Thing("wine", "glasses of wine", ("glass of wine", "wine glass", "bottle of wine"), _art("1f377 wine-glass wineglass red-wine-glass"), mass=True),
    Thing("car", "cars", ("automobile", "vehicle"), _art("1f697 automobile", "1f699 sport-utility-vehicle recreationalvehicle", "1f695 taxi", "1f693 police-car policecar")),
    Thing("house", "houses", ("home",), _art("1f3e0 house housebuilding", "1f3e1 house-with-garden housewithgarden")),
    Thing("tree", "trees", ("leafy tree",), _art("1f333 deciduous-tree deciduoustree", "1f332 evergreen-tree evergreentree", "1f334 palm-tree palmtree")),
    Thing("flower", "flowers", ("blossom",), _art("1f33b sunflower sunflower-1", "1f337 tulip", "1f33a hibiscus", "1f338 cherry-blossom cherryblossom", "1f339 rose")),
    Thing("apple", "apples", ("red apple",), _art("1f34e red-apple redapple", "1f34f green-apple greenapple")),
    Thing("ball", "balls", ("football",), _art("26bd soccer-ball soccerball", "1f3c0 basketball basketballandhoop")),
    Thing("cake", "cakes", ("birthday cake",), _art("1f382 birthday-cake birthdaycake birthday-cake-1", "1f382-x birthday-cake-2", "1f382-y birthday-cake-3")),
)

NAMES: tuple[str, ...] = tuple(t.name for t in THINGS)
INDEX: dict[str, int] = {t.name: i for i, t in enumerate(THINGS)}

# A hypernym is true when any of its members is in the scene.
HYPERNYMS: dict[str, tuple[str, ...]] = {
    "person": ("man", "woman", "child"),
    "adult": ("man", "woman"),
    "animal": ("dog", "cat"),
    "weapon": ("knife", "gun", "bomb", "crossed swords"),
    "alcohol": ("beer", "wine"),
    "drug": ("syringe", "pill"),
    "plant": ("tree", "flower"),
}

# What rules are about; the figures of the model card average over these.
POLICY: tuple[str, ...] = (
    "child", "knife", "gun", "bomb", "crossed swords", "fire", "blood", "skull",
    "syringe", "pill", "cigarette", "beer", "wine",
)
