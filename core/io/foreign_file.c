/* foreign_file.c - the table of formats that people give as weights: how their first bytes look,
 * and what makes a safetensors file of them. safetensors_header.c asks it about a file that it
 * refuses. It reads no file. */
#include <stdbool.h>
#include <string.h>
#include "foreign_file.h"

#define CONVERT "to convert it: python3 -c \""
#define NUMPY "from safetensors.numpy import save_file; "
#define TORCH                                                                                 \
    CONVERT "import torch; from safetensors.torch import save_file; d = torch.load('in.pt', " \
            "map_location='cpu'); save_file({k: v.clone() for k, v in d.items()}, "           \
            "'out.safetensors')\" (in.pt must hold a state_dict)"

/* Returns where the text is in the bytes, or -1. */
static long find(const uint8_t *head, size_t n, const char *text)
{
    const uint8_t *at = memmem(head, n, text, strlen(text));

    return at != NULL ? (long)(at - head) : -1;
}

/* A zip archive begins with the local header of a member: "PK" 3 4, and its name from byte 30. */
static bool is_zip_with(const uint8_t *head, size_t n, const char *name)
{
    return n > 30 && memcmp(head, "PK\3\4", 4) == 0 && find(head + 30, n - 30, name) >= 0;
}

static bool is_torch_zip(const uint8_t *head, size_t n)
{
    return is_zip_with(head, n, "data.pkl");
}

static bool is_npz(const uint8_t *head, size_t n)
{
    return is_zip_with(head, n, ".npy");
}

static bool is_keras_zip(const uint8_t *head, size_t n)
{
    return is_zip_with(head, n, "metadata.json") || is_zip_with(head, n, "model.weights.h5");
}

/* torch.save before PyTorch 1.6: a pickle of the number 0x1950a86a20f9469cfc6c. */
static bool is_old_torch(const uint8_t *head, size_t n)
{
    return n >= 14 && head[0] == 0x80 &&
           memcmp(head + 2, "\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19", 12) == 0;
}

/* Protocols 2 to 5 begin with the opcode PROTO and their number. */
static bool is_pickle(const uint8_t *head, size_t n)
{
    return n >= 2 && head[0] == 0x80 && head[1] >= 2 && head[1] <= 5;
}

/* A ModelProto of protobuf: field 1 (ir_version, a varint above 1), then one of the fields 2 to 8,
 * each with a length. */
static bool is_onnx(const uint8_t *head, size_t n)
{
    return n >= 3 && head[0] == 0x08 && head[1] > 1 && head[1] < 32 && (head[2] & 7) == 2 &&
           head[2] >> 3 >= 2 && head[2] >> 3 <= 8;
}

/* The same of a SavedModel: field 1 is 1, then field 2. */
static bool is_saved_model(const uint8_t *head, size_t n)
{
    return n >= 3 && memcmp(head, "\x08\x01\x12", 3) == 0;
}

static bool is_tar(const uint8_t *head, size_t n)
{
    return n >= 262 && memcmp(head + 257, "ustar", 5) == 0;
}

/* UTF-8 without control characters, and at least one character. The last one may be cut. */
static bool is_text(const uint8_t *head, size_t n)
{
    int more = 0; /* bytes that continue the character */

    for (size_t i = 0; i < n; i++) {
        uint8_t b = head[i];

        if (more > 0 ? (b & 0xc0) != 0x80 : b == 127 || (b >= 0x80 && (b < 0xc2 || b > 0xf4))) {
            return false;
        }
        if (more == 0 && b < ' ' && (b < '\t' || b > '\r')) {
            return false;
        }
        more = more > 0 ? more - 1 : b < 0x80 ? 0 : b < 0xe0 ? 1 : b < 0xf0 ? 2 : 3;
    }
    return n > 0;
}

static bool begins_with(const uint8_t *head, size_t n, const char *characters)
{
    size_t i = 0;

    while (i < n && (head[i] == ' ' || (head[i] >= '\t' && head[i] <= '\r'))) {
        i++;
    }
    return i < n && is_text(head, n) && strchr(characters, head[i]) != NULL && head[i] != 0;
}

