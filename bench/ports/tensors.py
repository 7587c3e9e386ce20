"""tensors.c in PyTorch: values, operators, broadcasting, views, backward."""
import torch

a = torch.tensor([[1.0, 2, 3], [4, 5, 6]])
x = torch.tensor([1.0, 2, 3])
scaled = a * 2 + x  # x broadcasts over the rows
product = a @ x     # [2] = 14, 32
corner = a[-1, 1:]  # [2] = 5, 6: a view of a

print(scaled)
print(product)
corner.zero_()
assert product.sum() == 46 and a.sum() == 10, "the product or the view is wrong"

x.requires_grad_(True)
y = (x ** 3).sum()
y.backward()  # dy/dx = 3 x^2
print(x.grad)
assert x.grad.tolist() == [3, 12, 27], "dy/dx is wrong"
