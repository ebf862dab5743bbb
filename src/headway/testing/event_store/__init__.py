"""The parts of the contract suite for event stores, one for each thing that a store does."""
