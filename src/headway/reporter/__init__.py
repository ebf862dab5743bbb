"""What a job imports: runs and stages that report in the background and never hurt the job."""
