"""VGAE: learns benign windows; what it can't reconstruct is an anomaly."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from can_train.detectors.attention import GraphAttention
from can_train.detectors.dense import Dense
from can_train.detectors.edges import Edges
from can_train.detectors.linear import Linear, linear
from can_train.detectors.vgae.sampling import sample
from can_train.graphs.batch import ScaledGraphs

LOGVAR_LIMIT: Final = 10.0
"""Log-variances are clamped to +-10: standard deviations from 0.0067 to 148."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VgaeOutput:
    """What the VGAE says about N nodes; V is the size of the ID vocabulary, unknown included.

    Attributes:
        mu: Latent means [N, L], float32.
        logvar: Latent log-variances [N, L], float32, within +-10.
        reconstruction: Node features [N, F], float32.
        id_logits: Column c belongs to ID index c + 1 [N, V - 1], float32; None: it tells no IDs.
        neighbour_logits: Likewise, one independent yes/no per ID [N, V - 1], float32.
    """

    mu: Tensor
    logvar: Tensor
    reconstruction: Tensor
    id_logits: Tensor | None = None
    neighbour_logits: Tensor | None = None


class IdHeads(nn.Module):
    """ID and neighbourhood heads that share one embedding per ID class.

    id = z E^T + b, neighbour = (z W) E^T + b'. Sharing E keeps the student under its budget.

    Args:
        latent_channels: Width L of the latent.
        classes: Known IDs C.

    Shapes:
        - latent [N, L] -> ID logits [N, C], neighbour logits [N, C]
    """

    def __init__(self, latent_channels: int, classes: int) -> None:
        super().__init__()
        self.id_head = Linear(latent_channels, classes)
        self.turn = Linear(latent_channels, latent_channels, bias=False)
        self.neighbour_bias = nn.Parameter(torch.zeros(classes))

    def forward(self, latent: Tensor) -> tuple[Tensor, Tensor]:
        """ID and neighbour logits of `latent`."""
        neighbour = linear(self.turn(latent), self.id_head.weight, self.neighbour_bias)
        return self.id_head(latent), neighbour


class VGAE(nn.Module):
    r"""Variational graph autoencoder of node features, on request of IDs and neighbourhoods, too.

    .. math::
        \mu, \log \sigma^2 = \mathrm{Linear}(\mathrm{GAT}(x, e)), \qquad
        z = \mu + \sigma \epsilon, \qquad \hat x = \mathrm{MLP}(z)

    Kipf & Welling, "Variational Graph Auto-Encoders", 2016, eq. 1-2, with attention layers as the
    encoder. The decoder has no dropout and draws nothing, so reconstructing from the means beside
    the training pass leaves every random stream as it was.

    Args:
        node_channels: Width F of a node.
        edge_channels: Width G of an edge.
        num_ids: Entries of the ID vocabulary that the encoder is fed with, unknown (index 0)
            included; 0: the encoder sees no ID.
        told_ids: Entries V of the ID vocabulary, unknown included, for the two ID heads, which only
            the loss asks; 0: there are none.
        encoder_channels: Widths of the encoder layers, each a multiple of `heads`.
        decoder_channels: Hidden widths of the decoder.
        latent_channels: Width L of the latent.
        heads: Heads per encoder layer.
        id_embedding: Width of the ID embedding; without effect when `num_ids` is 0.
        dropout: Dropout probability of the encoder's layer outputs.

    Raises:
        ValueError: An encoder width isn't a multiple of `heads`.
    """

    def __init__(  # noqa: PLR0913 - models take plain arguments, not a config object
        self,
        *,
        node_channels: int,
        edge_channels: int,
        num_ids: int,
        told_ids: int,
        encoder_channels: Sequence[int],
        decoder_channels: Sequence[int],
        latent_channels: int,
        heads: int,
        id_embedding: int,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        uneven = [width for width in encoder_channels if width % heads]
        if uneven:
            raise ValueError(f"encoder_channels: {uneven} can't be divided among {heads} heads")
        self.dropout = dropout
        self.embedding = nn.Embedding(num_ids, id_embedding, padding_idx=0) if num_ids else None
        first = node_channels + (id_embedding if num_ids else 0)
        inputs = [first, *encoder_channels[:-1]]
        self.encoder = nn.ModuleList(
            GraphAttention(width_in, width_out // heads, heads, edge_channels + 1)
            for width_in, width_out in zip(inputs, encoder_channels, strict=True)
        )
        self.mean = Linear(encoder_channels[-1], latent_channels)
        self.log_variance = Linear(encoder_channels[-1], latent_channels)
        self.decoder = Dense([latent_channels, *decoder_channels, node_channels])
        self.id_heads = IdHeads(latent_channels, told_ids - 1) if told_ids else None

    def encode(self, batch: ScaledGraphs) -> tuple[Tensor, Tensor]:
        """Latent means and clamped log-variances, both [N, L]."""
        hidden = self._encoded(batch)
        logvar = self.log_variance(hidden).clamp(-LOGVAR_LIMIT, LOGVAR_LIMIT)
        return self.mean(hidden), logvar

    def sample(
        self, batch: ScaledGraphs, generator: torch.Generator | None, noise: Tensor | None
    ) -> tuple[Tensor, Tensor, Tensor]:
        """The same, and a draw of the latent [N, L]; for the arguments see `forward`."""
        if batch.x.is_cuda:
            mu, logvar = self.encode(batch)
            noise = _drawn(mu, generator) if noise is None else noise
            return mu, logvar, mu + torch.exp(0.5 * logvar) * noise
        hidden = self._encoded(batch)
        if noise is None:
            noise = _drawn(hidden.new_empty(len(hidden), self.mean.out_features), generator)
        return sample(hidden, self.mean, self.log_variance, noise, LOGVAR_LIMIT)

    def _encoded(self, batch: ScaledGraphs) -> Tensor:
        """Nodes behind the last attention layer."""
        hidden = batch.x
        if self.embedding is not None:
            hidden = torch.cat([hidden, self.embedding(batch.id_index)], dim=1)
        edges = Edges.of(batch, loops=True)
        for convolution in self.encoder:
            hidden = convolution(hidden, edges)
            hidden = functional.dropout(hidden, self.dropout, self.training)
        return hidden

    def decode(self, latent: Tensor) -> Tensor:
        """Reconstructed node features [N, F] of latents [N, L]; draws no random numbers."""
        reconstruction: Tensor = self.decoder(latent)
        return reconstruction

    def forward(
        self,
        batch: ScaledGraphs,
        generator: torch.Generator | None = None,
        noise: Tensor | None = None,
    ) -> VgaeOutput:
        """All outputs of `batch`: from a sample in training mode, from the mean in eval mode.

        Args:
            batch: Window graphs.
            generator: Source of the sample, on the batch's device; None is torch's global one.
            noise: Standard normal numbers of the sample [N, L] in its place.
        """
        if self.training:
            mu, logvar, latent = self.sample(batch, generator, noise)
        else:
            mu, logvar = self.encode(batch)
            latent = mu
        told = {"mu": mu, "logvar": logvar, "reconstruction": self.decode(latent)}
        if self.id_heads is not None:
            told["id_logits"], told["neighbour_logits"] = self.id_heads(latent)
        return VgaeOutput(**told)


def _drawn(like: Tensor, generator: torch.Generator | None) -> Tensor:
    return torch.empty_like(like).normal_(generator=generator)
