"""Programs as runs: started, followed, understood and stopped."""
