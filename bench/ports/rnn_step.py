"""rnn_step.c in PyTorch: a recurrent cell that is called for each step of a sequence.

The network learns to remember the first number of the sequence."""
import torch
from torch import nn

LENGTH, HIDDEN, BATCH, STEPS = 5, 16, 64, 400


class Rnn(nn.Module):
    def __init__(self):
        super().__init__()
        self.input = nn.Linear(1, HIDDEN)
        self.hidden = nn.Linear(HIDDEN, HIDDEN, bias=False)
        self.out = nn.Linear(HIDDEN, 1)

    def forward(self, x):  # [N,T,1] -> [N,1]
        h = torch.zeros(x.size(0), HIDDEN)
        for x_t in x.unbind(1):  # h = tanh(x_t Wx' + b + h Wh')
            h = torch.tanh(self.input(x_t) + self.hidden(h))
        return self.out(h)


net = Rnn()
optimizer = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9)
mse_loss = nn.MSELoss()
last = 1

for step in range(STEPS):
    x = torch.rand(BATCH, LENGTH, 1)
    loss = mse_loss(net(x), x[:, 0])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    last = 0.9 * last + 0.1 * loss.item()

print(f"loss {last:.4f}; the variance of the target is {1 / 12:.4f}")
assert last < 0.02, f"the loss is {last:.3g}"
