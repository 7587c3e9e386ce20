/* cifar100.c - the reader of CIFAR-100 in its binary form: the .tar.gz, the .tar, or train.bin and
 * test.bin. This file describes the set; cifar.c reads it. */
#include "cifar.h"

static const char *const coarse_names[] = {"aquatic_mammals",
                                           "fish",
                                           "flowers",
                                           "food_containers",
                                           "fruit_and_vegetables",
                                           "household_electrical_devices",
                                           "household_furniture",
                                           "insects",
                                           "large_carnivores",
                                           "large_man-made_outdoor_things",
                                           "large_natural_outdoor_scenes",
                                           "large_omnivores_and_herbivores",
                                           "medium_mammals",
                                           "non-insect_invertebrates",
                                           "people",
                                           "reptiles",
                                           "small_mammals",
                                           "trees",
                                           "vehicles_1",
                                           "vehicles_2",
                                           NULL};
/* clang-format off */
static const char *const fine_names[] = {
    "apple", "aquarium_fish", "baby", "bear", "beaver", "bed", "bee", "beetle", "bicycle",
    "bottle", "bowl", "boy", "bridge", "bus", "butterfly", "camel", "can", "castle",
    "caterpillar", "cattle", "chair", "chimpanzee", "clock", "cloud", "cockroach", "couch",
    "crab", "crocodile", "cup", "dinosaur", "dolphin", "elephant", "flatfish", "forest", "fox",
    "girl", "hamster", "house", "kangaroo", "keyboard", "lamp", "lawn_mower", "leopard", "lion",
    "lizard", "lobster", "man", "maple_tree", "motorcycle", "mountain", "mouse", "mushroom",
    "oak_tree", "orange", "orchid", "otter", "palm_tree", "pear", "pickup_truck", "pine_tree",
    "plain", "plate", "poppy", "porcupine", "possum", "rabbit", "raccoon", "ray", "road",
    "rocket", "rose", "sea", "seal", "shark", "shrew", "skunk", "skyscraper", "snail", "snake",
    "spider", "squirrel", "streetcar", "sunflower", "sweet_pepper", "table", "tank", "telephone",
    "television", "tiger", "tractor", "train", "trout", "tulip", "turtle", "wardrobe", "whale",
    "willow_tree", "wolf", "woman", "worm", NULL};
/* clang-format on */
_Static_assert(sizeof coarse_names / sizeof coarse_names[0] == 20 + 1, "the coarse classes");
_Static_assert(sizeof fine_names / sizeof fine_names[0] == 100 + 1, "the fine classes");

/* Other sets also have files called train.bin and test.bin, so the bid by these names is lower than
 * that of CIFAR-10. */
const cifar_set dnn__cifar = {
    .id = "cifar100",
    .title = "CIFAR-100",
    .options = "there are \"records=any\", \"label=fine\" (as without it), \"label=coarse\" and "
               "\"label=both\"",
    .folder_name = "cifar-100-binary",
    .archive_names = {"cifar-100-binary.tar.gz", "cifar-100-binary.tar"},
    .python_folder = "cifar-100-python",
    .python_archive = "cifar-100-python.tar.gz",
    .n_files = 2,
    .file_names = {"train.bin", "test.bin"},
    .published = {50000, 10000},
    .n_labels = 2,
    .label = {{"coarse", "coarse_label", "coarse_label_names.txt", coarse_names, 20},
              {"fine", "label", "fine_label_names.txt", fine_names, 100}},
    .archive_bytes = 168513733,
    .archive_md5 = {0x03, 0xb5, 0xdc, 0xe0, 0x19, 0x13, 0xd6, 0x31, 0x64, 0x7c, 0x71, 0xec, 0xec,
                    0x9e, 0x9c, 0xb8},
    .member_bid = 80,
};

CIFAR_READER("cifar100")
