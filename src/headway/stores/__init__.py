"""The stores: one contract (``headway.ports.EventStore``), several places to keep logs in."""
