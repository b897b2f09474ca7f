"""Who is told of an alert, and when nobody is: Alertmanager's configuration, read and decided here without a clock or a network."""