static bool is_index(const uint8_t *head, size_t n)
{
    return begins_with(head, n, "{") && find(head, n, ".safetensors\"") >= 0;
}

static bool is_json(const uint8_t *head, size_t n)
{
    return begins_with(head, n, "{[");
}

static bool is_markup(const uint8_t *head, size_t n)
{
    return begins_with(head, n, "<");
}

/* The first row that fits counts. */
static const struct row {
    const char *magic;                           /* the first bytes, or NULL */
    bool (*fits)(const uint8_t *head, size_t n); /* where magic is NULL */
    dnn__foreign format;
} rows[] = {
    {NULL, is_torch_zip, {"a PyTorch file (.pt, .pth)", TORCH}},
    {NULL, is_old_torch, {"a PyTorch file of the old format (.pt, .pth)", TORCH}},
    {NULL,
     is_npz,
     {"a NumPy archive (.npz)",
      CONVERT "import numpy; " NUMPY "save_file(dict(numpy.load('in.npz')), 'out.safetensors')\""}},
    {"\x93NUMPY",
     NULL,
     {"a NumPy array (.npy)",
      CONVERT "import numpy; " NUMPY "save_file({'weight': numpy.load('in.npy')}, "
              "'out.safetensors')\", with the name of the parameter "
              "for weight"}},
    {NULL,
     is_keras_zip,
     {"a Keras file (.keras)", "unzip it, then convert its model.weights.h5, which is HDF5"}},
    {"PK\3\4", NULL, {"a zip archive", "unzip it and give the safetensors file in it"}},
    {NULL,
     is_pickle,
     {"a Python pickle (.pkl)",
      "if it holds a dict of NumPy arrays, " CONVERT "import pickle; " NUMPY
      "save_file(pickle.load(open('in.pkl', 'rb')), 'out.safetensors')\""}},
    {"\x89HDF\r\n\x1a\n",
     NULL,
     {"an HDF5 file (.h5, Keras)",
      CONVERT "import h5py; " NUMPY
              "d = {}; h5py.File('in.h5').visititems(lambda n, o: d.update({n: o[()]}) if "
              "isinstance(o, h5py.Dataset) else None); save_file(d, 'out.safetensors')\""}},
    {"GGUF", NULL, {"a GGUF file", "get the safetensors files that it was made of"}},
    {NULL,
     is_onnx,
     {"an ONNX model (.onnx)",
      CONVERT "import onnx; from onnx.numpy_helper import to_array; " NUMPY
              "save_file({t.name: to_array(t) for t in onnx.load('in.onnx').graph.initializer}, "
              "'out.safetensors')\""}},
    {NULL,
     is_saved_model,
     {"a TensorFlow SavedModel (.pb)", "load it in TensorFlow and save its variables with "
                                       "safetensors.tensorflow.save_file"}},
    {"\x1f\x8b", NULL, {"a gzip file", "unpack it first: gunzip"}},
    {"BZh", NULL, {"a bzip2 file", "unpack it first: bunzip2"}},
    {"\xfd"
     "7zXZ",
     NULL,
     {"an xz file", "unpack it first: unxz"}},
    {"\x28\xb5\x2f\xfd", NULL, {"a Zstandard file", "unpack it first: unzstd"}},
    {NULL, is_tar, {"a tar archive", "unpack it and give the safetensors file in it"}},
    {"version https://git-lfs",
     NULL,
     {"a pointer of git-lfs, not the file itself", "get the file: git lfs pull"}},
    {NULL,
     is_index,
     {"an index of several safetensors files", "load each of the files that it names"}},
    {NULL,
     is_markup,
     {"an HTML or XML page", "the download went wrong: open the address in a browser"}},
    {NULL, is_json, {"a JSON text", "the download went wrong if the text is an error"}},
    {NULL, is_text, {"a text", "the download went wrong if the text is an error"}},
};

const dnn__foreign *dnn__foreign_format(const uint8_t *head, size_t n)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct row *row = &rows[i];
        size_t length = row->magic != NULL ? strlen(row->magic) : 0;

        if (row->magic != NULL ? n >= length && memcmp(head, row->magic, length) == 0
                               : row->fits(head, n)) {
            return &row->format;
        }
    }
    return NULL;
}
