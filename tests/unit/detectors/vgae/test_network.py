from collections.abc import Callable
from dataclasses import replace

import pytest
import torch

from can_train.detectors.vgae.errors import window_errors
from can_train.detectors.vgae.network import VGAE
from can_train.graphs.batch import GraphBatch

MakeBatch = Callable[..., GraphBatch]


def small_vgae(*, num_ids: int = 0, told_ids: int = 76, dropout: float = 0.0) -> VGAE:
    torch.manual_seed(0)
    return VGAE(
        node_channels=20,
        edge_channels=12,
        num_ids=num_ids,
        told_ids=told_ids,
        encoder_channels=(12, 8),
        decoder_channels=(10,),
        latent_channels=5,
        heads=2,
        id_embedding=3,
        dropout=dropout,
    )


def test_outputs_have_the_documented_shapes(random_batch: MakeBatch) -> None:
    output = small_vgae()(random_batch())
    assert output.mu.shape == output.logvar.shape == (16, 5)
    assert output.reconstruction.shape == (16, 20)
    assert output.id_logits.shape == output.neighbour_logits.shape == (16, 75)


def test_without_ids_to_tell_there_are_no_heads_for_them(random_batch: MakeBatch) -> None:
    vgae, with_heads = (small_vgae(told_ids=ids).eval() for ids in (0, 76))
    output = vgae(random_batch())
    assert output.id_logits is None
    assert output.neighbour_logits is None
    assert not [name for name in vgae.state_dict() if "id_heads" in name]
    assert torch.equal(with_heads(random_batch()).reconstruction, output.reconstruction)


def test_eval_mode_decodes_the_mean_and_repeats_bit_for_bit(random_batch: MakeBatch) -> None:
    vgae, batch = small_vgae().eval(), random_batch()
    first, second = vgae(batch), vgae(batch)
    assert torch.equal(first.reconstruction, second.reconstruction)
    assert torch.equal(first.reconstruction, vgae.decode(first.mu))


def test_training_mode_decodes_a_sample_of_the_given_generator(random_batch: MakeBatch) -> None:
    vgae, batch = small_vgae().train(), random_batch()
    first = vgae(batch, torch.Generator().manual_seed(1))
    again = vgae(batch, torch.Generator().manual_seed(1))
    other = vgae(batch, torch.Generator().manual_seed(2))
    assert torch.equal(first.reconstruction, again.reconstruction)
    assert not torch.equal(first.reconstruction, other.reconstruction)
    assert torch.equal(first.mu, other.mu)


def test_a_given_generator_and_decoding_leave_the_global_generator_alone(
    random_batch: MakeBatch,
) -> None:
    vgae, batch = small_vgae().train(), random_batch()
    before = torch.get_rng_state()
    output = vgae(batch, torch.Generator().manual_seed(1))
    vgae.decode(output.mu)
    assert torch.equal(before, torch.get_rng_state())


def test_log_variance_is_clamped(random_batch: MakeBatch) -> None:
    vgae = small_vgae()
    with torch.no_grad():
        vgae.log_variance.weight.mul_(1e6)
    logvar = vgae(random_batch()).logvar
    assert (logvar.min().item(), logvar.max().item()) == (-10.0, 10.0)


def test_encoder_without_id_embedding_does_not_see_ids(random_batch: MakeBatch) -> None:
    batch = random_batch()
    other = replace(batch, id_index=torch.zeros_like(batch.id_index))
    assert torch.equal(small_vgae()(batch).mu, small_vgae()(other).mu)
    assert not torch.equal(small_vgae(num_ids=76)(batch).mu, small_vgae(num_ids=76)(other).mu)


def test_encoder_width_that_heads_do_not_divide_is_refused() -> None:
    with pytest.raises(ValueError, match=r"encoder_channels: \[10\] can't be divided among 4"):
        VGAE(
            node_channels=2,
            edge_channels=1,
            num_ids=0,
            told_ids=0,
            encoder_channels=(10, 8),
            decoder_channels=(4,),
            latent_channels=2,
            heads=4,
            id_embedding=1,
        )


def test_order_of_nodes_and_edges_does_not_matter(
    random_batch: MakeBatch,
    relabelled: Callable[..., tuple[GraphBatch, torch.Tensor]],
) -> None:
    vgae, batch = small_vgae().eval(), random_batch()
    shuffled, old = relabelled(batch)
    torch.testing.assert_close(vgae(shuffled).mu, vgae(batch).mu[old])
    torch.testing.assert_close(
        window_errors(vgae(shuffled), shuffled), window_errors(vgae(batch), batch)
    )


def test_windows_in_one_batch_do_not_see_each_other(
    random_batch: MakeBatch, only_graph: Callable[[GraphBatch, int], GraphBatch]
) -> None:
    vgae, batch = small_vgae().eval(), random_batch()
    single = [only_graph(batch, graph) for graph in range(3)]
    alone = torch.cat([window_errors(vgae(graph), graph) for graph in single])
    torch.testing.assert_close(window_errors(vgae(batch), batch), alone)
