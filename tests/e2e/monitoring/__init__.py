"""What tests/e2e/dashboards is made of: rules, panels, a Prometheus, and servers under load."""
