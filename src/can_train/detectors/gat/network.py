"""GAT: classifies a window graph as benign or attack."""

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
from can_train.detectors.pooling import Pooling
from can_train.graphs.batch import ScaledGraphs

NUM_CLASSES: Final = 2
"""Benign (0) and attack (1)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GatOutput:
    """What the GAT says about B windows.

    Attributes:
        logits: Benign and attack [B, 2], float32.
        embedding: All layers' outputs, pooled over the window's nodes [B, D].
    """

    logits: Tensor
    embedding: Tensor


class GAT(nn.Module):
    r"""Graph attention classifier with residual connections and jumping knowledge.

    .. math::
        h^{(l)} = \mathrm{ELU}(\mathrm{GAT}_l(h^{(l-1)}) + R_l h^{(l-1)}), \qquad
        z_b = \frac{1}{|V_b|} \sum_{i \in V_b} [h_i^{(1)}, \dots, h_i^{(L)}], \qquad
        \mathrm{logits} = \mathrm{MLP}(z_b)

    with :math:`R_1` learned (the widths differ) and the identity afterwards. Velickovic et al.,
    ICLR 2018; Xu et al., "Representation Learning on Graphs with Jumping Knowledge Networks",
    ICML 2018, eq. 4 (concatenation).

    Args:
        node_channels: Width F of a node.
        edge_channels: Width G of an edge.
        num_ids: Entries of the ID vocabulary, unknown (index 0) included; 0: no ID is used.
        layers: Attention layers.
        heads: Heads per layer.
        hidden_channels: Width of one head.
        id_embedding: Width of the ID embedding; without effect when `num_ids` is 0.
        fc_channels: Hidden widths of the classifier; two of them make three connected layers.
        dropout: Dropout probability of the pooled embedding and in the classifier.
        pooling: `mean`, `max`, or both (`mean-max`). The mean alone drowns an attack of one to
            three frames among the window's other nodes.
        neighbours: `attention`, the plain `mean` over a node's neighbours, or `none`: each layer is
            a learned map of the node alone.
        edge_features: Whether edge features have a say in the attention.

    Shapes:
        - batch with N nodes, E edges, B graphs -> logits [B, 2], embedding
          [B, layers * heads * hidden * poolings]
    """

    def __init__(  # noqa: PLR0913 - models take plain arguments, not a config object
        self,
        *,
        node_channels: int,
        edge_channels: int,
        num_ids: int,
        layers: int,
        heads: int,
        hidden_channels: int,
        id_embedding: int,
        fc_channels: Sequence[int],
        dropout: float = 0.0,
        pooling: str = "mean",
        neighbours: str = "attention",
        edge_features: bool = True,
    ) -> None:
        super().__init__()
        width = heads * hidden_channels
        self.pooling = tuple(pooling.split("-"))
        self.embedding_channels = layers * width * len(self.pooling)
        self.dropout = dropout
        self.embedding = nn.Embedding(num_ids, id_embedding, padding_idx=0) if num_ids else None
        first = node_channels + (id_embedding if num_ids else 0)
        self.convolutions = nn.ModuleList(
            GraphAttention(
                first if layer == 0 else width,
                hidden_channels,
                heads,
                edge_channels,
                residual=layer == 0 or neighbours == "none",
                neighbours=neighbours,
                scores_edges=edge_features,
            )
            for layer in range(layers)
        )
        self.classifier = Dense(
            [self.embedding_channels, *fc_channels, NUM_CLASSES], dropout=dropout
        )

    def forward(self, batch: ScaledGraphs) -> GatOutput:
        """Logits and pooled embedding of every window of `batch`."""
        hidden = batch.x
        if self.embedding is not None:
            hidden = torch.cat([hidden, self.embedding(batch.id_index)], dim=1)
        edges, pooling = Edges.of(batch), Pooling(first=batch.first_nodes, names=self.pooling)
        pooled: list[Tensor] = []
        for convolution in self.convolutions:
            assert isinstance(convolution, GraphAttention)
            residual = hidden if convolution.res is None else None
            hidden, of_layer = convolution.pooled(hidden, edges, residual, pooling)
            pooled.append(of_layer)
        embedding = torch.cat(pooled, dim=1)
        logits = self.classifier(functional.dropout(embedding, self.dropout, self.training))
        return GatOutput(logits=logits, embedding=embedding)
