"""softmax.c in PyTorch: a softmax classifier, a training and a test set, accuracy."""
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, random_split

POINTS, TEST, EPOCHS = 600, 120, 5


def train(net, optimizer, loader):
    cross_entropy = nn.CrossEntropyLoss()
    for inputs, targets in loader:
        loss = cross_entropy(net(inputs), targets)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


@torch.no_grad()
def accuracy(net, loader):
    right = 0
    for inputs, targets in loader:
        guess = net(inputs).argmax(1)
        right += (guess == targets).sum().item()
    return right / len(loader.dataset)


label = torch.arange(POINTS) % 3
angle = label.float() * 2.0944  # a third of a turn
center = torch.stack((torch.cos(angle), torch.sin(angle)), 1)
x = center + torch.randn(POINTS, 2) * 0.2
train_set, test_set = random_split(TensorDataset(x, label), [POINTS - TEST, TEST],
                                   generator=torch.Generator().manual_seed(1))
net = nn.Linear(2, 3)
optimizer = torch.optim.SGD(net.parameters(), lr=0.5)
loader = DataLoader(train_set, batch_size=32, shuffle=True)

for epoch in range(EPOCHS):
    train(net, optimizer, loader)

test = accuracy(net, DataLoader(test_set, batch_size=60))
print(f"test accuracy {test:.3f}")
assert test > 0.95, f"the accuracy is {test:.3f}"
