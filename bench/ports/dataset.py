"""dataset.c in PyTorch: a data set of the program, two transforms over it, and a loader with workers."""
import torch
from torch.utils.data import DataLoader, Dataset


class Numbers(Dataset):
    """Sample i: the input [2] = i, 2 i and the target i mod 10."""

    def __init__(self, size, transforms):
        self.size = size
        self.transforms = transforms

    def __len__(self):
        return self.size

    def __getitem__(self, i):
        x = torch.tensor([float(i), 2.0 * i])
        for transform in self.transforms:
            x = transform(x)
        return x, torch.tensor(i % 10)


class AddOffset:
    def __init__(self, offset):
        self.offset = offset

    def __call__(self, x):
        return x + self.offset


def halve(x):
    return x / 2


def main():
    loader = DataLoader(Numbers(100, [halve, AddOffset(1)]), batch_size=32, shuffle=True, num_workers=2)
    samples, total, labels = 0, 0, 0

    for index, (inputs, targets) in enumerate(loader):
        print(f"batch {index}: {list(inputs.shape)}")
        samples += len(inputs)
        total += inputs.sum().item()
        labels += targets.sum().item()

    # The sum over i of i/2 + 1 + i + 1 is 1.5 * 4950 + 200.
    assert samples == 100 and total == 7625 and labels == 450, f"{samples} samples, sum {total:.1f}"


if __name__ == "__main__":  # the workers import this file
    main()
