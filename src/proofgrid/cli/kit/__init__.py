"""What the commands share: console, options, reading, failures, a task's screen."""
