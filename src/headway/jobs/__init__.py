"""What people type in a job: ``headway.run`` and its neighbours."""
