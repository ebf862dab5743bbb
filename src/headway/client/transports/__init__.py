"""The ways that frames come by. Each gives the same frames, and raises ConnectionLost when it can give no more."""
