"""The Q-network, by hand."""

import torch

from can_train.detectors.fusion.network import QNetwork


def test_q_network_gives_a_value_per_action() -> None:
    network = QNetwork(state_channels=15, actions=21, hidden_channels=160, hidden_layers=2)
    assert network(torch.zeros(4, 15)).shape == (4, 21)


def test_q_network_of_hand_set_weights_gives_hand_computed_values() -> None:
    network = QNetwork(state_channels=2, actions=2, hidden_channels=2, hidden_layers=1)
    with torch.no_grad():
        first, first_bias, second, second_bias = network.parameters()
        first.copy_(torch.tensor([[1.0, 0.0], [0.0, -1.0]]))
        first_bias.zero_()
        second.copy_(torch.tensor([[2.0, 3.0], [-1.0, 0.0]]))
        second_bias.copy_(torch.tensor([0.5, 0.0]))
    # relu([3, -4]) = [3, 0]; [2*3 + 0.5, -3]
    assert network(torch.tensor([[3.0, 4.0]])).tolist() == [[6.5, -3.0]]
