import torch
from torch import nn


class Net(nn.Module):
    """A small CNN with batch normalisation, whose counter is an integer buffer."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 4, 3, padding=1)
        self.norm = nn.BatchNorm2d(4)
        self.head = nn.Linear(4, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(torch.relu(self.norm(self.conv(x))).mean(dim=(2, 3)))


def load_data(seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """64 random images of 8 × 8; those of class 1 are brighter."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.randint(0, 2, (64,), generator=generator)
    return torch.randn(64, 1, 8, 8, generator=generator) + 2.0 * labels[:, None, None, None], labels


def train(net: Net, images: torch.Tensor, labels: torch.Tensor, epochs: int) -> float:
    optimiser = torch.optim.Adam(net.parameters(), lr=0.05)
    net.train()
    loss = torch.tensor(0.0)
    for _ in range(epochs):
        optimiser.zero_grad()
        loss = nn.functional.cross_entropy(net(images), labels)
        loss.backward()
        optimiser.step()
    return loss.item()


def test(net: Net, images: torch.Tensor, labels: torch.Tensor) -> tuple[float, float]:
    net.eval()
    with torch.no_grad():
        output = net(images)
    return nn.functional.cross_entropy(output, labels).item(), (output.argmax(1) == labels).float().mean().item()
