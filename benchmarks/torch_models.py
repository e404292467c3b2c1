"""The named models in PyTorch, with the parameter names that apus writes: a checkpoint's tensors load
with load_state_dict as they are. Where the literature has a usual implementation, names are its:
torchvision's residual networks and VGG, nanoGPT's transformer."""
import torch
from torch import nn
from torch.nn import functional


class BasicBlock(nn.Module):
    """Two 3x3 convolutions beside a shortcut."""

    def __init__(self, inputs, channels, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, channels, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)
        self.downsample = None
        if stride != 1 or inputs != channels:
            self.downsample = nn.Sequential(
                nn.Conv2d(inputs, channels, 1, stride, bias=False), nn.BatchNorm2d(channels))

    def forward(self, x):
        beside = x if self.downsample is None else self.downsample(x)
        x = functional.relu(self.bn1(self.conv1(x)))
        return functional.relu(self.bn2(self.conv2(x)) + beside)


class ResNet(nn.Module):
    """The form for small pictures."""

    def __init__(self, stages, blocks, classes):
        super().__init__()
        self.conv1 = nn.Conv2d(3, stages[0], 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(stages[0])
        self.count = len(stages)
        inputs = stages[0]
        for number, channels in enumerate(stages):
            layers = []
            for block in range(blocks):
                stride = 2 if block == 0 and number > 0 else 1
                layers.append(BasicBlock(inputs, channels, stride))
                inputs = channels
            setattr(self, f"layer{number + 1}", nn.Sequential(*layers))
        self.fc = nn.Linear(inputs, classes)

    def forward(self, x):
        x = functional.relu(self.bn1(self.conv1(x)))
        for number in range(self.count):
            x = getattr(self, f"layer{number + 1}")(x)
        return self.fc(x.mean((2, 3)))


class VGG(nn.Module):
    """Eleven layers with batch normalisation, one dense layer."""

    def __init__(self, classes):
        super().__init__()
        layers, inputs = [], 3
        for channels in [64, 0, 128, 0, 256, 256, 0, 512, 512, 0, 512, 512, 0]:
            if channels == 0:
                layers.append(nn.MaxPool2d(2))
            else:
                layers += [
                    nn.Conv2d(inputs, channels, 3, padding=1), nn.BatchNorm2d(channels), nn.ReLU()]
                inputs = channels
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Linear(512, classes)

    def forward(self, x):
        return self.classifier(self.features(x).flatten(1))


class Attention(nn.Module):
    """Causal self-attention; PyTorch's fused kernel."""

    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.c_attn = nn.Linear(width, 3 * width)
        self.c_proj = nn.Linear(width, width)

    def forward(self, x):
        batch, length, width = x.shape
        q, k, v = (
            part.view(batch, length, self.heads, width // self.heads).transpose(1, 2)
            for part in self.c_attn(x).split(width, 2))
        y = functional.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.c_proj(y.transpose(1, 2).reshape(batch, length, width))


class Block(nn.Module):
    """Attention and a perceptron, each normalised before and added to its input."""

    def __init__(self, width, heads):
        super().__init__()
        self.ln_1, self.attn = nn.LayerNorm(width), Attention(width, heads)
        self.ln_2 = nn.LayerNorm(width)
        self.mlp = nn.ModuleDict(
            {"c_fc": nn.Linear(width, 4 * width), "c_proj": nn.Linear(4 * width, width)})

    def forward(self, x):
        x = x + self.attn(self.ln_1(x))
        hidden = functional.gelu(self.mlp["c_fc"](self.ln_2(x)))
        return x + self.mlp["c_proj"](hidden)


class GPT(nn.Module):
    """A transformer with learnt positions."""

    def __init__(self, symbols, length, layers=4, width=128, heads=4):
        super().__init__()
        self.transformer = nn.ModuleDict({
            "wte": nn.Embedding(symbols, width), "wpe": nn.Embedding(length, width),
            "h": nn.ModuleList(Block(width, heads) for _ in range(layers)),
            "ln_f": nn.LayerNorm(width)})
        self.lm_head = nn.Linear(width, symbols, bias=False)

    def forward(self, tokens):
        places = torch.arange(tokens.shape[1], device=tokens.device)
        x = self.transformer["wte"](tokens) + self.transformer["wpe"](places)
        for block in self.transformer["h"]:
            x = block(x)
        return self.lm_head(self.transformer["ln_f"](x))


class Recurrent(nn.Module):
    """Embedding, a recurrent layer, a dense layer."""

    def __init__(self, kind, symbols, width=128):
        super().__init__()
        self.embedding = nn.Embedding(symbols, width)
        self.kind = kind
        setattr(self, kind, (nn.LSTM if kind == "lstm" else nn.GRU)(width, width, batch_first=True))
        self.head = nn.Linear(width, symbols)

    def forward(self, tokens):
        return self.head(getattr(self, self.kind)(self.embedding(tokens))[0])


class MatrixFactorization(nn.Module):
    """A rating from the dot product of a user's and an item's vectors, and their biases."""

    def __init__(self, users, items, width=32):
        super().__init__()
        self.users, self.items = nn.Embedding(users, width), nn.Embedding(items, width)
        self.user_bias, self.item_bias = nn.Embedding(users, 1), nn.Embedding(items, 1)
        self.bias = nn.Parameter(torch.zeros(1))

    def forward(self, pairs):
        users, items = pairs[:, 0], pairs[:, 1]
        dot = (self.users(users) * self.items(items)).sum(1, keepdim=True)
        return dot + self.user_bias(users) + self.item_bias(items) + self.bias


class GAN(nn.Module):
    """Generator and discriminator of DCGAN, for pictures whose height can be halved twice; the output
    is the discriminator's verdict."""

    def __init__(self, shape, noise=100, width=64):
        super().__init__()
        self.noise = noise
        small, channels = shape[0] // 4, shape[2]
        self.generator = nn.Sequential(
            nn.ConvTranspose2d(noise, 2 * width, small, bias=False), nn.BatchNorm2d(2 * width),
            nn.ReLU(), nn.ConvTranspose2d(2 * width, width, 4, 2, 1, bias=False),
            nn.BatchNorm2d(width), nn.ReLU(),
            nn.ConvTranspose2d(width, channels, 4, 2, 1, bias=False), nn.Sigmoid())
        self.discriminator = nn.Sequential(
            nn.Conv2d(channels, width, 4, 2, 1, bias=False), nn.LeakyReLU(0.2),
            nn.Conv2d(width, 2 * width, 4, 2, 1, bias=False), nn.BatchNorm2d(2 * width),
            nn.LeakyReLU(0.2), nn.Conv2d(2 * width, 1, small, bias=False))

    def forward(self, x):
        return self.discriminator(x)

    def aims(self, real, noise):
        """What generator and discriminator minimise; each holds the other one fixed."""
        def says(outputs, truth):
            return functional.binary_cross_entropy_with_logits(
                outputs, torch.full_like(outputs, truth))

        generated = self.generator(noise)
        for parameter in self.discriminator.parameters():
            parameter.requires_grad_(False)
        generator = says(self.discriminator(generated), 1.0)
        for parameter in self.discriminator.parameters():
            parameter.requires_grad_(True)
        fakes = generated.detach()
        return generator, says(self.discriminator(fakes), 0.0) + says(self.discriminator(real), 1.0)


def small(*layers):
    return nn.Sequential(*layers)


def build(name, space):
    """The module of a named model for data as `space` describes it (see step-bench)."""
    shape, classes = space["input"], space["classes"]
    pixels = shape[0] * shape[1] * shape[2] if len(shape) == 3 else shape[0]
    if name == "linear":
        return small(nn.Flatten(), nn.Linear(pixels, classes))
    if name == "logistic":
        return small(nn.Linear(pixels, classes))
    if name == "mlp":
        return small(
            nn.Flatten(), nn.Linear(pixels, 512), nn.ReLU(), nn.Linear(512, 256), nn.ReLU(),
            nn.Linear(256, classes))
    if name == "cnn":
        extent = (shape[0] - 2) // 2 * ((shape[1] - 2) // 2)
        return small(
            nn.Conv2d(shape[2], 32, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
            nn.Linear(32 * extent, classes))
    if name == "lenet":
        return small(
            nn.Conv2d(shape[2], 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(32, 64, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
            nn.Flatten(), nn.Linear(64 * (shape[0] // 4) * (shape[1] // 4), 128), nn.ReLU(),
            nn.Linear(128, classes))
    if name == "vgg11":
        return VGG(classes)
    if name == "resnet20":
        return ResNet([16, 32, 64], 3, classes)
    if name == "resnet18":
        return ResNet([64, 128, 256, 512], 2, classes)
    if name == "gpt":
        return GPT(classes, shape[0])
    if name in ("lstm", "gru"):
        return Recurrent(name, classes)
    if name == "matrix-factorization":
        return MatrixFactorization(*space["index_counts"])
    if name == "gan":
        return GAN(shape)
    raise SystemExit(f"no PyTorch counterpart of {name}")


def loss_function(space):
    """The loss that fits the targets, over outputs of any shape."""
    if space["targets"] == "numbers":
        return lambda outputs, targets: functional.mse_loss(outputs.flatten(), targets.flatten())
    return lambda outputs, targets: functional.cross_entropy(
        outputs.reshape(-1, outputs.shape[-1]), targets.flatten())
