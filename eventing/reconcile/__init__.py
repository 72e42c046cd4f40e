"""What should be true of brokers and triggers."""
